"""What passages lean on: definitions and sections, the telling ones first, within a budget."""

from __future__ import annotations

from analysis.answer.leaning import definitions_for
from analysis.ingest.index import write_understanding
from analysis.ingest.understand import understand
from analysis.models import DocumentVersion
from analysis.types import Source
from tests.conftest import Cast
from tests.rows import make_document

TEXT = """\
1. Definitions

“Change of Control” means a sale of more than half of the shares of a party to another person.

“Fee” has the meaning set forth in Section 3.1.

“Supplier” means Acme Limited, a company that is registered in Scotland.

2. Ending

2.1 The Supplier may end this agreement on a Change of Control, subject to Section 3.2.

2.2 The Supplier may not raise the Fee.

3. Money

3.1 The Buyer shall pay ten pounds a month (the “Fee”), in advance.

3.2 What has been paid before the end is not paid back, whoever ends the agreement.
"""


def understood(cast: Cast) -> DocumentVersion:
    version = make_document(cast, text=TEXT)
    write_understanding(version, understand(TEXT))
    return version


def passage(version: DocumentVersion, words: str) -> Source:
    start = TEXT.index(words)
    end = TEXT.index("\n", start)
    return Source(str(version.document_id), "lease.pdf", version.pk, start, end, TEXT[start:end])


def leaned_on(version: DocumentVersion, question: str, *words: str, limit: int = 1000) -> list[str]:
    found = definitions_for(question, [passage(version, each) for each in words], limit=limit, size=len)
    for source, _ in found:
        assert TEXT[source.start_char : source.end_char] == source.text
    return [f"{place}: {source.text.split(chr(10))[0]}" for source, place in found]


def test_definitions_and_sections_that_a_passage_leans_on(cast: Cast) -> None:
    assert leaned_on(understood(cast), "Who may end it?", "2.1 The Supplier") == [
        "definition of Change of Control: "
        "“Change of Control” means a sale of more than half of the shares of a party to another person.",
        "definition of Supplier: “Supplier” means Acme Limited, a company that is registered in Scotland.",
        "Section 3.2: 3.2 What has been paid before the end is not paid back, whoever ends the agreement.",
    ]


def test_what_the_question_asks_comes_first(cast: Cast) -> None:
    found = leaned_on(understood(cast), "Who is the Supplier?", "2.1 The Supplier")
    assert found[0].startswith("definition of Supplier")


def test_a_pointer_leads_to_the_definition_itself(cast: Cast) -> None:
    found = leaned_on(understood(cast), "How high is the Fee?", "2.2 The Supplier")
    assert found[0] == "definition of Fee: 3.1 The Buyer shall pay ten pounds a month (the “Fee”)"


def test_what_the_passages_hold_is_not_added(cast: Cast) -> None:
    found = leaned_on(understood(cast), "?", "2.1 The Supplier", "“Change of Control”", "3.2 What")
    assert found == ["definition of Supplier: “Supplier” means Acme Limited, a company that is registered in Scotland."]


def test_nothing_is_past_the_budget(cast: Cast) -> None:
    version = understood(cast)
    found = definitions_for("?", [passage(version, "2.1 The Supplier")], limit=100, size=len)
    assert sum(len(source.text) for source, _ in found) <= 100
    assert definitions_for("?", [passage(version, "2.1 The Supplier")], limit=0, size=len) == []


def test_a_document_that_was_not_understood_leans_on_nothing(cast: Cast) -> None:
    version = make_document(cast, text=TEXT)
    assert leaned_on(version, "Who is the Supplier?", "2.1 The Supplier") == []
