"""What a language model thinks aloud, as a part of its answer's card: plain text, folded, never mixed with the answer.

It is sent in pieces of a fixed length. A piece is sent again only while it is the last one, and under its own id, so
whatever is sent twice is drawn once.
"""

from __future__ import annotations

from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import ngettext

PIECE_CHARACTERS = 400
LATEST_CHARACTERS = 90  # of what is being thought, shown while it is folded


class Thinking:
    """An answer's reasoning so far, and the HTML that brings a page from state to state."""

    def __init__(self, answer_id: object, text: str = "") -> None:
        self.answer_id = str(answer_id)
        self.text = text
        self.over = False  # the answer itself has begun
        self._sent_characters = 0
        self._line_sent = ""

    def take(self, data: dict[str, Any]) -> None:
        """Fold one event in. A run that starts anew starts at 0, and all of it is drawn again."""
        start = data["start_char"]
        if start < self._sent_characters:
            self._sent_characters = 0
        self.text = self.text[:start] + data["text"]

    def everything(self) -> SafeString:
        """Return the message that draws it all, "" as long as nothing has been thought, and take it for sent."""
        self._take_for_sent()
        if not self.text:
            return mark_safe("")
        return format_html(
            '<hx-partial hx-target="#thinking-{}" hx-swap="innerHTML">{}</hx-partial>', self.answer_id, self.html
        )

    def changes(self) -> SafeString:
        """Return the message for what changed since the last one, "" if nothing did, and take it for sent."""
        if not self.text or (len(self.text) == self._sent_characters and self.line == self._line_sent):
            return mark_safe("")
        if not self._sent_characters:
            return self.everything()
        pieces = self._pieces(self._sent_characters // PIECE_CHARACTERS)
        self._take_for_sent()
        return format_html(
            '<hx-upsert hx-target="#thought-{}">{}</hx-upsert>'
            '<hx-partial hx-target="#thinking-line-{}" hx-swap="innerHTML">{}</hx-partial>',
            self.answer_id, pieces, self.answer_id, self.line,
        )  # fmt: skip

    def _take_for_sent(self) -> None:
        self._sent_characters, self._line_sent = len(self.text), self.line

    @property
    def html(self) -> SafeString:
        """Return the folded part as it stands, "" as long as nothing has been thought."""
        if not self.text:
            return mark_safe("")
        return format_html(
            '<details class="thinking" data-keep-open="thinking-{id}"><summary class="small" id="thinking-line-{id}">'
            '{line}</summary><div class="thinking-text small" id="thought-{id}" tabindex="0">{pieces}</div></details>',
            id=self.answer_id,
            line=self.line,
            pieces=self._pieces(0),
        )

    @property
    def line(self) -> SafeString:
        """Return what the fold says: how much was thought and, while it goes on, the latest words."""
        number = len(self.text.split())
        count = {"count": intcomma(number)}
        if self.over:
            words = ngettext("Thought for %(count)s word", "Thought for %(count)s words", number) % count
            return format_html("<span>{}</span>", words)
        latest = " ".join(self.text[-LATEST_CHARACTERS:].split())
        return format_html(
            '<span>{}</span> <span class="thinking-latest" aria-hidden="true">{}</span>',
            ngettext("Thinking… %(count)s word", "Thinking… %(count)s words", number) % count,
            latest,
        )

    def _pieces(self, first: int) -> SafeString:
        starts = range(first * PIECE_CHARACTERS, len(self.text), PIECE_CHARACTERS)
        numbered = ((self.answer_id, start // PIECE_CHARACTERS, self._piece(start)) for start in starts)
        return format_html_join("", '<span id="thought-{}-{}">{}</span>', numbered)

    def _piece(self, start: int) -> str:
        return self.text[start : start + PIECE_CHARACTERS]
