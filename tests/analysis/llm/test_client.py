"""What comes of a stream: its tokens and usage, or one clear error; and the model stops when it is told to."""

from __future__ import annotations

import collections
import threading
import time
from dataclasses import replace

import pytest

from analysis.errors import AppError, EngineUnavailable, UserError
from analysis.llm import client
from analysis.llm.catalogue import LLM, catalogue
from analysis.llm.client import stream_chat
from analysis.llm.errors import BrokenStream, Busy
from analysis.llm.registry import llm_get
from analysis.types import Message, Prompt, Token
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM

pytestmark = pytest.mark.django_db

PROMPT = Prompt([Message("system", "Be brief."), Message("user", "How long?")], [], 50)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BACKOFF_SECONDS", 0.001)


def text_of(tokens: list[Token]) -> str:
    return "".join(token.text for token in tokens if token.kind == "text")


def at(server: ScriptedLLM, id: str) -> LLM:
    return replace(catalogue()[id], base_url=server.url, key="secret")


def test_tokens_come_in_order_and_the_end_carries_the_usage(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [
        Reply(
            words=["Five", " years", "."],
            usage={"prompt_tokens": 120, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 100}},
        )
    ]
    tokens = list(stream_chat(llm_get(), PROMPT))
    assert [(token.kind, token.text) for token in tokens] == [
        ("text", "Five"), ("text", " years"), ("text", "."), ("end", ""),
    ]  # fmt: skip
    usage = tokens[-1].usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens) == (120, 100, 3)
    assert usage.finish_reason == "stop"
    assert 0 < usage.seconds_to_first_token <= usage.seconds


def test_the_key_and_the_messages_are_sent(scripted_llm: ScriptedLLM) -> None:
    list(stream_chat(llm_get(), PROMPT))
    assert scripted_llm.headers[0]["Authorization"] == "Bearer scripted-key"
    assert scripted_llm.requests[0]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "How long?"},
    ]
    assert scripted_llm.requests[0]["max_tokens"] == 50


def test_a_line_separator_inside_a_word_does_not_break_the_stream(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(words=["a\u2028b", "\u0085c"])]
    assert text_of(list(stream_chat(llm_get(), PROMPT))) == "a\u2028b\u0085c"


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thinking_is_told_apart_from_the_answer(scripted_llm: ScriptedLLM, name: str) -> None:
    scripted_llm.replies = [
        Reply(
            raw=(
                f'data: {{"choices": [{{"delta": {{"{name}": "hm"}}}}]}}\n\n'
                'data: {"choices": [{"delta": {"content": "Yes"}, "finish_reason": "stop"}]}\n\n'
            ).encode()
        )
    ]
    tokens = list(stream_chat(llm_get(), PROMPT))
    assert [(token.kind, token.text) for token in tokens[:-1]] == [("reasoning", "hm"), ("text", "Yes")]


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens_details": {"cached_tokens": 70}},
        {"cached_tokens": 70},
        {"prompt_cache_hit_tokens": 70, "prompt_cache_miss_tokens": 30},
    ],
)
def test_cached_tokens_are_found_wherever_a_provider_puts_them(scripted_llm: ScriptedLLM, usage: dict) -> None:
    scripted_llm.replies = [Reply(usage={"prompt_tokens": 100, "completion_tokens": 1, **usage})]
    assert list(stream_chat(llm_get(), PROMPT))[-1].usage.cached_tokens == 70


def test_an_endpoint_that_is_away_at_first_is_tried_again(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(status=503), Reply(status=500), Reply(words=["Here"])]
    assert text_of(list(stream_chat(llm_get(), PROMPT))) == "Here"
    assert len(scripted_llm.requests) == 3


def test_it_gives_up_after_four_tries(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(status=503)]
    with pytest.raises(EngineUnavailable, match="not working right now"):
        list(stream_chat(llm_get(), PROMPT))
    assert len(scripted_llm.requests) == 4


