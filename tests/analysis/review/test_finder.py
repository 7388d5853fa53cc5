"""What the finder keeps of a contract: places, probabilities and values."""

from __future__ import annotations

from analysis.ingest.understand.identity import identity_of
from analysis.review.checklist import built_in
from analysis.review.finder import LEAST_KEPT, find
from analysis.review.sentences import sentences_in
from analysis.types import ClauseFinding
from tests.analysis.review.meanings import word_vectors
from tests.analysis.review.rows import ASSIGNMENT, CONTRACT, LAW, TERM


def found_in(text: str) -> dict[str, list[ClauseFinding]]:
    sentences = sentences_in(text, [], word_vectors)
    found: dict[str, list[ClauseFinding]] = {}
    for finding in find(built_in(), text, sentences, identity_of(text), meaning=word_vectors):
        found.setdefault(finding.clause, []).append(finding)
    return found


def quote(finding: ClauseFinding) -> str:
    return CONTRACT[finding.start_char : finding.end_char]


def test_clauses_are_found_with_their_values_in_place() -> None:
    found = found_in(CONTRACT)
    law, term, dated = found["governing-law"][0], found["expiration-date"][0], found["agreement-date"][0]
    assert LAW in quote(law)
    assert ASSIGNMENT in quote(found["anti-assignment"][0])
    assert TERM in quote(term)
    assert quote(dated) == "March 1, 2019"
    values = [finding.value for finding in (law, term, dated) if finding.value]
    assert [value.normal for value in values] == ["US-OR", "P3Y", "2019-03-01"]
    assert [CONTRACT[value.start_char : value.end_char] for value in values] == [
        "Oregon",
        "three (3) years",
        "March 1, 2019",
    ]


def test_title_and_parties_are_those_that_the_document_is_known_by() -> None:
    found = found_in(CONTRACT)
    assert [quote(finding) for finding in found["document-name"]] == ["SUPPLY AGREEMENT"]
    assert {quote(finding) for finding in found["parties"]} == {
        "Heron Tools, Inc.",
        "Supplier",
        "Plover Gardens LLC",
        "Buyer",
    }


def test_the_best_come_first_and_the_improbable_are_not_kept() -> None:
    for findings in found_in(CONTRACT).values():
        probabilities = [finding.probability for finding in findings]
        assert probabilities == sorted(probabilities, reverse=True)
        assert all(LEAST_KEPT <= probability <= 1 for probability in probabilities)


def test_what_is_not_there_is_not_found() -> None:
    found = found_in(CONTRACT)
    strong = {clause for clause, findings in found.items() if findings[0].probability >= 0.15}
    assert not strong & {"insurance", "liability-cap", "source-code-escrow", "liquidated-damages", "audit-rights"}


def test_an_empty_text_has_no_clauses() -> None:
    assert found_in("") == {}
