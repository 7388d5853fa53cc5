"""The page of language models: who may do what, what is refused and how, and that a key is never shown."""

from __future__ import annotations

import pytest
from django.db import connection, connections
from django.test import Client

from analysis.llm import catalogue
from analysis.llm.registry import llm_get, llms
from analysis.llm.speed import learn_speed
from analysis.models import Call, Endpoint, ServedLLM
from analysis.types import Usage
from config.env import env
from local.process import free_port
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM
from tests.conftest import Cast
from workspaces.models import User

KEY = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "llm_url", "")
    monkeypatch.setattr(env, "llm_key", "")


@pytest.fixture
def staff(cast: Cast) -> Client:
    User.objects.filter(pk=cast.owner.pk).update(is_staff=True)
    client = Client()
    client.force_login(cast.owner)
    return client


@pytest.fixture
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the connection that holds the test's transaction, which a stream's view would give back."""
    monkeypatch.setattr(connections, "close_all", lambda: None)


@pytest.fixture
def server(scripted_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch) -> ScriptedLLM:
    """A server that is there, and is not the configured one."""
    monkeypatch.setattr(env, "llm_url", "")
    return scripted_llm


def fields(server: ScriptedLLM, **more: object) -> dict[str, object]:
    return {"name": "Ours", "base_url": server.url, "key": KEY, "dialect": "", "enabled": "on", **more}


@pytest.fixture
def endpoint(staff: Client, server: ScriptedLLM) -> Endpoint:
    assert staff.post("/models/add/", fields(server)).status_code == 302
    return Endpoint.objects.get()


def errors(reply) -> dict[str, list[str]]:
    assert reply.status_code == 422
    return dict(reply.context["form"].errors)


def test_everyone_sees_what_can_be_used_and_only_administrators_where_to_add(cast: Cast, staff: Client) -> None:
    place = Endpoint.objects.create(name="Moonshot", base_url="https://api.moonshot.ai/v1", key=KEY)
    ServedLLM.objects.create(endpoint=place, slug="kimi-k2.6", model="kimi-k2.6", facts_id="kimi-k2.6")
    learn_speed(llm_get("kimi-k2.6"), Usage(prompt_tokens=5000, seconds_to_first_token=2.0, seconds=2.0))
    client = Client()
    client.force_login(cast.viewer)
    page = client.get("/models/").content.decode()
    for words in ("Kimi K2.6", "Moonshot", "262,144", "0.95 · 0.16 · 4", "2500 · –", "Modified MIT (weights)"):
        assert words in page
    assert "platform.kimi.ai/docs/pricing/chat-k26" in page
    assert "looked at 23 November 2026" in page
    assert "/models/add/" not in page
    assert "/models/add/" in staff.get("/models/").content.decode()


@pytest.mark.parametrize("path", ["add/", "endpoints/1/", "llms/1/"])
def test_for_others_the_administrators_pages_do_not_exist(cast: Cast, path: str) -> None:
    client = Client()
    client.force_login(cast.owner)
    assert client.get(f"/models/{path}").status_code == 404
    assert client.post(f"/models/{path}", {}).status_code == 404


def test_the_key_is_encrypted_and_never_shown(endpoint: Endpoint, staff: Client, server: ScriptedLLM) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM analysis_endpoint")
        stored = cursor.fetchone()[0]
    assert KEY not in stored
    assert endpoint.key == KEY
    page = staff.get(f"/models/endpoints/{endpoint.pk}/").content.decode()
    assert KEY not in page
    assert "A key is set. It is not shown again; write another one to replace it." in page
    again = staff.post(f"/models/endpoints/{endpoint.pk}/", fields(server, key="", name="Renamed"))
    assert again.status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.key) == ("Renamed", KEY)


def test_a_key_does_not_follow_the_address_to_another_server(endpoint: Endpoint, staff: Client) -> None:
    moved = {"name": "Ours", "base_url": "http://127.0.0.1:9/v1", "key": "", "enabled": "on", "anyway": "on"}
    reply = staff.post(f"/models/endpoints/{endpoint.pk}/", moved)
    assert errors(reply) == {"key": ["The address leads to another server now: write the key for it."]}
    assert KEY not in reply.content.decode()
    assert Endpoint.objects.get().key == KEY


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("ftp://example.org/v1", "The address begins with http:// or https://."),
        ("example.org/v1", "The address begins with http:// or https://."),
        (
            "https://me:secret@example.org/v1",
            "Leave name and password out of the address; the key has a field of its own.",
        ),
        ("https://example.org/v1?key=1", "Leave out what follows ? or # in the address."),
        ("http://example.org:port/v1", "This is not an address."),
    ],
)
def test_a_wrong_address_is_refused_in_a_sentence(staff: Client, address: str, sentence: str) -> None:
    reply = staff.post("/models/add/", {"name": "Ours", "base_url": address, "enabled": "on"})
    assert errors(reply) == {"base_url": [sentence]}
    assert not Endpoint.objects.exists()


def test_a_server_that_is_away_can_be_saved_on_purpose(staff: Client) -> None:
    wanted = {"name": "Ours", "base_url": f"http://127.0.0.1:{free_port()}/v1", "enabled": "on"}
    reply = staff.post("/models/add/", wanted)
    assert errors(reply) == {
        "base_url": ["Nothing answers at this address. Is the server running, and can this machine reach it?"]
    }
    assert 'type="checkbox" name="anyway"' in reply.content.decode()
    assert staff.post("/models/add/", wanted | {"anyway": "on"}).status_code == 302


def test_a_refused_key_is_said_beside_the_key(staff: Client, server: ScriptedLLM) -> None:
    server.pages["GET /v1/models"] = (401, {"error": {"message": "no"}})
    assert errors(staff.post("/models/add/", fields(server))) == {"key": ["The endpoint refuses the key."]}


def test_names_and_ids_are_there_once(endpoint: Endpoint, staff: Client, server: ScriptedLLM) -> None:
    assert errors(staff.post("/models/add/", fields(server))) == {
        "name": ["There is an endpoint of this name already."]
    }
    place = f"/models/endpoints/{endpoint.pk}/llms/"
    assert staff.post(place, {"model": "scripted"}).status_code == 302
    twice = staff.post(place, {"model": "scripted"})
    assert twice.status_code == 422
    assert twice.context["llm_form"].errors == {"model": ["This language model is in the list already."]}
    staff.post(place, {"model": "other"})
    row = ServedLLM.objects.get(slug="other")
    taken = staff.post(f"/models/llms/{row.pk}/", {"slug": "scripted", "enabled": "on"})
    assert errors(taken) == {"slug": ["Another language model here has this id."]}


def test_the_same_name_at_a_second_endpoint_gets_an_id_of_its_own(endpoint: Endpoint, staff: Client) -> None:
    other = Endpoint.objects.create(name="Second place", base_url="http://127.0.0.1:9/v1")
    for place in (endpoint, other):
        staff.post(f"/models/endpoints/{place.pk}/llms/", {"model": "glm-5"})
    assert list(ServedLLM.objects.values_list("slug", "facts_id")) == [
        ("glm-5", "glm-5"),
        ("glm-5@second-place", "glm-5"),
    ]


def test_prices_and_limits_set_here_go_before_the_catalogue_s(endpoint: Endpoint, staff: Client) -> None:
    staff.post(f"/models/endpoints/{endpoint.pk}/llms/", {"model": "GLM-5"})
    row = ServedLLM.objects.get()
    facts = catalogue.catalogue()["glm-5"]
    assert llm_get("GLM-5").price_in_usd_per_million == facts.price_in_usd_per_million == 1.0
    changed = {"slug": "GLM-5", "facts_id": "glm-5", "window_tokens": "65536", "price_in_usd_per_million": "0.5",
               "enabled": "on"}  # fmt: skip
    assert staff.post(f"/models/llms/{row.pk}/", changed).status_code == 302
    now = llm_get("GLM-5")
    assert (now.window_tokens, now.price_in_usd_per_million, now.price_out_usd_per_million) == (65536, 0.5, 3.2)
    assert now.key == KEY
    assert KEY not in repr(now)
    assert staff.post(f"/models/llms/{row.pk}/", changed | {"window_tokens": "10"}).status_code == 422


def test_one_default_and_what_is_off_is_not_offered(endpoint: Endpoint, staff: Client) -> None:
    for name in ("alpha", "beta"):
        staff.post(f"/models/endpoints/{endpoint.pk}/llms/", {"model": name})
    alpha, beta = ServedLLM.objects.order_by("slug")
    for row in (alpha, beta):
        staff.post(f"/models/llms/{row.pk}/default/")
    assert [llm.id for llm in llms()] == ["beta", "alpha"]
    assert ServedLLM.objects.get(default=True) == beta
    staff.post(f"/models/llms/{alpha.pk}/", {"slug": "alpha"})
    assert [llm.id for llm in llms()] == ["beta"]
    staff.post(f"/models/endpoints/{endpoint.pk}/delete/")
    assert llms() == []
    assert not ServedLLM.objects.exists()


@pytest.mark.usefixtures("one_connection")
def test_a_test_says_what_was_found_and_keeps_it(endpoint: Endpoint, staff: Client, server: ScriptedLLM) -> None:
    told = {"prompt_tokens": 412, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 400}}
    server.replies = [Reply(words=["one", " two"], usage=told)]
    assert staff.post(f"/models/endpoints/{endpoint.pk}/test/").status_code == 302
    endpoint.refresh_from_db()
    test = endpoint.test
    assert (test["ok"], test["dialect"], test["models"], test["windows"]) == (
        True, "openai", ["scripted"], {"scripted": 4096},
    )  # fmt: skip
    assert (test["model"], test["window_tokens"], test["usage"]) == ("scripted", 4096, True)
    assert (test["prompt_tokens"], test["completion_tokens"], test["cached_tokens"]) == (412, 2, 400)
    assert test["seconds_to_first_token"] > 0
    assert len(server.requests) == 2
    assert server.requests[0]["messages"] == server.requests[1]["messages"]
    assert list(Call.objects.values_list("purpose", "llm", "prompt_tokens")) == [("test", "scripted", 412)] * 2
    page = staff.get(f"/models/endpoints/{endpoint.pk}/").content.decode()
    assert "The endpoint works." in page
    assert "400 of 412 tokens came from its cache" in page
    assert KEY not in str(test)


@pytest.mark.usefixtures("one_connection")
def test_a_test_that_fails_says_why(endpoint: Endpoint, staff: Client, server: ScriptedLLM) -> None:
    server.replies = [Reply(status=402, body='{"error": {"message": "Insufficient Balance"}}')]
    staff.post(f"/models/endpoints/{endpoint.pk}/test/")
    endpoint.refresh_from_db()
    assert endpoint.test["ok"] is False
    assert endpoint.test["message"] == "The account at the language model's endpoint has no credit left."


@pytest.mark.django_db(transaction=True)
async def test_a_test_streams_its_report(cast: Cast, server: ScriptedLLM, async_client) -> None:
    from asgiref.sync import sync_to_async

    await sync_to_async(User.objects.filter(pk=cast.owner.pk).update)(is_staff=True)
    place = await sync_to_async(Endpoint.objects.create)(name="Ours", base_url=server.url)
    await sync_to_async(async_client.force_login)(cast.owner)
    server.replies = [Reply(words=["one", " two"])]
    reply = await async_client.post(
        f"/models/endpoints/{place.pk}/test/", headers={"Accept": "text/html, text/event-stream"}
    )
    assert reply["Content-Type"] == "text/event-stream"
    frames = [piece.decode() async for piece in reply.streaming_content]
    assert "The server answers. It is spoken to as openai." in frames[0]
    assert "The endpoint works." not in frames[-2]
    assert "The endpoint works." in frames[-1]
    await sync_to_async(place.refresh_from_db)()
    assert place.test["ok"] is True
