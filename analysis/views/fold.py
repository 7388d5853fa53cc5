"""An answer while it is written: its events folded into text, and the HTML that brings a page from state to state.

What it thinks aloud and what a sweep finds stand beside the text, each in a region of its own.

A block (a paragraph, a list) is sent again only while it is the last one, and under its own id, so whatever is sent
twice is drawn once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_lazy

from analysis.answer.render import block_starts, render_text
from analysis.progress import LAST_EVENTS, Event
from analysis.views.found import Found
from analysis.views.thinking import Thinking

NOT_BEGUN = gettext_lazy("Waiting to begin")


class LiveAnswer:
    """The state that an answer's events add up to. `ended`: the last event is among them.

    before: what the stage says as long as no event has named one.
    """

    def __init__(self, answer_id: object, *, before: str | Promise = NOT_BEGUN) -> None:
        self.answer_id = str(answer_id)
        self._before = before
        self.text = ""
        self.thinking = Thinking(answer_id)
        self.found = Found(answer_id)
        self.stage: dict[str, Any] = {}
        self.ended = False
        self._starts = [0]
        self._html: list[SafeString] = []
        self._sent = 0  # blocks before this one stand on the page as they are
        self._rewritten = False
        self._stage_sent: dict[str, Any] | None = None

    def take(self, events: Iterable[Event]) -> None:
        """Fold events in."""
        changed_from = len(self.text)
        for event in events:
            if event.name == "token":
                start = event.data["start_char"]
                changed_from = min(changed_from, start)
                self.text = self.text[:start] + event.data["text"]
            elif event.name == "reasoning":
                self.thinking.take(event.data)
            elif event.name == "finding":
                self.found.take(event.data)
            self.stage = _stage(event, self.stage)
            self.ended = self.ended or event.name in LAST_EVENTS
        self.thinking.over = bool(self.text)
        if changed_from < len(self.text) or changed_from < self._starts[-1]:
            self._draw(changed_from)

    def _draw(self, changed_from: int) -> None:
        """Draw again from the block that `changed_from` lies in. Only a run that started anew reaches past the last."""
        if changed_from < self._starts[-1]:
            self._starts, self._html, self._sent, self._rewritten = [0], [], 0, True
        kept = len(self._starts) - 1
        self._starts[kept:] = block_starts(self.text, self._starts[-1])
        ends = [*self._starts[kept + 1 :], len(self.text)]
        self._html[kept:] = [render_text(self.text[a:b]) for a, b in zip(self._starts[kept:], ends, strict=True)]
        self._sent = min(self._sent, kept)

    @property
    def blocks(self) -> SafeString:
        """Return every block, each in an element with its id."""
        return self._blocks(0)

    def everything(self) -> SafeString:
        """Return the message that makes the page right whatever it shows, and take it for sent."""
        whole = format_html(
            '<hx-partial hx-target="#text-{}" hx-swap="innerHTML">{}</hx-partial>', self.answer_id, self.blocks
        )
        self._stage_sent = None
        beside = self.thinking.everything() + self.found.everything()
        return whole + beside + self._stage_message() + self._mark_sent()

    def changes(self) -> SafeString:
        """Return the message for what changed since the last one, "" if nothing did, and take it for sent."""
        if self._rewritten:
            return self.everything()
        blocks = mark_safe("")
        if self._sent < len(self._html):
            blocks = format_html(
                '<hx-upsert hx-target="#text-{}">{}</hx-upsert>', self.answer_id, self._blocks(self._sent)
            )
        beside = self.thinking.changes() + self.found.changes()
        return blocks + beside + self._stage_message() + self._mark_sent()

    def _mark_sent(self) -> SafeString:
        self._sent, self._rewritten = len(self._html), False
        return mark_safe("")

    def _blocks(self, start: int) -> SafeString:
        return mark_safe(  # noqa: S308  # each block was cleaned when it was drawn
            "".join(
                f'<div class="block" id="block-{self.answer_id}-{number}">{html}</div>'
                for number, html in enumerate(self._html[start:], start=start)
            )
        )

    def _stage_message(self) -> SafeString:
        if self.stage == self._stage_sent:
            return mark_safe("")
        self._stage_sent = self.stage
        return format_html(
            '<hx-partial hx-target="#stage-{}" hx-swap="innerHTML">{}</hx-partial>', self.answer_id, self.stage_line
        )

    @property
    def stage_line(self) -> SafeString:
        """Return where the run stands, in words, with a bar where there is something to count."""
        words = format_html("<span>{}</span>", self.stage.get("message") or self._before)
        if not self.stage.get("total"):
            return words
        done, total = int(self.stage.get("done") or 0), int(self.stage["total"])
        return words + format_html('<progress value="{}" max="{}"></progress>', min(done, total), total)


def _stage(event: Event, before: dict[str, Any]) -> dict[str, Any]:
    thinks = event.name == "reasoning" or event.data.get("stage") == "thinking"
    if event.name == "progress" and not thinks:
        return event.data
    if thinks:  # the fold beneath says so itself
        return {"message": gettext("Working on the answer")}
    named = {"token": gettext("Writing"), "answer": gettext("Checking each sentence against the text")}
    if event.name in named:
        return {"message": named[event.name]}
    return before
