"""Each endpoint's dialect as its documentation has it: what it is sent, and what is made of what it sends."""

from __future__ import annotations

import base64
import json
import socket
import threading
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.utils import timezone

from analysis.errors import AppError, EngineUnavailable, UserError
from analysis.llm import client
from analysis.llm.catalogue import LLM
from analysis.llm.client import stream_chat
from analysis.llm.dialects import DIALECTS, dialect_of
from analysis.llm.dialects.ollama import ollama_window_tokens
from analysis.llm.errors import BrokenStream, Busy, Silent
from analysis.types import Media, Message, Prompt, Shape, Source, Token, Usage
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM

PROMPT = Prompt([Message("system", "Be brief."), Message("user", "How long?")], [], 50)
OPEN = {"ollama": {"GET /api/ps": (200, {"models": [{"name": "served", "context_length": 32768}]})}}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BACKOFF_SECONDS", 0.001)


def at(server: ScriptedLLM, dialect: str, **facts: Any) -> LLM:
    """Return a language model that `server` serves in `dialect`."""
    server.pages.update(OPEN.get(dialect, {}))
    facts = {"window_tokens": 32768, "max_output_tokens": 8192, "model": "served", **facts}
    return LLM(id="its id", name="It", family="", dialect=dialect, base_url=server.url, key="secret", **facts)


def asked(server: ScriptedLLM, llm: LLM, prompt: Prompt = PROMPT) -> dict[str, Any]:
    """Return the request that a completion makes."""
    list(stream_chat(llm, prompt))
    return server.requests[-1]


def end(tokens: list[Token]) -> Usage:
    usage = tokens[-1].usage
    assert usage is not None
    return usage


def joined(tokens: list[Token], kind: str) -> str:
    return "".join(token.text for token in tokens if token.kind == kind)


def refused(server: ScriptedLLM, dialect: str, status: int, error: Any) -> Exception:
    server.replies = [Reply(status=status, body=error if isinstance(error, str) else json.dumps(error))]
    with pytest.raises((AppError, UserError)) as caught:
        list(stream_chat(at(server, dialect), PROMPT))
    return caught.value


# What is sent


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_asks_for_a_stream_by_the_endpoints_own_name(scripted_llm: ScriptedLLM, dialect: str) -> None:
    body = asked(scripted_llm, at(scripted_llm, dialect))
    limit = "max_completion_tokens" if dialect == "moonshot" else "max_tokens"
    assert (body["model"], body["stream"], body[limit]) == ("served", True, 50)
    assert [message["content"] for message in body["messages"]] == ["Be brief.", "How long?"]
    assert scripted_llm.headers[-1]["Authorization"] == "Bearer secret"


def test_a_name_that_is_not_known_is_the_plain_dialect(scripted_llm: ScriptedLLM) -> None:
    assert dialect_of(at(scripted_llm, "something new")) is DIALECTS["openai"]


@pytest.mark.parametrize(
    ("dialect", "asks"), [("vllm", True), ("moonshot", True), ("transformers", False), ("zai", False)]
)
def test_usage_is_asked_for_where_it_does_not_come_by_itself(
    scripted_llm: ScriptedLLM, dialect: str, asks: bool
) -> None:
    body = asked(scripted_llm, at(scripted_llm, dialect))
    assert body.get("stream_options") == ({"include_usage": True} if asks else None)


def test_moonshot_is_sent_no_sampling_settings(scripted_llm: ScriptedLLM) -> None:
    settings = {"temperature": 0.6, "top_p": 0.9, "reasoning_effort": "low"}
    body = asked(scripted_llm, at(scripted_llm, "moonshot", body=settings))
    assert not {"temperature", "top_p"} & body.keys()
    assert body["reasoning_effort"] == "low"
    assert asked(scripted_llm, at(scripted_llm, "vllm", body=settings))["temperature"] == 0.6


