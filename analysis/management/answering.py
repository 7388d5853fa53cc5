"""An answer in the terminal: tokens as they come, then citations with their quotes, then the receipt."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import CommandError, OutputWrapper
from tqdm import tqdm

from analysis.answer.ask import answer_stop
from analysis.answer.payload import answer_payload
from analysis.management.command import INTERRUPTED
from analysis.models import Answer, AnswerStatus
from analysis.progress import Event, answer_stream, listen
from analysis.views.receipts import receipt_line

BAR = "{desc} {percentage:3.0f}% |{bar}| {elapsed}"
QUOTE_CHARACTERS = 300


class Terminal:
    """Shows one answer. Text goes to `out`, and nothing else does; bars and remarks go to stderr."""

    def __init__(self, out: OutputWrapper, *, quiet: bool = False) -> None:
        self.out = out
        self.quiet = quiet
        self.text = ""
        self.bar: tqdm[Any] | None = None
        self.found: set[tuple[int, int]] = set()

    def show(self, answer: Answer) -> None:
        """Follow the answer to its end and print it; Ctrl-C stops it on the server too, keeping what was written.

        Raises CommandError when the answer fails; exits with 130 when it was interrupted.
        """
        interrupted = self._follow(answer)
        finished = Answer.objects.select_related("question").get(pk=answer.pk)
        if finished.status == AnswerStatus.FAILED:
            raise CommandError(finished.error_message)
        self._print_end(finished)
        if interrupted:
            sys.exit(INTERRUPTED)

    def _follow(self, answer: Answer) -> bool:
        stream = answer_stream(answer.pk)
        seen = "0"
        interrupted = False
        while True:
            try:
                for event in listen(stream, seen):
                    self.take(event)
                    seen = event.id
                return interrupted
            except KeyboardInterrupt:
                if interrupted:
                    raise  # asked twice: do not wait for the server
                interrupted = True
                answer_stop(answer)
            finally:
                self._close_bar()

    def take(self, event: Event) -> None:
        """Show one event."""
        # Once text stands there a bar would write over its last line.
        if event.name == "progress" and not self.text:
            self._move_bar(**event.data)
        elif event.name == "finding":
            self._tell_finding(**event.data)
        elif event.name == "token":
            self._close_bar()
            self._write(event.data["start_char"], event.data["text"])

    def _tell_finding(self, *, part: int, index: int, quote: str, **place: Any) -> None:
        """Tell what a sweep has found, above the bar; once, although another worker may find it again."""
        if (part, index) not in self.found:
            self.found.add((part, index))
            tqdm.write(f"Found in {place_in_words(place)}: “{one_line(quote)}”", file=sys.stderr)

    def _write(self, start_char: int, text: str) -> None:
        again = start_char < len(self.text)
        self.text = self.text[:start_char] + text
        if self.quiet:
            return
        # A worker that died was replaced: the text starts anew, and a terminal cannot take its lines back.
        self.out.write(f"\n\n{self.text}" if again else text, ending="")
        self.out.flush()

    def _move_bar(self, message: str, done: int = 0, total: int = 0, **_: Any) -> None:
        if self.bar is None:
            self.bar = tqdm(desc=message, bar_format="{desc}", disable=None, file=sys.stderr, leave=False)
        self.bar.bar_format = BAR if total else "{desc}"
        self.bar.total, self.bar.n = total, done
        self.bar.set_description_str(message)

    def _close_bar(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def _print_end(self, answer: Answer) -> None:
        payload = answer_payload(answer)
        if self.quiet:
            self.out.write(json.dumps(payload, ensure_ascii=False, indent=1))
            return
        lines = [*citation_lines(payload), *unsupported_lines(payload), " · ".join(receipt_line(payload))]
        self.out.write("\n".join(["", "", *lines]))


def citation_lines(payload: dict[str, Any]) -> list[str]:
    """Return for each citation its number, place, quote, and the sentences that rest on it."""
    lines = []
    for index, citation in enumerate(payload["citations"]):
        lines.append(f"[{index + 1}] {place_in_words(citation)}")
        lines.append(f"    “{one_line(citation['quote'])}”")
        resting = [sentence["text"] for sentence in payload["sentences"] if index in sentence["citations"]]
        lines += [f"    for: {one_line(text)}" for text in resting]
    return [*lines, ""] if lines else []


def place_in_words(cited: dict[str, Any]) -> str:
    """Return "lease.pdf, page 3"; of a file of a repository "src/app.py:12-18 at 9fceb02d0a"."""
    if not cited.get("path"):
        return f"{cited['document_name']}, {cited['place']}"
    number = f"version {cited['snapshot']}" if cited.get("snapshot") else ""
    label = (cited.get("commit") or "")[:10] or number
    return f"{cited['place']} at {label}" if label else str(cited["place"])


def unsupported_lines(payload: dict[str, Any]) -> list[str]:
    """Return the sentences that nothing in the documents bears out."""
    found = [sentence for sentence in payload["sentences"] if sentence["supported"] is False]
    lines = [f"    {one_line(sentence['text'])} ({sentence['reason']})".replace(" ()", "") for sentence in found]
    return ["Without support in the documents:", *lines, ""] if lines else []


def one_line(text: str) -> str:
    """Return the text without line breaks, cut to QUOTE_CHARACTERS."""
    text = " ".join(text.split())
    return text if len(text) <= QUOTE_CHARACTERS else f"{text[:QUOTE_CHARACTERS]}…"
