"""Cross-references: which words are some, and where they lead."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.ingest.parse.headings import pattern_headings
from analysis.ingest.understand.references import find_references
from analysis.ingest.understand.terms import find_terms
from analysis.types import Aim

CONTRACT = """\
SUPPLY AGREEMENT

This Agreement (the “Agreement”) is made by Acme Ltd and Bolt Inc.

ARTICLE I
DEFINITIONS

1.1 Terms. The terms of Exhibit A apply.

ARTICLE II
SUPPLY

2.1 Delivery. The Supplier shall deliver:
(a) the goods;
(b) the papers, that is:
(i) the invoice, and
(ii) the licence; and
(c) the keys.

2.2 Payment. The Buyer shall pay within 30 days.

2.3 Further terms. {here}

EXHIBIT A
PRICES

1. Prices. The prices are fair.
2. Changes. Prices may change.
"""


def referred(words: str) -> list[tuple[str, str, str]]:
    """Return (words, aim, how the target begins) of each reference in a clause of the contract that says `words`."""
    text = CONTRACT.format(here=words)
    start = text.index(words)
    return [
        (
            text[one.start_char : one.end_char],
            one.aim.value,
            ""
            if one.target_start_char is None
            else text[one.target_start_char : one.target_end_char].split("\n")[0][:14],
        )
        for one in find_references(text, pattern_headings(text), find_terms(text))
        if start <= one.start_char < start + len(words)
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("See Section 2.1.", [("Section 2.1", "here", "2.1 Delivery. ")]),
        ("See Section 2.1(b).", [("Section 2.1(b)", "here", "(b) the papers")]),
        ("See Section 2.1(b)(ii).", [("Section 2.1(b)(ii)", "here", "(ii) the licen")]),
        (
            "See Sections 2.1(a) and (c) and 2.2.",
            [
                ("Sections 2.1(a)", "here", "(a) the goods;"),
                ("(c)", "here", "(c) the keys."),
                ("2.2", "here", "2.2 Payment. T"),
            ],
        ),
        ("See Article II.", [("Article II", "here", "ARTICLE II")]),
        (
            "See clause 2.2 and Exhibit A.",
            [("clause 2.2", "here", "2.2 Payment. T"), ("Exhibit A", "here", "EXHIBIT A")],
        ),
        ("See Section 2 of Exhibit A.", [("Section 2", "here", "2. Changes. Pr"), ("Exhibit A", "here", "EXHIBIT A")]),
        (
            "See paragraph (c) of Section 2.1.",
            [("paragraph (c)", "here", "(c) the keys."), ("Section 2.1", "here", "2.1 Delivery. ")],
        ),
        ("See this Section.", [("this Section", "here", "2.3 Further te")]),
        ("See Section 2.2 hereof.", [("Section 2.2", "here", "2.2 Payment. T")]),
        ("See Section 2.2 of this Agreement.", [("Section 2.2", "here", "2.2 Payment. T")]),
        ("See Section 2.2 of the Agreement.", [("Section 2.2", "here", "2.2 Payment. T")]),
        ("See Section 2.2 of the Credit Agreement.", [("Section 2.2", "elsewhere", "")]),
        ("See Section 368(a) of the Code.", [("Section 368(a)", "elsewhere", "")]),
        (
            "REPORT UNDER SECTION 13 OR 15(d) OF THE SECURITIES EXCHANGE ACT OF 1934.",
            [("SECTION 13", "elsewhere", ""), ("15(d)", "elsewhere", "")],
        ),
        ("See 18 U.S.C. Section 1833.", [("Section 1833", "elsewhere", "")]),
        ("See Section 409A for taxes.", [("Section 409A", "elsewhere", "")]),
        ("See Section 2.7.", [("Section 2.7", "nowhere", "")]),
        ("See Section 2.1(f).", [("Section 2.1(f)", "nowhere", "")]),
        ("See Schedule 3.", [("Schedule 3", "nowhere", "")]),
        ("Pay under Section 2.2 and (y) give notice.", [("Section 2.2", "here", "2.2 Payment. T")]),
        ("In section two of the building.", []),
    ],
)
def test_a_reference_leads_to_its_part(words: str, expected: list[tuple[str, str, str]]) -> None:
    assert referred(words) == expected


def test_a_target_ends_where_the_next_part_begins() -> None:
    text = CONTRACT.format(here="See Section 2.1(b).")
    (one,) = [one for one in find_references(text, pattern_headings(text)) if one.label == "Section 2.1(b)"]
    assert text[one.target_start_char : one.target_end_char].endswith("(ii) the licence; and\n")


def test_an_item_of_the_same_list_is_meant() -> None:
    words = "The fee falls due (i) on delivery or (ii) on demand; in the case of clause (ii), at once."
    assert referred(words) == [("clause (ii)", "here", "(ii) on demand")]


def test_clauses_without_headings_in_running_text_are_parts() -> None:
    text = (
        "TERMS 1. Scope. 1.1 The Supplier works with care. 1.2 The Buyer pays as Section 2.1 says. "
        "2. Money. 2.1 Each invoice is paid. 2.2 Late payment bears interest under Section 1.2."
    )
    targets = [text[one.target_start_char : one.target_end_char] for one in find_references(text)]
    assert targets == ["2.1 Each invoice is paid. ", "1.2 The Buyer pays as Section 2.1 says. "]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "§ 4 Preis\nDer Preis ist fest.\n\n§ 5 Haftung\n(1) Es gilt § 4.\n(2) Es gilt § 5 Abs. 1 und § 433 BGB.",
            [("§ 4", "here"), ("§ 5 Abs. 1", "here"), ("§ 433", "elsewhere")],
        ),
        (
            "第一条 定义\n本合同适用。\n\n第二条 付款\n依照第一条和附件一付款，并依照《民法典》第五百条。",
            [("第一条", "here"), ("附件一", "nowhere"), ("第五百条", "elsewhere")],
        ),
    ],
)
def test_german_and_chinese_references(text: str, expected: list[tuple[str, str]]) -> None:
    found = find_references(text, pattern_headings(text))
    assert [(text[one.start_char : one.end_char], one.aim.value) for one in found] == expected


def test_the_opening_of_a_section_and_a_filing_mark_are_no_references() -> None:
    text = "Exhibit 10.1\n\nSUPPLY AGREEMENT\n\nSection 1. Scope. All of it.\n\nSection 2. Term. One year.\n"
    assert find_references(text, pattern_headings(text)) == []


@given(
    st.lists(
        st.sampled_from(
            "Section §4 2.1 (a) (ii) and , Exhibit A 第五条 附件一 \n 1. The of Code through this".split(" ")
        ),
        max_size=60,
    )
)
def test_any_text_gives_spans_inside_it(words: list[str]) -> None:
    text = " ".join(words)
    before = -1
    for one in find_references(text, pattern_headings(text)):
        assert before < one.start_char < one.end_char <= len(text)
        assert (one.target_start_char is not None) == (one.aim is Aim.HERE)
        if one.target_start_char is not None:
            assert 0 <= one.target_start_char < one.target_end_char <= len(text)
        before = one.start_char


@pytest.mark.parametrize(
    "piece", ["Section 4.2(b), ", "(a) clause (a) ", "1.1 A ", "§ 4 ", "Exhibit A\n", "clause (i) of ", "4" * 40 + " "]
)
def test_time_grows_with_length_only(piece: str) -> None:
    """A hostile text is read in seconds, whatever it repeats."""
    started = time.process_time()
    find_references(piece * (80_000 // len(piece)))
    assert time.process_time() - started < 5