def test_transformers_is_sent_no_field_that_it_refuses(scripted_llm: ScriptedLLM) -> None:
    settings = {"temperature": 0.0, "repeat_penalty": 1.05, "chat_template_kwargs": {"enable_thinking": False}}
    body = asked(scripted_llm, at(scripted_llm, "transformers", body=settings))
    assert (body["temperature"], body["chat_template_kwargs"]) == (0.0, {"enable_thinking": False})
    assert not {"repeat_penalty", "stream_options"} & body.keys()
    assert asked(scripted_llm, at(scripted_llm, "llamacpp", body=settings))["repeat_penalty"] == 1.05


def test_thinking_gets_room_beside_the_answer(scripted_llm: ScriptedLLM) -> None:
    assert asked(scripted_llm, at(scripted_llm, "moonshot", reasoning_tokens=8000))["max_completion_tokens"] == 8050
    assert asked(scripted_llm, at(scripted_llm, "moonshot", reasoning_tokens=9000))["max_completion_tokens"] == 8192


def test_prompt_and_output_stay_within_the_window(scripted_llm: ScriptedLLM) -> None:
    prompt = Prompt([Message("user", "x" * 8000)], [], 500)  # estimated at 2,200 tokens
    llm = at(scripted_llm, "moonshot", window_tokens=4000, reasoning_tokens=8000)
    assert asked(scripted_llm, llm, prompt)["max_completion_tokens"] == 1800
    # What was planned for the answer is never taken from it: the plan counted exactly, this is an estimate.
    assert asked(scripted_llm, replace(llm, window_tokens=2500), prompt)["max_completion_tokens"] == 500


def test_a_picture_goes_as_a_data_url_before_the_words(scripted_llm: ScriptedLLM) -> None:
    prompt = Prompt([Message("user", "Read it.", media=(Media("image/png", b"\x89PNG"),))], [], 50)
    assert asked(scripted_llm, at(scripted_llm, "vllm"), prompt)["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
        {"type": "text", "text": "Read it."},
    ]


@pytest.mark.parametrize(
    ("dialect", "mime", "audio"),
    [
        ("vllm", "audio/mpeg", {"data": "SUQz", "format": "mp3"}),
        ("openai", "audio/x-wav", {"data": "SUQz", "format": "wav"}),
        ("dashscope", "audio/mpeg", {"data": "data:audio/mpeg;base64,SUQz"}),
    ],
)
def test_a_recording_goes_as_each_takes_it(
    scripted_llm: ScriptedLLM, dialect: str, mime: str, audio: dict[str, str]
) -> None:
    prompt = Prompt([Message("user", "Write it down.", media=(Media(mime, b"ID3"),))], [], 50)
    content = asked(scripted_llm, at(scripted_llm, dialect), prompt)["messages"][0]["content"]
    assert content[0] == {"type": "input_audio", "input_audio": audio}
    assert base64.b64decode(audio["data"].rpartition(",")[2]) == b"ID3"


def test_a_prefix_is_marked_where_the_cache_is_explicit_and_it_is_long_enough(scripted_llm: ScriptedLLM) -> None:
    long, short = ("word " * 1000, "word " * 100)
    llm = at(scripted_llm, "dashscope", cache="explicit")
    for prefix, parts in ((long, 2), (short, 0)):
        prompt = Prompt([Message("user", f"{prefix}Question: Why?", prefix_chars=len(prefix))], [], 50)
        content = asked(scripted_llm, llm, prompt)["messages"][0]["content"]
        assert (len(content) if isinstance(content, list) else 0) == parts
    prompt = Prompt([Message("user", f"{long}Question: Why?", prefix_chars=len(long))], [], 50)
    assert asked(scripted_llm, llm, prompt)["messages"][0]["content"][0] == {
        "type": "text", "text": long, "cache_control": {"type": "ephemeral"},
    }  # fmt: skip
    assert (
        asked(scripted_llm, replace(llm, cache="automatic"), prompt)["messages"][0]["content"]
        == f"{long}Question: Why?"
    )


SHAPED = replace(PROMPT, shape=Shape("Term", {"type": "object", "properties": {"years": {"type": "integer"}}}))


