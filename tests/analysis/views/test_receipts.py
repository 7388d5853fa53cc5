"""Receipts as they are drawn: each page by how it was read, and every figure in words."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from analysis.models import Answer
from analysis.views.receipts import Fact, Stretch, facts_of, receipt_line, receipt_of, strip_of
from tests.analysis.answer.rows import document
from tests.conftest import Cast
from tests.rows import make_answer

PAGES: dict[str, list[list[int]]] = {"whole": [], "swept": [], "seen": [], "unreadable": [], "skipped": []}
ROW = {
    "document_id": "d", "document_name": "lease.pdf", "characters_total": 100, "characters_read": 30, "pages_total": 8,
    "pages_read": [[1, 3]], "pages_skipped": [[4, 6]], "pages_unreadable": [[7, 8]],
}  # fmt: skip


def citation(*pages: int) -> dict[str, Any]:
    return {"document_id": "d", "pages": [{"page_number": page} for page in pages]}


def payload(coverage: dict[str, Any], **usage: Any) -> dict[str, Any]:
    empty = {"characters_total": 0, "characters_read": 0, "tokens_sent": 0, "tokens_cached": 0, "documents": []}
    nothing = {
        "llm": "kimi-k2.6", "prompt_tokens": 0, "cached_tokens": 0, "completion_tokens": 0, "cost_usd": 0.0,
        "seconds_to_first_token": 0.0, "seconds": 0.0,
    }  # fmt: skip
    return {"mode": "whole", "coverage": empty | coverage, "usage": nothing | usage, "plan": None, "citations": []}


def said(told: dict[str, Any]) -> dict[str, str]:
    return {fact.label: fact.words for fact in facts_of(told)}


def test_a_strip_has_a_stretch_for_each_way_of_reading() -> None:
    pages = PAGES | {"swept": [[1, 2], [6, 6]], "seen": [[3, 3]], "skipped": [[4, 5]], "unreadable": [[7, 8]]}
    strip = strip_of(ROW | {"pages": pages}, [citation(1, 2), citation(2), {"document_id": "other", "pages": []}])
    assert strip.stretches == [
        Stretch("swept", 0, 2, 3, 7),
        Stretch("seen", 2, 1, 6, 4),
        Stretch("skipped", 3, 2, 9, 1),
        Stretch("swept", 5, 1, 3, 7),
        Stretch("unreadable", 6, 2, 0, 10),
    ]
    assert strip.cited == [0, 1]
    assert strip.words == (
        "Of 8 pages: 1-2, 6 read by the sweep, 3 seen as passage, 7-8 unreadable, 4-5 not read; cited: pages 1-2"
    )


def test_a_document_read_in_one_way_is_said_shortly() -> None:
    strip = strip_of(ROW | {"pages": PAGES | {"whole": [[1, 8]]}}, [citation(4)])
    assert strip.words == "8 pages read whole; cited: page 4"
    one = strip_of(ROW | {"pages_total": 1, "pages": PAGES | {"seen": [[1, 1]]}}, [])
    assert one.words == "The one page seen as passage"


def test_a_receipt_from_before_pages_were_told_apart() -> None:
    assert [(each.way, each.x, each.width) for each in strip_of(ROW, []).stretches] == [
        ("seen", 0, 3),
        ("skipped", 3, 3),
        ("unreadable", 6, 2),
    ]
    assert strip_of(ROW | {"characters_read": 100}, []).stretches[0].way == "whole"
    assert said(payload({"parts": 6}))["Parts"] == "Read in 6 parts, then combined"
    assert "Parts" not in said(payload({"parts": 1}))


def test_every_figure_in_words() -> None:
    told = payload(
        {
            "characters_total": 10000, "characters_read": 2500, "pages_total": 8, "pages_read_count": 3,
            "documents": [ROW], "tokens_sent": 8000, "tokens_cached": 6000, "history_dropped": 1, "answer_cut": True,
            "estimate_exact": False, "parts": {"total": 14, "read": 9, "cached": 3, "failed": 1},
            "not_read_in": [{"document_name": "late.pdf"}],
        },
        completion_tokens=1200, reasoning_tokens=900, cost_usd=0.0042, saved_usd=0.013, seconds=6.2,
        seconds_to_first_token=1.9, calls=13,
    )  # fmt: skip
    told["plan"] = {"why": "You chose sweep."}
    told["mode"] = "sweep"
    assert facts_of(told) == [
        Fact("How", "Sweep: every part was read by itself, then what was found was put together"),
        Fact("Read", "2,500 of 10,000 characters (25 %), on 3 of 8 pages; 2 pages could not be read"),
        Fact("Parts", "14 parts: 9 read now, 3 known from an earlier sweep, 1 could not be read, 1 not reached"),
        Fact("Not read", "late.pdf: not read in when the question was answered"),
        Fact("Plan", "You chose sweep."),
        Fact("Tokens", "8,000 sent, 6,000 of them (75 %) cached; 1,200 written, 900 of them thinking"),
        Fact("Counted", "Planned with an estimate, not the model's tokenizer"),
        Fact("Language model", "kimi-k2.6"),
        Fact("Cost", "$0.0042; the cache saved $0.013"),
        Fact("Time", "6.2 s in all, first word after 1.9 s, in 13 calls"),
        Fact("Left out", "1 earlier question of this thread did not fit"),
        Fact("Cut off", "The answer reached its longest permitted length."),
    ]


def test_what_was_counted_here_is_said_to_be() -> None:
    told = payload({"estimate_exact": True}, estimated=True)
    assert said(told)["Counted"] == (
        "Planned with the model's own tokenizer; what was used was counted here, since the endpoint did not say"
    )


def test_nothing_is_said_of_what_there_was_not() -> None:
    assert said(payload({})) == {
        "How": "Whole: all of it stood before the language model at once",
        "Language model": "kimi-k2.6",
        "Cost": "$0",
    }


def test_the_line_under_an_answer() -> None:
    told = payload({"tokens_sent": 400, "tokens_cached": 100}, cost_usd=1.5, seconds=61.0, seconds_to_first_token=2.0)
    assert receipt_line(told) == [
        "whole",
        "400 tokens, 25 % cached",
        "kimi-k2.6",
        "$1.50",
        "first word 2.0 s",
        "1 min 1 s",
    ]


def test_the_legend_explains_what_is_drawn_and_nothing_else() -> None:
    rows = [ROW | {"pages": PAGES | {"whole": [[1, 8]]}}, ROW | {"pages": PAGES | {"skipped": [[1, 8]]}}]
    receipt = receipt_of(payload({"documents": rows}), {})
    assert [(each.said, each.y, each.height) for each in receipt.legend] == [("read whole", 0, 10), ("not read", 9, 1)]


@pytest.fixture
def answer(cast: Cast) -> Answer:
    first, second = document(cast, name="a.txt", pages=2), document(cast, name="b.txt", pages=3)
    answer = make_answer(cast, first.version, "Five years.")
    answer.question.documents.add(second)
    rows = [
        ROW | {"document_id": str(first.pk), "document_name": "a.txt", "pages_total": 2,
               "pages": PAGES | {"whole": [[1, 2]]}},
        ROW | {"document_id": str(second.pk), "document_name": "b.txt", "pages_total": 3,
               "pages": PAGES | {"seen": [[2, 2]], "skipped": [[1, 1], [3, 3]]}},
    ]  # fmt: skip
    answer.coverage = {"documents": rows, "characters_total": 100, "characters_read": 60}
    answer.save()
    return answer


def test_each_of_several_documents_has_a_strip(cast: Cast, answer: Answer) -> None:
    client = Client()
    client.force_login(cast.editor)
    page = client.get(f"/q/{answer.question_id}/").content.decode()
    assert 'viewBox="0 -4 2 14" preserveAspectRatio="none" role="img" aria-label="2 pages read whole"' in page
    assert 'aria-label="Of 3 pages: 2 seen as passage, 1, 3 not read"' in page
    assert '<rect class="strip-seen" x="1" y="6" width="1" height="4"/>' in page
    assert f'href="/a/{answer.pk}/prompt/"' in page
    client.force_login(cast.viewer)
    assert f'href="/a/{answer.pk}/prompt/"' not in client.get(f"/q/{answer.question_id}/").content.decode()
