"""Headings as contracts print them, and what only looks like one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analysis.ingest.parse.headings import pattern_headings, split_label
from analysis.types import ParsedHeading


def outline(text: str) -> list[tuple[int, str, str]]:
    return [(heading.level, heading.label, heading.title) for heading in pattern_headings(text)]


CONTRACT = """LEASE AGREEMENT

TABLE OF CONTENTS

1. DEFINITIONS ........ 1
2. RENT ............... 2

RECITALS

WHEREAS, the Landlord owns the Premises as described in
Section 4.2 of the Deed.

1. DEFINITIONS

1.1 “Premises” means the house at
12 Main Street.

2. RENT

2.1 Amount. The Tenant shall pay 100 a month.

2.2 Due Date. Rent is due on the first day.

(a) If it is not paid, interest runs.

3. The Tenant shall keep the house clean.

30 days after notice the lease ends.

IN WITNESS WHEREOF

LANDLORD:

By: ____________

EXHIBIT A

INVENTORY

1. Furniture

EXHIBIT B - Keys
"""


def test_a_contracts_outline() -> None:
    assert outline(CONTRACT) == [
        (1, "", "LEASE AGREEMENT"),
        (1, "", "RECITALS"),
        (1, "1", "DEFINITIONS"),
        (1, "2", "RENT"),
        (2, "2.1", "Amount"),
        (2, "2.2", "Due Date"),
        (1, "", "IN WITNESS WHEREOF"),
        (1, "EXHIBIT A", "INVENTORY"),
        (2, "1", "Furniture"),
        (1, "EXHIBIT B", "Keys"),
    ]


def test_spans_hold_the_headings_words_and_sections_end_where_the_next_begins() -> None:
    headings = {heading.title: heading for heading in pattern_headings(CONTRACT)}
    amount = headings["Amount"]
    assert CONTRACT[amount.start_char : amount.end_char] == "2.1 Amount"
    assert CONTRACT[amount.start_char : amount.section_end_char] == "2.1 Amount. The Tenant shall pay 100 a month.\n\n"
    rent = headings["RENT"]
    assert CONTRACT[rent.start_char : rent.section_end_char].endswith("30 days after notice the lease ends.\n\n")
    inventory = headings["INVENTORY"]
    assert CONTRACT[inventory.start_char : inventory.section_end_char] == "EXHIBIT A\n\nINVENTORY\n\n1. Furniture\n\n"


def test_articles_hold_their_sections() -> None:
    text = (
        "ARTICLE I\nDEFINITIONS\n\nSection 1.1 Terms. Words.\n\n"
        "ARTICLE II\nRENT\n\nSection 2.1 Amount. Words.\n\n2.1.1 Cash. No.\n"
    )
    assert outline(text) == [
        (1, "ARTICLE I", "DEFINITIONS"),
        (2, "Section 1.1", "Terms"),
        (1, "ARTICLE II", "RENT"),
        (2, "Section 2.1", "Amount"),
        (3, "2.1.1", "Cash"),
    ]


def test_the_number_of_a_filing_is_not_a_part_of_the_document() -> None:
    assert outline("Exhibit 10.15\n\nLEASE AGREEMENT\n\n1. TERM\n\nFive years.\n") == [
        (1, "", "LEASE AGREEMENT"),
        (1, "1", "TERM"),
    ]


def test_parts_hold_their_items() -> None:
    assert outline(
        "PART I. FINANCIAL INFORMATION\n\nItem 1. Financial Statements\n\nItem 1A. Risk Factors\n\nWords.\n"
    ) == [
        (1, "PART I", "FINANCIAL INFORMATION"),
        (2, "Item 1", "Financial Statements"),
        (2, "Item 1A", "Risk Factors"),
    ]


def test_labels() -> None:
    assert split_label("4.2 Term") == ("4.2", "Term")
    assert split_label("Article IV: Rent") == ("Article IV", "Rent")
    assert split_label("Rent") == ("", "Rent")
    assert split_label("10.CONFIDENTIALITY") == ("10", "CONFIDENTIALITY")


def nested(headings: list[ParsedHeading], length: int) -> None:
    for one in headings:
        assert one.start_char < one.end_char <= length
        assert one.end_char <= one.section_end_char <= length
    starts = [one.start_char for one in headings]
    assert starts == sorted(set(starts))


line = st.one_of(
    st.sampled_from(
        ["ARTICLE I", "Section 1.1 Rent. The rent is due.", "2. TERM", "EXHIBIT A", "RECITALS", "", "By: x", "9.9 No"]
    ),
    st.text("AB cd.1 \t", max_size=12),
)


@given(st.lists(line, max_size=30))
def test_any_text_has_headings_in_order_with_words_of_their_own(lines: list[str]) -> None:
    text = "\n".join(lines)
    nested(pattern_headings(text), len(text))