@pytest.mark.parametrize("dialect", ["openai", "llamacpp", "vllm", "sglang", "ollama"])
def test_a_shape_is_held_to_by_its_schema(scripted_llm: ScriptedLLM, dialect: str) -> None:
    body = asked(scripted_llm, at(scripted_llm, dialect), SHAPED)
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {
            "name": "Term", "strict": True, "schema": {"type": "object", "properties": {"years": {"type": "integer"}}},
        },
    }  # fmt: skip
    assert body["messages"][-1]["content"] == "How long?"
    assert "response_format" not in asked(scripted_llm, at(scripted_llm, dialect))


@pytest.mark.parametrize(
    ("dialect", "constrained", "held"),
    [
        ("moonshot", "", {"type": "json_object"}), ("deepseek", "", {"type": "json_object"}),
        ("zai", "", {"type": "json_object"}), ("dashscope", "", {"type": "json_object"}),
        ("transformers", "", None), ("vllm", "none", None), ("vllm", "object", {"type": "json_object"}),
    ],
)  # fmt: skip
def test_an_endpoint_that_takes_no_schema_is_asked_for_what_it_can(
    scripted_llm: ScriptedLLM, dialect: str, constrained: str, held: dict[str, str] | None
) -> None:
    body = asked(scripted_llm, at(scripted_llm, dialect, constrained=constrained), SHAPED)
    assert body.get("response_format") == held
    assert [message["content"] for message in body["messages"]] == ["Be brief.", "How long?"]


# What comes back


@pytest.mark.parametrize(
    ("dialect", "name"),
    [
        ("vllm", "reasoning"), ("vllm", "reasoning_content"), ("sglang", "reasoning_content"), ("ollama", "reasoning"),
        ("moonshot", "reasoning_content"), ("dashscope", "reasoning_content"), ("deepseek", "reasoning_content"),
        ("zai", "reasoning_content"), ("transformers", "reasoning_content"), ("llamacpp", "reasoning_content"),
    ],
)  # fmt: skip
def test_thinking_in_a_field_of_its_own(scripted_llm: ScriptedLLM, dialect: str, name: str) -> None:
    scripted_llm.replies = [Reply(reasoning=["Let me", " see."], reasoning_field=name, words=["Five", " years."])]
    tokens = list(stream_chat(at(scripted_llm, dialect, reasoning="always"), PROMPT))
    assert joined(tokens, "reasoning") == "Let me see."
    assert joined(tokens, "text") == "Five years."


def test_thinking_in_tags_is_no_part_of_the_answer(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(words=["<th", "ink>Let me", " see.</thi", "nk>\n\nFive", " years."])]
    tokens = list(stream_chat(at(scripted_llm, "vllm"), PROMPT))
    assert joined(tokens, "reasoning") == "Let me see."
    assert joined(tokens, "text") == "Five years."


def test_a_tag_that_the_template_has_opened(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(words=["Let me", " see.", "</think>", "Five years."])]
    tokens = list(stream_chat(at(scripted_llm, "ollama", reasoning="always"), PROMPT))
    assert (joined(tokens, "reasoning"), joined(tokens, "text")) == ("Let me see.", "Five years.")
    # A provider with a field for it sends no such tag: what it sends is the answer.
    tokens = list(stream_chat(at(scripted_llm, "deepseek", reasoning="always"), PROMPT))
    assert joined(tokens, "text") == "Let me see.</think>Five years."


@pytest.mark.parametrize("place", ["chunk", "choice", "inside"])
def test_usage_is_found_wherever_it_stands(scripted_llm: ScriptedLLM, place: str) -> None:
    scripted_llm.replies = [
        Reply(usage_in=place, usage={"prompt_tokens": 120, "completion_tokens": 3, "cached_tokens": 64})
    ]
    usage = end(list(stream_chat(at(scripted_llm, "moonshot"), PROMPT)))
    assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens) == (120, 64, 3)
    assert not usage.estimated


