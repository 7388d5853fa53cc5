"""Which language models can be used, what is known of them, and that an endpoint that is away holds nobody up."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pytest
from django.core.cache import cache
from django.test.utils import CaptureQueriesContext

from analysis.errors import EngineUnavailable, UserError
from analysis.llm import endpoint as endpoints
from analysis.llm.endpoint import EndpointFacts, Listed, endpoint_facts, survey
from analysis.llm.registry import audio_llm, llm_get, llms, vision_llm
from analysis.models import Endpoint, ServedLLM
from config.env import env
from local.process import free_port
from tests.analysis.llm.scripted_server import ScriptedLLM

pytestmark = pytest.mark.django_db


@pytest.fixture
def vllm(db: None) -> Endpoint:
    return Endpoint.objects.create(
        name="Our vLLM", base_url="http://gpu:8000/v1", key="k1", dialect="vllm", self_hosted=True,
        test={"windows": {"Qwen/Qwen2.5-72B-Instruct": 32768}},
    )  # fmt: skip


class RightAway:
    """A thread whose work is done by the time it has started."""

    def __init__(self, target: Callable[..., object], args: tuple[object, ...], daemon: bool) -> None:
        self.start = partial(target, *args)


def served(endpoint: Endpoint, model: str, **more: object) -> ServedLLM:
    return ServedLLM.objects.create(endpoint=endpoint, slug=model, model=model, facts_id=model, **more)


def test_the_configured_one_stands_first_unless_another_is_the_default(
    scripted_llm: ScriptedLLM, vllm: Endpoint
) -> None:
    row = served(vllm, "glm-5")
    assert [llm.id for llm in llms()] == ["scripted", "glm-5"]
    row.default = True
    row.save()
    assert [llm.id for llm in llms()] == ["glm-5", "scripted"]
    assert llm_get().id == "glm-5"


def test_facts_come_from_the_catalogue_and_address_window_and_price_from_where_it_is_served(vllm: Endpoint) -> None:
    served(vllm, "Qwen/Qwen2.5-72B-Instruct")
    llm = llm_get("Qwen/Qwen2.5-72B-Instruct")
    assert (llm.base_url, llm.key, llm.dialect) == ("http://gpu:8000/v1", "k1", "vllm")
    assert llm.window_tokens == 32768  # as the server was started; the catalogue says 131,072
    assert llm.answer_tokens <= 32768 // 4
    served(vllm, "glm-5")
    ours = llm_get("glm-5")
    assert ours.price_in_usd_per_million == ours.price_out_usd_per_million == 0.0
    assert "thinking" not in ours.body  # that is a setting of Z.ai's own platform


def test_the_database_is_asked_once_for_a_page(vllm: Endpoint) -> None:
    from django.db import connection

    served(vllm, "glm-5")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        for _ in range(20):
            llm_get("glm-5")
    assert len(queries) == 1


def test_no_key_leaves_this_process(vllm: Endpoint) -> None:
    served(vllm, "glm-5")
    llms()
    client = cache._cache.get_client()
    held = b"".join(str(client.get(key)).encode() for key in client.keys("*") if client.type(key) == b"string")
    assert b"k1" not in held
    assert "k1" not in repr(llms())


def test_what_reads_pictures_and_what_hears_are_settings(vllm: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    served(vllm, "glm-5")
    assert vision_llm() is None
    monkeypatch.setattr(env, "vision_llm", "glm-5")
    monkeypatch.setattr(env, "audio_llm", "not-here")
    found = vision_llm()
    assert found is not None
    assert found.id == "glm-5"
    assert audio_llm() is None


def test_an_unknown_one_is_refused_with_the_list(vllm: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "llm_url", "")
    monkeypatch.setattr(env, "llm_key", "")
    served(vllm, "glm-5")
    with pytest.raises(UserError, match=r"^There is no language model 'gpt' here\. You can use: glm-5\.$"):
        llm_get("gpt")


def test_a_server_is_known_by_what_it_says(scripted_llm: ScriptedLLM) -> None:
    listed = {"data": [{"id": "a", "owned_by": "vllm", "max_model_len": 8192}, {"id": "b", "owned_by": "vllm"}]}
    scripted_llm.pages["GET /v1/models"] = (200, listed)
    found = survey(scripted_llm.url)
    assert (found.dialect, found.models) == ("vllm", [Listed("a", 8192), Listed("b", 0)])
    scripted_llm.pages["GET /v1/models"] = (404, {})
    assert survey(scripted_llm.url).models == []
    scripted_llm.pages["GET /v1/models"] = (200, ["no", "list"])
    with pytest.raises(UserError, match=r"^What answers at this address is no OpenAI-compatible server\.$"):
        survey(scripted_llm.url)
    scripted_llm.pages["GET /v1/models"] = (503, {})
    with pytest.raises(EngineUnavailable, match=r"^The endpoint is not working right now \(status 503\)\.$"):
        survey(scripted_llm.url)


def test_what_was_said_stays_while_a_server_is_away_and_nobody_waits(
    scripted_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = EndpointFacts("openai", "scripted", 4096)
    assert endpoint_facts(scripted_llm.url) == known
    asked: list[str] = []
    monkeypatch.setattr(endpoints, "_ask", lambda url, key, model: asked.append(url))
    monkeypatch.setattr(endpoints.threading, "Thread", RightAway)
    endpoints._known[scripted_llm.url, ""].ask_at = 0.0
    assert endpoint_facts(scripted_llm.url) == known
    assert asked == [scripted_llm.url]
    assert endpoint_facts(scripted_llm.url) == known
    assert asked == [scripted_llm.url]  # being asked already


def test_one_that_never_answered_is_asked_less_and_less_often() -> None:
    address = f"http://127.0.0.1:{free_port()}/v1"
    assert endpoint_facts(address) == EndpointFacts()
    waits = [endpoints._known[address, ""].ask_at - time.monotonic()]
    for _ in range(3):
        endpoints._ask(address, "", "")
        waits.append(endpoints._known[address, ""].ask_at - time.monotonic())
    assert [round(wait) for wait in waits] == [3, 6, 12, 24]
