"""An answer in the shapes of a chat completion: whole, and in chunks as it is written."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from analysis.answer.payload import answer_payload
from analysis.answer.render import place_name, place_url
from analysis.api.openai.refusals import detail
from analysis.api.openai.schemas import Shape
from analysis.models import Answer, AnswerStatus
from analysis.progress import Event
from analysis.views.sse import HEARTBEAT, checked, frame

END = frame("[DONE]")
REWRITTEN = "The answer was begun anew after a part of Lectern had stopped. Read it at {}, or ask again."

BROKEN_OFF = "The answer goes on, but cannot be followed from here any more. Read it at {}."


@dataclass
class Completion:
    """An answer on its way to a client.

    base_url: where Lectern's pages are, without a slash. ignored: what of the request had no meaning. sent: the text
    that the client has by now.
    """

    answer_id: UUID
    question_id: UUID
    created: int
    model: str
    base_url: str
    ignored: list[str]
    include_usage: bool = False
    sent: str = ""
    _text: str = field(default="", repr=False)

    async def chunks(self, events: AsyncIterator[Event | None]) -> AsyncIterator[bytes]:
        """Yield the answer as server-sent events, each bit of text as it comes, then what was found out about it."""
        yield self._chunk({"role": "assistant", "content": ""})
        async for event in events:
            if event is None or event.name == "progress":
                yield HEARTBEAT
            elif event.name == "token":
                bit = self._added(event.data["start_char"], event.data["text"])
                if bit:
                    yield self._chunk({"content": bit})
        payload = await checked(payload_of)(self.answer_id)
        for piece in self._closing(payload):
            yield piece
        yield END

    def whole(self, payload: Shape) -> Shape:
        """Return the finished answer in one piece."""
        message = {
            "role": "assistant",
            "content": payload["answer"],
            "refusal": None,
            "annotations": self.annotations(payload),
        }
        choice = {"index": 0, "message": message, "finish_reason": finish_reason(payload), "logprobs": None}
        told = {"usage": usage_of(payload), "lectern": self._own(payload)}
        return self._shape("chat.completion", [choice]) | told

    def annotations(self, payload: Shape) -> list[Shape]:
        """Return, sentence by sentence, where each is from."""
        cited = payload["citations"]
        return [
            self._annotation(sentence, cited[index])
            for sentence in payload["sentences"]
            for index in sentence["citations"]
        ]

    def broken_off(self) -> bytes:
        """Return what a client is told that cannot be told more: the answer goes on without it."""
        return _error(503, "broken_off", BROKEN_OFF.format(self._url))

    def _annotation(self, sentence: Shape, citation: Shape) -> Shape:
        about = {
            "url": self.base_url + place_url(citation),
            "title": place_name(citation),
            "start_index": sentence["start_char"],
            "end_index": sentence["end_char"],
            "quote": citation["quote"],
        }
        return {"type": "url_citation", "url_citation": about}

    def _added(self, start_char: int, text: str) -> str:
        """Return what of the text the client has not got yet; "" as long as a new attempt repeats what it has."""
        self._text = self._text[:start_char] + text
        bit = self._text[len(self.sent) :] if self._text.startswith(self.sent) else ""
        self.sent += bit
        return bit

    def _closing(self, payload: Shape) -> list[bytes]:
        """Return the last chunks; an error in place of them where what was sent is no part of the answer."""
        error = payload["error"] if payload["status"] == AnswerStatus.FAILED else None
        if error:
            return [_error(500, error["code"], error["message"])]
        if not payload["answer"].startswith(self.sent.rstrip()):
            return [_error(500, "answer_rewritten", REWRITTEN.format(self._url))]
        rest = payload["answer"][len(self.sent) :]
        last = [self._chunk({"content": rest})] if rest else []
        last.append(self._chunk({"annotations": self.annotations(payload)}))
        last.append(self._chunk({}, finish_reason(payload), lectern=self._own(payload)))
        if self.include_usage:
            last.append(_data(self._shape("chat.completion.chunk", []) | {"usage": usage_of(payload)}))
        return last

    def _chunk(self, delta: Shape, finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        usage = {"usage": None} if self.include_usage else {}
        return _data(self._shape("chat.completion.chunk", [choice]) | usage | more)

    def _shape(self, kind: str, choices: list[Shape]) -> Shape:
        about = {"id": f"chatcmpl-{self.answer_id}", "object": kind, "created": self.created, "model": self.model}
        return about | {"choices": choices}

    def _own(self, payload: Shape) -> Shape:
        return {
            "question_id": payload["id"],
            "answer_id": payload["answer_id"],
            "url": self._url,
            "status": payload["status"],
            "mode": payload["mode"],
            "llm": payload["usage"]["llm"],
            "complete": payload["coverage"]["complete"],
            "unsupported": sum(1 for sentence in payload["sentences"] if sentence["supported"] is False),
            "ignored": self.ignored,
        }

    @property
    def _url(self) -> str:
        return f"{self.base_url}/q/{self.question_id}/"


def payload_of(answer_id: UUID) -> Shape:
    """Return the answer with its sentences and citations, as it is now."""
    return answer_payload(Answer.objects.select_related("question").get(pk=answer_id))


def finish_reason(payload: Shape) -> str:
    """Return "length" for an answer that is not all there: cut by the language model's limit, or stopped."""
    whole = payload["status"] == AnswerStatus.DONE and not payload["coverage"].get("answer_cut")
    return "stop" if whole else "length"


def usage_of(payload: Shape) -> Shape:
    """Return the tokens that the answer took."""
    used = payload["usage"]
    return {
        "prompt_tokens": used["prompt_tokens"],
        "completion_tokens": used["completion_tokens"],
        "total_tokens": used["prompt_tokens"] + used["completion_tokens"],
        "prompt_tokens_details": {"cached_tokens": used["cached_tokens"]},
        "completion_tokens_details": {"reasoning_tokens": used["reasoning_tokens"]},
    }


def _data(shape: Shape) -> bytes:
    return frame(json.dumps(shape, ensure_ascii=False))


def _error(status: int, code: str, message: str) -> bytes:
    return _data({"error": detail(status, code, message)})