@pytest.mark.parametrize(
    ("dialect", "told", "cached"),
    [
        ("moonshot", {"cached_tokens": 70}, 70),
        ("moonshot", {"prompt_tokens_details": {"cached_tokens": 70}}, 70),
        ("deepseek", {"prompt_cache_hit_tokens": 70, "prompt_cache_miss_tokens": 30}, 70),
        ("zai", {"prompt_tokens_details": {"cached_tokens": 70}}, 70),
        ("vllm", {"prompt_tokens_details": None}, 0),
        ("sglang", {"prompt_tokens_details": {"cached_tokens": 70}}, 70),
    ],
)
def test_cached_tokens(scripted_llm: ScriptedLLM, dialect: str, told: dict[str, Any], cached: int) -> None:
    scripted_llm.replies = [Reply(usage={"prompt_tokens": 100, "completion_tokens": 3, **told})]
    assert end(list(stream_chat(at(scripted_llm, dialect), PROMPT))).cached_tokens == cached


def test_tokens_written_to_an_explicit_cache_cost_more(scripted_llm: ScriptedLLM) -> None:
    details = {"cached_tokens": 0, "cache_creation_input_tokens": 2000, "cache_type": "ephemeral"}
    scripted_llm.replies = [
        Reply(usage={"prompt_tokens": 3000, "completion_tokens": 100, "prompt_tokens_details": details})
    ]
    prices = {
        "price_in_usd_per_million": 0.4,
        "price_out_usd_per_million": 1.2,
        "cache_write_price_factor": 1.25,
    }
    llm = at(scripted_llm, "dashscope", cache="explicit", **prices)
    usage = end(list(stream_chat(llm, PROMPT)))
    assert usage.cache_written_tokens == 2000
    cost = llm.cost_usd(
        prompt_tokens=usage.prompt_tokens, cached_tokens=usage.cached_tokens,
        completion_tokens=usage.completion_tokens, cache_written_tokens=usage.cache_written_tokens,
    )  # fmt: skip
    assert cost == pytest.approx((1000 * 0.4 + 2000 * 0.5 + 100 * 1.2) / 1e6)


def test_usage_that_is_not_told_is_counted_here_and_said_to_be(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(usage_in="", reasoning=["Let me", " see."], words=["Five", " ", "years."])]
    usage = end(list(stream_chat(at(scripted_llm, "openai"), Prompt([Message("user", "x" * 40)], [], 50))))
    assert (usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens) == (11, 5, 2)
    assert usage.estimated


def test_thinking_is_counted_as_told_else_by_its_share(scripted_llm: ScriptedLLM) -> None:
    told = {"prompt_tokens": 10, "completion_tokens": 80}
    scripted_llm.replies = [
        Reply(
            reasoning=["a", "b", "c"],
            words=["d"],
            usage={**told, "completion_tokens_details": {"reasoning_tokens": 72}},
        ),
        Reply(reasoning=["a", "b", "c"], words=["d"], usage=told),
        Reply(words=["d"], usage=told),
    ]
    counts = [end(list(stream_chat(at(scripted_llm, "dashscope"), PROMPT))).reasoning_tokens for _ in range(3)]
    assert counts == [72, 60, 0]


# What is refused


