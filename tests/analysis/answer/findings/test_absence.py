"""Questions that need everything read, and what is said when there is nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analysis.answer.findings import absent_sentence, exhaustive
from analysis.llm.catalogue import catalogue

LARGE = catalogue()["kimi-k2.6"]


@pytest.mark.parametrize(
    "question",
    [
        "List every payment obligation.",
        "List all the dates.",
        "Which are all the termination rights?",
        "Name each party's obligations.",
        "Find any mention of arbitration.",
        "Is there a non-compete clause?",
        "Are there any penalties for late delivery?",
        "Is there anything in this contract about “Audit Rights”?",
        "Does the contract contain a limitation of liability?",
        "Does this agreement mention insurance?",
        "Does it say anything about data protection?",
        "How many times may it be renewed?",
        "Show me every reference to Schedule 2.",
        "Is arbitration mentioned anywhere?",
        "Tell me whether there is a cap on liability.",
        "What clauses are missing?",
        "enumerate the exceptions",
        "Say if no exceptions are made to confidentiality.",
        "Give me a complete list of defined terms.",
        "Are there exceptions?",
    ],
)
def test_asks_for_everything(question: str) -> None:
    assert exhaustive(question)


@pytest.mark.parametrize(
    "question",
    [
        "Which law governs this agreement?",
        "When must invoices be paid?",
        "Who are the parties?",
        "How long does the agreement last?",
        "What happens on termination?",
        "What is the purchase price?",
        "Does the Supplier pay the taxes?",
        "What is the most fun thing to do in San Francisco?",
        "Explain section 4.2.",
        "Is the Customer allowed to assign the agreement?",
        "What is the listing price?",
        "Where is the licensee's principal place of business?",
        "What does the Customer pay each month?",
        "May the Supplier change prices every year?",
    ],
)
def test_asks_for_one_thing(question: str) -> None:
    assert not exhaustive(question)


def receipt(**changes: Any) -> dict[str, Any]:
    row = {"document_name": "Lease.pdf", "pages_unreadable": []}
    counts = {"characters_total": 52340, "characters_read": 52340, "pages_read_count": 18}
    parts = {"total": 14, "read": 12, "cached": 2, "failed": 0}
    return {"documents": [row], "complete": True, "not_read_in": [], "parts": parts, **counts, **changes}


def test_absence_says_how_much_was_read() -> None:
    assert absent_sentence(receipt(), LARGE) == (
        "There is nothing about this in “Lease.pdf”. 14 parts with 18 pages and 52,340 characters were read, "
        "which is all there is, and none of it was found to answer the question."
    )


def test_a_model_that_overlooks_things_claims_less() -> None:
    said = absent_sentence(receipt(), replace(LARGE, name="Tiny", sweep="nearest"))
    assert said.startswith("Nothing about this was found in “Lease.pdf”. 14 parts with 18 pages and ")
    assert said.endswith("Tiny is a small model that overlooks things.")


def test_absence_in_several_documents() -> None:
    rows = [{"document_name": name, "pages_unreadable": []} for name in ("A.pdf", "B.pdf")]
    said = absent_sentence(receipt(documents=rows), LARGE)
    assert said.startswith("There is nothing about this in these 2 documents. 14 parts with 18 pages and ")


def test_an_incomplete_receipt_claims_no_absence() -> None:
    row = {"document_name": "Lease.pdf", "pages_unreadable": [[3, 4]]}
    parts = {"total": 14, "read": 13, "cached": 0, "failed": 1}
    changes = {"documents": [row], "parts": parts, "characters_read": 48340}
    assert absent_sentence(receipt(complete=False, **changes), LARGE) == (
        "Nothing about this was found in what could be read of “Lease.pdf”. "
        "13 parts with 18 pages and 48,340 characters "
        "were read. It may be in what was not read: 4,000 characters, 2 unreadable pages, 1 part that failed."
    )


def test_documents_that_were_not_ready_are_counted() -> None:
    said = absent_sentence(receipt(complete=False, not_read_in=[{"document_id": "x"}]), LARGE)
    assert said.endswith("It may be in what was not read: 1 document that was not ready.")
