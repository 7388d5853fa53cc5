"""What stands beside an answer's text while it is written: what it thinks aloud, and what a sweep has found."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from analysis.progress import Event
from analysis.views.fold import LiveAnswer
from analysis.views.found import Found
from analysis.views.thinking import PIECE_CHARACTERS, Thinking


class Region:
    """An element of a page that messages draw whole (`hx-partial`) or add to by id (`hx-upsert`), as htmx does."""

    def __init__(self, whole: str, kept: str, item: str) -> None:
        self.whole, self.kept, self.item = whole, kept, item
        self.items: dict[str, str] = {}
        self.drawn_whole = 0

    def take(self, message: str) -> None:
        for body in re.findall(rf'<hx-partial hx-target="#{self.whole}" [^>]*>(.*?)</hx-partial>', message, re.S):
            self.items = self._items(body)
            self.drawn_whole += 1
        for body in re.findall(rf'<hx-upsert hx-target="#{self.kept}">(.*?)</hx-upsert>', message, re.S):
            self.items |= self._items(body)

    def _items(self, body: str) -> dict[str, str]:
        return dict(re.findall(self.item, body, re.S))


def thoughts() -> Region:
    return Region("thinking-a", "thought-a", r'<span id="(thought-a-\d+)">(.*?)</span>')


def finds() -> Region:
    return Region("found-a", "found-list-a", r'<li id="(find-a-[\d-]+)">(.*?)</li>')


def reasoning(number: int, start: int, text: str) -> Event:
    return Event(f"{number}-0", "reasoning", {"start_char": start, "text": text})


def finding(part: int, index: int, *, document: str = "d1", quote: str = "a quote", note: str = "") -> dict[str, Any]:
    return {
        "part": part, "index": index, "document_id": document, "document_name": f"{document}.pdf", "page_number": part,
        "place": f"page {part}",
        "start_char": 10 * part + index, "end_char": 10 * part + index + 5, "quote": quote, "note": note,
    }  # fmt: skip


words = st.text("ab <&\n", min_size=1, max_size=700)


@given(st.lists(words, max_size=6), st.lists(words, max_size=6), st.data())
def test_any_batches_and_a_run_begun_anew_give_the_thinking_once(
    first: list[str], second: list[str], data: st.DataObject
) -> None:
    page, thinking = thoughts(), Thinking("a")
    for run in (first, second):
        at = 0
        for text in run:
            thinking.take({"start_char": at, "text": text})
            at += len(text)
            if data.draw(st.booleans()):
                page.take(thinking.changes())
    page.take(thinking.changes())
    assert unescape("".join(page.items.values())) == ("".join(second) or "".join(first))


def test_a_long_thought_is_sent_in_pieces() -> None:
    page, thinking = thoughts(), Thinking("a")
    thinking.take({"start_char": 0, "text": "x" * (2 * PIECE_CHARACTERS)})
    page.take(thinking.everything())
    thinking.take({"start_char": 2 * PIECE_CHARACTERS, "text": "and more"})
    message = thinking.changes()
    page.take(message)
    assert "x" not in message.split("</hx-upsert>")[0].replace("hx-", "")
    assert page.drawn_whole == 1
    assert "".join(page.items.values()) == "x" * (2 * PIECE_CHARACTERS) + "and more"


def test_thinking_is_text_and_never_part_of_the_answer() -> None:
    live = LiveAnswer("a")
    live.take(
        [
            reasoning(1, 0, "Is it <b>five</b> years?\n\nIt is."),
            Event("2-0", "token", {"start_char": 0, "text": "Five."}),
        ]
    )
    assert live.text == "Five."
    assert "Is it" not in live.blocks
    assert "Is it &lt;b&gt;five&lt;/b&gt; years?" in live.thinking.html
    assert "<span>Thought for 6 words</span>" in live.thinking.html


def test_the_count_stands_outside_the_fold_while_it_thinks_and_the_fold_is_closed() -> None:
    live = LiveAnswer("a")
    live.take([reasoning(1, 0, "One two")])
    message = live.everything()
    assert '<details class="thinking" data-keep-open="thinking-a"><summary' in message
    assert "Thinking… 2 words" in message
    live.take([Event("2-0", "token", {"start_char": 0, "text": "Five."})])
    assert '<hx-partial hx-target="#thinking-line-a" hx-swap="innerHTML"><span>Thought for 2 words' in live.changes()
    assert "thinking-line" not in live.changes()


def test_without_thinking_and_findings_nothing_is_sent_of_them() -> None:
    live = LiveAnswer("a")
    live.take([Event("1-0", "token", {"start_char": 0, "text": "Five."})])
    assert "thinking" not in live.everything()
    assert "found" not in live.everything()


arrivals = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3), st.sampled_from(["d1", "d2"])), max_size=20)


@given(arrivals, st.data())
def test_findings_in_any_order_and_repeated_are_listed_once(
    given_: list[tuple[int, int, str]], data: st.DataObject
) -> None:
    page, found = finds(), Found("a")
    for part, index, document in given_:
        found.take(finding(part, index, document=document))
        if data.draw(st.booleans()):
            page.take(found.changes())
    page.take(found.changes())
    everything = finds()
    everything.take(found.everything())
    assert page.items == everything.items
    assert list(everything.items) == [f"find-a-{part}-{index}" for part, index in sorted({each[:2] for each in given_})]


def test_a_finding_leads_to_its_place_and_names_its_document_only_among_several() -> None:
    found = Found("a")
    found.take(finding(3, 0, quote="pay\n <all> fees", note="A duty"))
    assert '<q>pay &lt;all&gt; fees</q></a><span class="finding-note">A duty</span>' in found.html
    assert 'href="/d/d1/?start_char=30&amp;end_char=35"' in found.html
    assert '<span class="finding-where small muted">page 3</span>' in found.html
    assert 'Found so far: <span id="found-count-a">1 place</span>' in found.html
    found.take(finding(4, 0, document="d2"))
    assert "d1.pdf, page 3" in found.changes()


def test_what_was_sent_is_not_sent_again() -> None:
    found = Found("a")
    found.take(finding(1, 0))
    found.everything()
    found.take(finding(1, 0))
    assert found.changes() == ""
    found.take(finding(2, 0))
    message = found.changes()
    assert "find-a-2-0" in message
    assert "find-a-1-0" not in message
    assert "2 places" in message