@pytest.mark.parametrize(
    ("dialect", "status", "error", "code"),
    [
        ("moonshot", 401, {"error": {"type": "invalid_authentication_error", "message": "no"}}, "llm_key_refused"),
        ("moonshot", 429, {"error": {"type": "exceeded_current_quota_error", "message": "no"}}, "llm_no_credit"),
        ("moonshot", 429, {"error": {"type": "engine_overloaded_error", "message": "no"}}, "llm_busy"),
        ("moonshot", 400, {"error": {"type": "content_filter", "message": "high risk"}}, "llm_withheld"),
        (
            "moonshot", 400,
            {"error": {
                "type": "invalid_request_error",
                "message": "Invalid request: Your request exceeded model token limit: 262144 (requested: 269030)",
            }},
            "does_not_fit",
        ),
        ("dashscope", 400, {"error": {"code": "Arrearage", "message": "overdue"}}, "llm_no_credit"),
        ("dashscope", 400, {"error": {"code": "data_inspection_failed", "message": "no"}}, "llm_withheld"),
        ("dashscope", 429, {"error": {"code": "insufficient_quota", "message": "no"}}, "llm_busy"),
        (
            "dashscope", 400,
            {"error": {
                "code": "invalid_parameter_error",
                "message": "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 258048]",
            }},
            "does_not_fit",
        ),
        ("deepseek", 402, {"error": {"message": "Insufficient Balance"}}, "llm_no_credit"),
        ("deepseek", 422, {"error": {"message": "unknown field", "type": "invalid_request_error"}}, "llm_refused"),
        ("deepseek", 503, {"error": {"message": "Service is too busy"}}, "engine_unavailable"),
        ("zai", 429, {"error": {"code": "1113", "message": "Insufficient balance"}}, "llm_no_credit"),
        ("zai", 429, {"error": {"code": "1302", "message": "High concurrency"}}, "llm_busy"),
        ("zai", 400, {"error": {"code": "1211", "message": "Unknown Model"}}, "llm_not_served"),
        ("zai", 400, {"error": {"code": "1261", "message": "Prompt exceeds max length"}}, "does_not_fit"),
        ("zai", 400, {"error": {"code": "1301", "message": "unsafe"}}, "llm_withheld"),
        ("zai", 401, {"error": {"code": 1002, "message": "invalid token"}}, "llm_key_refused"),
        (
            "vllm", 400,
            {"object": "error", "message": "This model's maximum context length is 4096 tokens.", "code": 400},
            "does_not_fit",
        ),
        ("vllm", 404, {"error": {"message": "The model `x` does not exist.", "code": 404}}, "llm_not_served"),
        (
            "sglang", 400,
            {"object": "error", "message": "The input (9000 tokens) is longer than the model's context length (4096)."},
            "does_not_fit",
        ),
        ("ollama", 404, {"error": {"message": "model 'x' not found, try pulling it first"}}, "llm_not_served"),
        ("transformers", 422, {"detail": "Unexpected keys in the request: {'x'}"}, "llm_refused"),
        ("llamacpp", 400, {"error": {"type": "exceed_context_size_error", "message": "no"}}, "does_not_fit"),
        ("openai", 429, {"error": {"code": "insufficient_quota", "message": "no"}}, "llm_no_credit"),
        ("openai", 413, "<html>too large</html>", "does_not_fit"),
        ("openai", 502, "<html>bad gateway</html>", "engine_unavailable"),
    ],
)  # fmt: skip
def test_a_refusal_is_understood(
    scripted_llm: ScriptedLLM, dialect: str, status: int, error: dict[str, Any], code: str
) -> None:
    caught = refused(scripted_llm, dialect, status, error)
    assert caught.code == code
    transient = code in ("llm_busy", "engine_unavailable")
    assert len(scripted_llm.requests) == (client.TRIES if transient else 1)


def test_a_refusal_in_the_endpoints_words_keeps_a_key_to_itself(scripted_llm: ScriptedLLM) -> None:
    caught = refused(scripted_llm, "deepseek", 422, {"error": {"message": "bad field for sk-0123456789abcdef"}})
    assert str(caught) == "The language model's endpoint refused the request. It said: bad field for [key]"


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"Retry-After": "7"}, "", 7),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, "", 0),
        ({}, "request reached max request: 3, please try again after 2 seconds", 2),
        ({}, "Rate limit reached. Please try again in 1.5s.", 1.5),
        ({}, "", 0),
    ],
)
def test_a_busy_endpoint_says_when_to_come_again(
    scripted_llm: ScriptedLLM, headers: dict[str, str], message: str, seconds: float
) -> None:
    body = json.dumps({"error": {"type": "rate_limit_reached_error", "message": message}})
    caught = DIALECTS["moonshot"].refusal(429, headers, body)
    assert isinstance(caught, Busy)
    assert caught.retry_after_seconds == seconds


