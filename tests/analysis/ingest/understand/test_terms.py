"""Defined terms: every form in which contracts define them, and how far a definition reaches."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.ingest.understand.terms import find_terms
from analysis.ingest.understand.uses import TermIndex, key_of, undefined_terms, with_uses


def found(text: str) -> dict[str, str]:
    """Return each term with the words of its definition."""
    terms = find_terms(text)
    assert all(text[term.start_char : term.end_char].split() == term.term.split() for term in terms)
    return {term.term: text[term.definition_start_char : term.definition_end_char] for term in terms}


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("“Affiliate” means any company under common control.", ["Affiliate"]),
        ('"Affiliate" shall mean any company.', ["Affiliate"]),
        ("The term “Fee” has the following meaning: ten dollars.", ["Fee"]),
        ("“Tax” or “Taxes” means any levy.", ["Tax", "Taxes"]),
        ("“Knowledge”, with respect to the Company, means actual knowledge.", ["Knowledge"]),
        ("“Material Adverse Effect” with respect to a Party means any harm.", ["Material Adverse Effect"]),
        ("“Losses” is defined in Section 9.2.", ["Losses"]),
        ("between Acme Ltd (“Supplier”) and Bolt Inc. (the “Buyer”).", ["Supplier", "Buyer"]),
        ("(each, a “Party” and collectively, the “Parties”)", ["Party", "Parties"]),
        ("Acme Ltd (hereinafter referred to as the “Supplier”)", ["Supplier"]),
        ("Acme Ltd, hereinafter “Supplier”, and others", ["Supplier"]),
        ("the reports are collectively referred to herein as the “Reports.” They", ["Reports"]),
        ("(the date of such closing, the “Closing Date”)", ["Closing Date"]),
        ("(any Subsidiary that is not wholly owned, a “Partial Subsidiary”)", ["Partial Subsidiary"]),
        (
            "together known as the Sellers, individually as a “Seller” and collectively as the “Sellers.” All",
            ["Seller", "Sellers"],
        ),
        ("controlled by it, the term “control” meaning ownership of half", ["control"]),
        ("The ‘Works’ means the works in the annex.", ["Works"]),
        ("**Confidential Material** means what is marked so.", ["Confidential Material"]),
        ("Business Day means a day on which banks are open.", ["Business Day"]),
        ("1.4 Service Levels shall mean the levels in Annex 2.", ["Service Levels"]),
        ("„Begriff“ bezeichnet ein Wort.", ["Begriff"]),
        ("die Muster GmbH (im Folgenden „Käufer“ genannt)", ["Käufer"]),
        ("die Muster GmbH, nachfolgend „Verkäufer“, und", ["Verkäufer"]),
        ("北京某某有限公司（以下简称“甲方”）", ["甲方"]),
        ("“保密信息”是指任何未公开的信息。", ["保密信息"]),
    ],
)
def test_every_form_of_definition_is_found(text: str, terms: list[str]) -> None:
    assert list(found(text)) == terms


@pytest.mark.parametrize(
    "text",
    [
        "documents marked “Confidential” are kept safe",
        "a “reorganization” within the meaning of Section 368(a) of the Code",
        "any (including rights as an “authorized user”) for the Company",
        "“or” is not exclusive and “includes” means “includes without limitation”",
        "an “accredited investor” (as defined in Rule 501)",
        "Affiliates (as “Affiliate” is defined in the Act) may",
        "He said “yes” and left the room (see “Notices”).",
        'a pipe of 3" and a rod of 4" in the yard',
    ],
)
def test_a_quotation_is_no_definition(text: str) -> None:
    assert found(text) == {}


GLOSSARY = """\
1. Definitions

“Affiliate” means, for a party:

(a) a company that it controls; and

(b) a company that controls it.

7

________________

“Fee” means the amount in Section 4,
as changed from time to time. It excludes taxes.

“Services” means the services that the Supplier agrees to give.

2. Services

