"""What an endpoint's chunks come to: tokens in order, and the time and the count of the call."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext

from analysis.llm.catalogue import LLM
from analysis.llm.dialects import dialect_of
from analysis.llm.dialects.openai import message_tokens
from analysis.llm.errors import BrokenStream, Fault, error_for
from analysis.llm.thinking import ThinkTags
from analysis.types import Prompt, Token, Usage


class Meter:
    """Turns an endpoint's chunks into tokens. started: a word has come. finished: the endpoint has said so."""

    def __init__(self, llm: LLM, prompt: Prompt) -> None:
        self.begun = time.monotonic()
        self.usage = Usage()
        self.started = False
        self.finished = False
        self._prompt = prompt
        self._dialect = dialect_of(llm)
        self._tags = ThinkTags(opened=llm.reasoning == "always") if self._dialect.think_tags else None
        self._pieces = 0
        self._thinking_pieces = 0
        self._told: dict[str, Any] = {}

    def tokens(self, event: dict[str, Any]) -> Iterator[Token]:
        """Yield what one chunk says. Raises BrokenStream on an error inside the stream, or what it stands for."""
        if error := event.get("error"):
            raise self._fault(error, event)
        if progress := event.get("prompt_progress"):
            yield from self._prefill(progress)
        if told := self._dialect.usage_in(event):
            self._told = told
            self.usage = self._dialect.usage(told, self.usage)
        for choice in event.get("choices") or []:
            yield from self._choice(choice)

    def end(self, finish_reason: str = "") -> Iterator[Token]:
        """Yield what was held back, then the end. Raises BrokenStream if the stream stopped without saying so."""
        if not (finish_reason or self.finished):
            raise BrokenStream(gettext("The connection to the language model was cut before the answer was complete."))
        reason = finish_reason or self.usage.finish_reason
        if self._tags:
            for kind, text in self._tags.end(complete=reason == "stop"):
                yield Token(kind, text)
        yield Token("end", usage=replace(self._counted(), finish_reason=reason))

    def _fault(self, error: Any, event: dict[str, Any]) -> Exception:
        """Return the error inside a stream: before the first word it is a refusal like any other."""
        if self.started:
            said = error.get("message", error) if isinstance(error, dict) else error
            return BrokenStream(gettext("The language model broke off: %(said)s") % {"said": str(said)[:300]})
        code = str(error.get("code", "")) if isinstance(error, dict) else ""
        status = int(code) if code.isdecimal() and 400 <= int(code) < 600 else 500
        return self._dialect.refusal(status, {}, json.dumps(event))

    def _prefill(self, progress: dict[str, Any]) -> Iterator[Token]:
        done, total, cached = (int(progress.get(name) or 0) for name in ("processed", "total", "cache"))
        self.usage = replace(self.usage, prompt_tokens=total, cached_tokens=cached)
        yield Token("prefill", done=done, total=total, usage=self.usage)

    def _choice(self, choice: dict[str, Any]) -> Iterator[Token]:
        reasoning, text = self._dialect.pieces(choice.get("delta") or {})
        if reasoning:
            if self._tags:
                self._tags.told_apart()
            self._arrived(thinking=True)
            yield Token("reasoning", reasoning)
        if text:
            yield from self._content(text)
        if reason := choice.get("finish_reason"):
            self._finish(self._dialect.finish(str(reason)))

    def _content(self, text: str) -> Iterator[Token]:
        pieces = list(self._tags.feed(text)) if self._tags else [("text", text)]
        self._arrived(thinking=bool(pieces) and pieces[-1][0] == "reasoning")
        for kind, words in pieces:
            yield Token(kind, words)

    def _finish(self, reason: str) -> None:
        """Note how the completion ended. Raises the error of one that did not come to its end."""
        if reason == "broken":
            raise BrokenStream(gettext("The language model broke off in the middle of the answer."))
        if reason == "withheld":
            raise error_for(Fault.WITHHELD)
        self.finished = True
        self.usage = replace(self.usage, finish_reason=reason)

    def _arrived(self, *, thinking: bool) -> None:
        self._pieces += 1
        self._thinking_pieces += thinking
        if not self.started:
            self.started = True
            self.usage = replace(self.usage, seconds_to_first_token=time.monotonic() - self.begun)

    def _counted(self) -> Usage:
        """Return the usage as the endpoint told it; what it did not tell is counted here, and said to be so."""
        usage = replace(self.usage, seconds=time.monotonic() - self.begun)
        if not usage.prompt_tokens:
            sent = sum(message_tokens(message) for message in self._prompt.messages)
            usage = replace(usage, prompt_tokens=sent, estimated=True)
        if not self._told.get("completion_tokens"):
            usage = replace(usage, completion_tokens=self._pieces, estimated=True)
        if self._thinking_pieces and not usage.reasoning_tokens:
            share = self._thinking_pieces / self._pieces
            usage = replace(usage, reasoning_tokens=round(usage.completion_tokens * share))
        return usage