def test_a_date_to_come_again_is_that_far_away() -> None:
    date = format_datetime(timezone.now() + timedelta(seconds=40), usegmt=True)
    caught = DIALECTS["openai"].refusal(429, {"Retry-After": date}, "")
    assert isinstance(caught, Busy)
    assert 35 <= caught.retry_after_seconds <= 40


# What breaks


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_stands_up_to_every_fault(scripted_llm: ScriptedLLM, dialect: str) -> None:
    llm = at(scripted_llm, dialect)
    faults: list[tuple[Reply, type[Exception], int]] = [
        (Reply(words=["Half"], cut=True), BrokenStream, 1),
        (Reply(words=["Half"], finish=None), BrokenStream, 1),
        (Reply(raw=b"data: {nonsense\n\n"), BrokenStream, 1),
        (Reply(raw=b"data: 7\n\n"), BrokenStream, 1),
        (Reply(raw=b""), BrokenStream, 1),
        (Reply(status=400, body='{"error": {"message": "maximum context length is 10"}}'), UserError, 1),
        (Reply(status=401), AppError, 1),
        (Reply(status=500), EngineUnavailable, client.TRIES),
        (Reply(status=429, headers={"Retry-After": "0.001"}), Busy, client.TRIES),
    ]
    for reply, error, tries in faults:
        scripted_llm.replies, scripted_llm.requests = [reply], []
        with pytest.raises(error):
            list(stream_chat(llm, PROMPT))
        assert len(scripted_llm.requests) == tries
    scripted_llm.replies = [Reply(status=503), Reply(status=429), Reply(words=["Yes"], usage_in="")]
    tokens = list(stream_chat(llm, PROMPT))
    assert joined(tokens, "text") == "Yes"
    assert end(tokens).estimated
    assert end(tokens).completion_tokens == 1


def test_an_error_in_the_stream_before_the_first_word_is_a_refusal(scripted_llm: ScriptedLLM) -> None:
    busy = b'data: {"error": {"code": "1305", "message": "overloaded"}}\n\n'
    scripted_llm.replies = [Reply(raw=busy), Reply(words=["Here"])]
    assert joined(list(stream_chat(at(scripted_llm, "zai"), PROMPT)), "text") == "Here"


def test_transformers_breaks_off_with_a_string(scripted_llm: ScriptedLLM) -> None:
    said = b'data: {"choices": [{"delta": {"content": "Half"}}]}\n\ndata: {"error": "CUDA out of memory"}\n\n'
    scripted_llm.replies = [Reply(raw=said)]
    with pytest.raises(BrokenStream, match="broke off: CUDA out of memory"):
        list(stream_chat(at(scripted_llm, "transformers"), PROMPT))


@pytest.mark.parametrize(
    ("dialect", "reason", "code"),
    [
        ("zai", "sensitive", "llm_withheld"),
        ("zai", "network_error", "llm_broken_stream"),
        ("deepseek", "insufficient_system_resource", "llm_broken_stream"),
        ("deepseek", "content_filter", "llm_withheld"),
        ("vllm", "abort", "llm_broken_stream"),
    ],
)
def test_an_end_that_is_none_is_an_error(scripted_llm: ScriptedLLM, dialect: str, reason: str, code: str) -> None:
    scripted_llm.replies = [Reply(words=["Half"], finish=reason)]
    with pytest.raises(AppError) as caught:
        list(stream_chat(at(scripted_llm, dialect), PROMPT))
    assert caught.value.code == code


def test_zai_names_a_full_window_in_its_own_way(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(finish="model_context_window_exceeded")]
    assert end(list(stream_chat(at(scripted_llm, "zai"), PROMPT))).finish_reason == "length"