def test_a_busy_endpoint_is_given_the_time_it_asks_for(
    scripted_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(client, "_wait", lambda seconds, stop: waits.append(seconds) or True)
    scripted_llm.replies = [Reply(status=429, headers={"Retry-After": "7"}), Reply(words=["Now"])]
    assert text_of(list(stream_chat(llm_get(), PROMPT))) == "Now"
    assert waits == [7.0]


def test_busy_for_good_is_said_so(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(status=429)]
    with pytest.raises(Busy, match="taking no more requests"):
        list(stream_chat(llm_get(), PROMPT))


def test_a_server_that_is_not_there_is_unavailable(scripted_llm: ScriptedLLM) -> None:
    llm = llm_get()
    scripted_llm.close()
    with pytest.raises(EngineUnavailable, match="does not answer"):
        list(stream_chat(llm, PROMPT))


def test_a_refused_key_is_not_tried_again_and_never_named(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(status=401, body='{"error": {"message": "bad key scripted-key"}}')]
    with pytest.raises(AppError) as caught:
        list(stream_chat(llm_get(), PROMPT))
    assert (caught.value.code, caught.value.transient) == ("llm_key_refused", False)
    assert "scripted-key" not in str(caught.value)
    assert "scripted-key" not in repr(llm_get())
    assert len(scripted_llm.requests) == 1


@pytest.mark.parametrize("message", ["exceed_context_size_error", "maximum context length is 4096 tokens"])
def test_a_prompt_past_the_window_is_the_users_to_mend(scripted_llm: ScriptedLLM, message: str) -> None:
    scripted_llm.replies = [Reply(status=400, body=f'{{"error": {{"message": "{message}"}}}}')]
    with pytest.raises(UserError) as caught:
        list(stream_chat(llm_get(), PROMPT))
    assert caught.value.code == "does_not_fit"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(words=["Half"], cut=True),
        Reply(words=["Half"], finish=None),
        Reply(raw=b'data: {"choices": [{"delta": {"content": "Half"}}]}\n\ndata: {nonsense\n\n'),
        Reply(raw=b'data: {"choices": [{"delta": {"content": "Half"}}]}\n\ndata: [1]\n\n'),
        Reply(raw=b'data: {"choices": [{"delta": {"content": "Half"}}]}\n\ndata: {"error": {"message": "oom"}}\n\n'),
    ],
    ids=["cut", "no finish", "not JSON", "not an object", "error in the stream"],
)
def test_half_an_answer_is_an_error_and_is_never_begun_anew(scripted_llm: ScriptedLLM, reply: Reply) -> None:
    scripted_llm.replies = [reply]
    seen = []
    with pytest.raises(BrokenStream):
        collections.deque((seen.append(token.text) for token in stream_chat(llm_get(), PROMPT)), maxlen=0)
    assert seen == ["Half"]
    assert len(scripted_llm.requests) == 1


def test_an_answer_at_its_longest_says_so(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(finish="length")]
    assert list(stream_chat(llm_get(), PROMPT))[-1].usage.finish_reason == "length"


@pytest.mark.parametrize("after", [0, 1], ids=["while it reads", "while it writes"])
def test_stopping_closes_the_connection_within_a_second(scripted_llm: ScriptedLLM, after: int) -> None:
    scripted_llm.replies = [Reply(words=["One", "two"], hold=threading.Event(), after=after)]
    tokens: list[Token] = []
    stop, llm = threading.Event(), llm_get()
    reader = threading.Thread(
        target=lambda: tokens.extend(stream_chat(llm, PROMPT, should_stop=stop.is_set)), daemon=True
    )
    reader.start()
    assert scripted_llm.holding.wait(10)
    asked_at = time.monotonic()
    stop.set()
    assert scripted_llm.disconnected.wait(10)
    reader.join(10)
    assert time.monotonic() - asked_at < 1.5
    assert text_of(tokens) == "One" * after
    assert tokens[-1].usage.finish_reason == "stopped"


def test_dropping_the_iterator_closes_the_connection(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(words=["One", "two"], hold=threading.Event(), after=1)]
    stream = stream_chat(llm_get(), PROMPT)
    assert next(stream).text == "One"
    stream.close()
    assert scripted_llm.disconnected.wait(10)


def test_moonshot_is_sent_no_temperature(scripted_llm: ScriptedLLM) -> None:
    list(stream_chat(at(scripted_llm, "kimi-k2.6"), PROMPT))
    assert "temperature" not in scripted_llm.requests[0]
    assert scripted_llm.requests[0]["thinking"] == {"type": "disabled"}


def test_model_studio_is_told_which_part_of_the_prompt_to_keep(scripted_llm: ScriptedLLM) -> None:
    documents = "word " * 1000
    prompt = Prompt([Message("user", f"{documents}Question: Why?", prefix_chars=len(documents))], [], 50)
    list(stream_chat(at(scripted_llm, "qwen-plus"), prompt))
    assert scripted_llm.requests[0]["messages"][0]["content"] == [
        {"type": "text", "text": documents, "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "Question: Why?"},
    ]
    assert scripted_llm.requests[0]["enable_thinking"] is False


def test_llamacpp_reports_how_far_it_has_read_and_keeps_to_its_slot(bundled_llm: ScriptedLLM) -> None:
    first, *_, end = stream_chat(llm_get(), PROMPT, slot=1)
    total = len(bundled_llm.tokenize(bundled_llm.template(bundled_llm.requests[0]["messages"])))
    assert (first.kind, first.done, first.total) == ("prefill", 0, total)
    assert bundled_llm.requests[0]["id_slot"] == 1
    assert bundled_llm.requests[0]["cache_prompt"] is True
    again = list(stream_chat(llm_get(), PROMPT, slot=1))[-1]
    assert (end.usage.cached_tokens, again.usage.cached_tokens) == (0, total)