The Supplier shall give the Services.
"""


def test_a_definition_has_its_sub_clauses_and_ends_where_the_next_begins() -> None:
    definitions = found(GLOSSARY)
    assert definitions["Affiliate"].endswith("(b) a company that controls it.")
    assert definitions["Fee"] == (
        "“Fee” means the amount in Section 4,\nas changed from time to time. It excludes taxes."
    )
    assert definitions["Services"] == "“Services” means the services that the Supplier agrees to give."


def test_definitions_that_follow_in_one_paragraph_are_kept_apart() -> None:
    text = "For this Section, “Cost” means all expenses. “Net Cost” means Cost less refunds. 5"
    assert found(text) == {
        "Cost": "“Cost” means all expenses.",
        "Net Cost": "“Net Cost” means Cost less refunds.",
    }


def test_a_definition_within_a_paragraph_ends_with_what_speaks_of_it() -> None:
    text = (
        "Nothing is due before then. In this Section, “Delay” means late delivery. A Delay of an hour is none. "
        "The Supplier shall deliver on Mondays."
    )
    assert found(text) == {"Delay": "“Delay” means late delivery. A Delay of an hour is none."}


def test_a_name_is_given_to_the_clause_before_it() -> None:
    text = 'Terms apply; the Supplier gives Bolt Inc. (the "Buyer"), for ten years (the "Term"), its help. Next.'
    assert found(text) == {
        "Buyer": 'the Supplier gives Bolt Inc. (the "Buyer")',
        "Term": 'for ten years (the "Term")',
    }


def test_two_names_of_one_share_what_they_name() -> None:
    text = "Acme Ltd, a company in Leeds (“Acme” or the “Seller”), at 1 Elm Road, and Nut Ltd (“Nut”) agree."
    assert found(text) == {
        "Acme": "Acme Ltd, a company in Leeds (“Acme” or the “Seller”)",
        "Seller": "Acme Ltd, a company in Leeds (“Acme” or the “Seller”)",
        "Nut": "Nut Ltd (“Nut”)",
    }


def test_a_name_is_given_across_the_end_of_a_page() -> None:
    text = "Done. The courts of the State\n\n73\n\n________\n\nof Delaware (the “Courts”) decide."
    assert found(text) == {"Courts": "The courts of the State\n\n73\n\n________\n\nof Delaware (the “Courts”)"}


def test_a_pointer_is_told_from_a_definition() -> None:
    text = "“Fee” has the meaning set forth in Section 4.2.\n\n“Price” has the following meaning: the sum in Section 5."
    assert [term.points for term in find_terms(text)] == [True, False]


def test_two_definitions_of_one_term_are_both_there() -> None:
    text = "“Cost” means expenses.\n\nOther words.\n\n“Cost” means prices."
    assert [term.term for term in find_terms(text)] == ["Cost", "Cost"]


@pytest.mark.parametrize(
    ("form", "term"),
    [
        ("the Affiliates", "Affiliate"),
        ("Affiliate’s", "Affiliate"),
        ("PARTIES", "Party"),
        ("Business Days", "Business Day"),
    ],
)
def test_plural_possessive_and_capitals_are_one_term(form: str, term: str) -> None:
    assert key_of(form) == key_of(term)


def test_uses_are_found_in_every_form_and_the_longest_term_wins() -> None:
    text = "A Party’s Confidential Information and INFORMATION of the Parties; a birthday party has no information."
    index = TermIndex(["Party", "Information", "Confidential Information"])
    assert [text[use.start_char : use.end_char] for use in index.uses(text)] == [
        "Party’s", "Confidential Information", "INFORMATION", "Parties",
    ]  # fmt: skip


def test_uses_in_chinese_need_no_spaces() -> None:
    text = "甲方应当向乙方支付价款，甲方负责运输。"
    assert [text[use.start_char : use.end_char] for use in TermIndex(["甲方", "乙方"]).uses(text)] == [
        "甲方",
        "乙方",
        "甲方",
    ]


def test_a_term_never_used_has_no_uses() -> None:
    text = "“Cost” means expenses.\n\n“Price” means money.\n\nThe Price covers all. Each Price is fair."
    assert {term.term: term.uses for term in with_uses(text, find_terms(text))} == {"Cost": 0, "Price": 2}


def test_what_is_used_like_a_term_and_not_defined_is_listed() -> None:
    text = (
        "“Buyer” means Acme. The Escrow Agent pays the Buyer. Any Escrow Agent may resign; the Escrow Agent says so. "
        "The Securities Act binds each Escrow Agent. Any Securities Act suit; the Securities Act; no Securities Act."
    )
    (escrow,) = undefined_terms(text, find_terms(text))
    assert (escrow.term, escrow.uses) == ("Escrow Agent", 4)
    assert text[escrow.start_char : escrow.end_char] == "Escrow Agent"


@given(st.text(alphabet='“”"‘’()*_ \n.;:,aAbB§1means the', max_size=400))
def test_any_text_gives_spans_inside_it(text: str) -> None:
    for term in find_terms(text):
        assert (
            0 <= term.definition_start_char <= term.start_char < term.end_char <= term.definition_end_char <= len(text)
        )
        assert term.term == " ".join(text[term.start_char : term.end_char].split())


@pytest.mark.parametrize(
    "piece", ["“a", '"A" means ', "(the “A”", "“A” or ", "((((", "\n \n", "* ** ", "‘A’ of ", "The A of A ", "  "]
)
def test_time_grows_with_length_only(piece: str) -> None:
    """A hostile text is read in seconds, whatever it repeats."""
    started = time.process_time()
    find_terms(piece * (100_000 // len(piece)))
    assert time.process_time() - started < 5