def test_a_gateway_that_does_not_stream_has_answered_all_the_same(scripted_llm: ScriptedLLM) -> None:
    message = {"role": "assistant", "reasoning_content": "Hm.", "content": [{"type": "text", "text": "Five years."}]}
    whole = {
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 5},
    }
    scripted_llm.replies = [Reply(raw=json.dumps(whole).encode(), content_type="application/json")]
    tokens = list(stream_chat(at(scripted_llm, "openai"), PROMPT))
    assert (joined(tokens, "reasoning"), joined(tokens, "text")) == ("Hm.", "Five years.")
    assert (end(tokens).prompt_tokens, end(tokens).completion_tokens) == (20, 5)


def test_an_error_with_a_good_status_is_a_refusal(scripted_llm: ScriptedLLM) -> None:
    said = b'{"error": {"code": "1113", "message": "Insufficient balance"}}'
    scripted_llm.replies = [Reply(raw=said, content_type="application/json; charset=UTF-8")]
    with pytest.raises(AppError) as caught:
        list(stream_chat(at(scripted_llm, "zai"), PROMPT))
    assert caught.value.code == "llm_no_credit"


def test_a_stream_that_ends_badly_after_its_end_is_whole(scripted_llm: ScriptedLLM) -> None:
    said = b'data: {"choices": [{"delta": {"content": "Yes"}, "finish_reason": "stop"}]}\n\n'
    scripted_llm.replies = [Reply(raw=said, hold=threading.Event())]
    llm = at(scripted_llm, "openai", idle_seconds=0.2)
    tokens = list(stream_chat(llm, PROMPT))
    assert (joined(tokens, "text"), end(tokens).finish_reason) == ("Yes", "stop")


def test_comments_that_keep_a_stream_alive_are_no_chunks(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [
        Reply(
            raw=b": keep-alive\n\n: keep-alive\n\n"
            b'data: {"choices": [{"delta": {"content": "Yes"}, "finish_reason": "stop"}]}\r\n\r\ndata: [DONE]\r\n\r\n'
        )
    ]
    assert joined(list(stream_chat(at(scripted_llm, "deepseek"), PROMPT)), "text") == "Yes"


def test_an_endpoint_that_says_nothing_is_left_after_its_time_and_not_asked_again(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(hold=threading.Event(), after=0)]
    with pytest.raises(Silent, match="has said nothing for too long"):
        list(stream_chat(at(scripted_llm, "openai", idle_seconds=0.2), PROMPT))
    assert len(scripted_llm.requests) == 1
    assert scripted_llm.disconnected.wait(5)


def test_silence_between_words_is_a_broken_answer(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(words=["Half", "more"], hold=threading.Event(), after=1)]
    with pytest.raises(BrokenStream):
        list(stream_chat(at(scripted_llm, "openai", idle_seconds=0.2), PROMPT))


def test_an_endpoint_that_takes_no_connection_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CONNECT_SECONDS", 0.1)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        waiting = [socket.socket() for _ in range(4)]  # the queue is full: a further connection hangs
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        llm = LLM("x", "X", "", 4096, 100, base_url=f"http://127.0.0.1:{address[1]}/v1")
        with pytest.raises(EngineUnavailable, match="does not answer"):
            list(stream_chat(llm, PROMPT))
        for each in waiting:
            each.close()


# Qwen-Long's files

CONTRACT, ANNEX = "The term is five years. " * 50, "The fee is nine pounds. " * 50


def long_prompt() -> Prompt:
    sources = [
        Source("a", "Contract", 1, 0, len(CONTRACT), CONTRACT),
        Source("b", "Annex", 2, 0, len(ANNEX), ANNEX),
    ]
    prefix = f'<document name="Contract">\n{CONTRACT}\n</document>\n\n<document name="Annex">\n{ANNEX}\n</document>\n\n'
    user = Message("user", f"{prefix}Question: How long?", prefix_chars=len(prefix))
    return Prompt([Message("system", "Be brief."), user], sources, 50)


def test_qwen_long_reads_documents_from_files_that_go_afterwards(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(words=["Five"], usage={"prompt_tokens": 900, "completion_tokens": 1})]
    tokens = list(stream_chat(at(scripted_llm, "qwen_long"), long_prompt()))
    assert [(up.path, up.fields, up.mime, up.data.decode()) for up in scripted_llm.uploads] == [
        ("/v1/files", {"purpose": "file-extract"}, "text/plain", CONTRACT),
        ("/v1/files", {"purpose": "file-extract"}, "text/plain", ANNEX),
    ]
    assert scripted_llm.requests[0]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "system", "content": "fileid://file-fe-1,fileid://file-fe-2"},
        {
            "role": "user",
            "content": '<document name="Contract">\n[the words of file 1]\n</document>\n\n'
            '<document name="Annex">\n[the words of file 2]\n</document>\n\nQuestion: How long?',
        },
    ]
    assert scripted_llm.files == {}
    assert end(tokens).prompt_tokens == 900


