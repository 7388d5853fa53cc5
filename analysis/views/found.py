"""The places that a sweep finds, as a list on its answer's card: growing while it reads, kept under the answer.

A finding is known by its part and its number in that part, so whatever is sent twice is drawn once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from analysis.answer.render import code_data, place_name, place_url
from analysis.views.figures import counted

Key = tuple[int, int]


class Found:
    """What a sweep has found so far, and the HTML that brings a page from state to state."""

    def __init__(self, answer_id: object) -> None:
        self.answer_id = str(answer_id)
        self.findings: dict[Key, dict[str, Any]] = {}
        self._changed: set[Key] = set()
        self._named = False
        self._drawn = False

    def take(self, data: dict[str, Any]) -> None:
        """Fold one event in."""
        key = (data["part"], data["index"])
        if self.findings.get(key) != data:
            self.findings[key] = data
            self._changed.add(key)

    def everything(self) -> SafeString:
        """Return the message that draws it all, "" as long as nothing was found, and take it for sent."""
        self._take_for_sent()
        if not self.findings:
            return mark_safe("")
        return format_html(
            '<hx-partial hx-target="#found-{}" hx-swap="innerHTML">{}</hx-partial>', self.answer_id, self.html
        )

    def changes(self) -> SafeString:
        """Return the message for what changed since the last one, "" if nothing did, and take it for sent."""
        if not self._changed:
            return mark_safe("")
        if not self._drawn or self._named != named(self.findings.values()):
            return self.everything()
        items = found_items(self.answer_id, [self.findings[key] for key in sorted(self._changed)], self._named)
        self._take_for_sent()
        return format_html(
            '<hx-upsert hx-target="#found-list-{}">{}</hx-upsert>'
            '<hx-partial hx-target="#found-count-{}" hx-swap="innerHTML">{}</hx-partial>',
            self.answer_id, items, self.answer_id, self.count,
        )  # fmt: skip

    def _take_for_sent(self) -> None:
        self._changed, self._drawn = set(), bool(self.findings)
        self._named = named(self.findings.values())

    @property
    def count(self) -> str:
        """Return "1 place", "12 places"."""
        return counted(len(self.findings), "place")

    @property
    def html(self) -> SafeString:
        """Return the list in the order of the documents, "" as long as nothing was found."""
        if not self.findings:
            return mark_safe("")
        ordered = [self.findings[key] for key in sorted(self.findings)]
        return format_html(
            '<section class="findings"><h3 class="findings-head small">{found} <span id="found-count-{id}">'
            '{count}</span></h3><ol class="findings-list" id="found-list-{id}">{items}</ol></section>',
            id=self.answer_id,
            found=gettext("Found so far:"),
            count=self.count,
            items=found_items(self.answer_id, ordered, named(ordered)),
        )


def named(findings: Iterable[dict[str, Any]]) -> bool:
    """Return whether the findings lie in several documents, so that each has to name its own."""
    return len({finding["document_id"] for finding in findings}) > 1


def found_items(answer_id: object, findings: Iterable[dict[str, Any]], with_names: bool) -> SafeString:
    """Return a list item for each finding: its quote as a link to its place, and the note on it."""
    return format_html_join("", "{}", ((_item(answer_id, finding, with_names),) for finding in findings))


def _item(answer_id: object, finding: dict[str, Any], with_name: bool) -> SafeString:
    return format_html(
        '<li id="find-{answer}-{part}-{index}"><a class="finding" data-span data-document="{document}"'
        ' data-start="{start}" data-end="{end}" data-page="{page}"{code} href="{url}"><q>{quote}</q></a>'
        '{note}<span class="finding-where small muted">{where}</span></li>',
        answer=answer_id,
        part=finding["part"],
        index=finding["index"],
        url=place_url(finding),
        code=code_data(finding),
        document=finding["document_id"],
        start=finding["start_char"],
        end=finding["end_char"],
        page=finding["page_number"],
        quote=" ".join(finding["quote"].split()),
        note=format_html('<span class="finding-note">{}</span> ', finding["note"]) if finding["note"] else "",
        where=place_name(finding) if with_name else finding["place"],
    )