@pytest.mark.parametrize(
    "reply", [Reply(status=400, body="{}"), Reply(words=["Half"], cut=True)], ids=["refused", "cut"]
)
def test_qwen_longs_files_go_when_the_call_fails(scripted_llm: ScriptedLLM, reply: Reply) -> None:
    scripted_llm.replies = [reply]
    with pytest.raises(AppError):
        list(stream_chat(at(scripted_llm, "qwen_long"), long_prompt()))
    assert len(scripted_llm.uploads) == 2
    assert scripted_llm.files == {}


def test_qwen_longs_files_go_when_the_call_is_stopped(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(words=["Five", "years"], hold=threading.Event(), after=1)]
    stream = stream_chat(at(scripted_llm, "qwen_long"), long_prompt())
    assert next(stream).text == "Five"
    assert len(scripted_llm.files) == 2
    stream.close()
    assert scripted_llm.files == {}


def test_a_file_that_is_refused_is_said_so(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.pages["POST /v1/files"] = (400, {"error": {"code": "Arrearage", "message": "overdue"}})
    with pytest.raises(AppError) as caught:
        list(stream_chat(at(scripted_llm, "qwen_long"), long_prompt()))
    assert caught.value.code == "llm_no_credit"
    assert scripted_llm.requests == []


def test_a_file_that_is_answered_with_nonsense_breaks_off(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.pages["POST /v1/files"] = (200, ["nonsense"])
    with pytest.raises(BrokenStream, match="cannot be read"):
        list(stream_chat(at(scripted_llm, "qwen_long"), long_prompt()))


# Ollama's window


@pytest.mark.parametrize(
    ("running", "shown", "window_tokens"),
    [
        ({"models": [{"name": "served", "context_length": 16384}]}, {"parameters": "num_ctx 8192"}, 16384),
        ({"models": [{"name": "other", "context_length": 16384}]}, {"parameters": "stop x\nnum_ctx     8192"}, 8192),
        ({"models": [{"name": "served:latest", "context_length": 2048}]}, {}, 2048),
        ({}, {"parameters": "stop num_ctx"}, 4096),
    ],
)
def test_ollamas_window_is_what_it_runs_with(
    running: dict[str, Any], shown: dict[str, Any], window_tokens: int
) -> None:
    assert ollama_window_tokens(running, shown, "served") == window_tokens


def test_ollama_is_not_sent_what_it_would_cut(scripted_llm: ScriptedLLM) -> None:
    llm = at(scripted_llm, "ollama")
    scripted_llm.pages = {"POST /api/show": (200, {"parameters": "num_ctx 2048"})}
    with pytest.raises(UserError) as caught:
        list(stream_chat(llm, Prompt([Message("user", "word " * 2000)], [], 50)))
    assert caught.value.message == (
        "Ollama runs served with a window of 2,048 tokens, and would cut this off. "
        "Set OLLAMA_CONTEXT_LENGTH, or num_ctx in its Modelfile, and start it again."
    )
    assert scripted_llm.requests == []
    assert scripted_llm.calls == ["GET /api/ps", "POST /api/show"]
