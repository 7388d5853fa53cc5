"""Tables over the interface: listed with their captions, whole with spans, and as CSV."""

from __future__ import annotations

import pytest

from analysis.ingest import index
from analysis.models import DocumentVersion, Table
from analysis.types import ParsedDocument, ParsedPage, ParsedTable, Span, TableCell
from tests.api.conftest import Caller
from tests.conftest import Cast
from tests.rows import make_document

TEXT = "Fees in euros:\n\nItem | Price\nRent | 1,000\n\nThat is all."


def spans(*words: str) -> list[tuple[int, int]]:
    return [(TEXT.index(word), TEXT.index(word) + len(word)) for word in words]


def parsed() -> ParsedDocument:
    cells = [
        TableCell(row, column, 1, 1, *span, header=row == 0)
        for (row, column), span in zip(
            ((0, 0), (0, 1), (1, 0), (1, 1)), spans("Item", "Price", "Rent", "1,000"), strict=True
        )
    ]
    table = ParsedTable(16, TEXT.index("\n\nThat"), 2, 2, tuple(cells), Span(0, 14), 0.95)
    cell = TableCell(0, 0, 1, 1, *spans("That is all.")[0])
    bare = ParsedTable(TEXT.index("That"), len(TEXT), 1, 1, (cell,), headers=("Remarks",))
    pages = [ParsedPage(1, 0, 16), ParsedPage(2, 16, len(TEXT))]
    return ParsedDocument("docx", TEXT, pages, [], tables=[table, bare])


@pytest.fixture
def version(cast: Cast) -> DocumentVersion:
    version = make_document(cast, text=TEXT)
    DocumentVersion.objects.update(characters=len(TEXT))
    index.write_parsed(version, parsed())
    return version


def test_what_is_stored_is_what_was_parsed(version: DocumentVersion) -> None:
    assert [row.parsed for row in version.tables.all()] == parsed().tables
    index.write_parsed(version, parsed())
    assert Table.objects.count() == 2
    version.document.delete()
    assert Table.objects.count() == 0


def test_tables_are_listed_with_their_captions(viewer: Caller, version: DocumentVersion) -> None:
    reply = viewer.get(f"/documents/{version.document_id}/tables").json()
    assert reply["count"] == 2
    assert reply["items"][0] == {
        "number": 1,
        "page_number": 2,
        "start_char": 16,
        "end_char": 41,
        "rows": 2,
        "columns": 2,
        "caption": "Fees in euros:",
        "confidence": 0.95,
    }
    assert reply["items"][1]["caption"] == ""


def test_a_cells_words_are_its_span_of_the_text(viewer: Caller, version: DocumentVersion) -> None:
    cells = viewer.get(f"/documents/{version.document_id}/tables/1").json()["cells"]
    assert [cell["text"] for cell in cells] == ["Item", "Price", "Rent", "1,000"]
    assert all(TEXT[cell["start_char"] : cell["end_char"]] == cell["text"] for cell in cells)
    assert [cell["header"] for cell in cells] == [True, True, False, False]


def test_headers_of_the_page_before_are_given_with_a_table(viewer: Caller, version: DocumentVersion) -> None:
    given = [viewer.get(f"/documents/{version.document_id}/tables/{number}").json()["headers"] for number in (1, 2)]
    assert given == [[], ["Remarks"]]


def test_a_table_as_csv(viewer: Caller, version: DocumentVersion) -> None:
    response = viewer.get(f"/documents/{version.document_id}/tables/1.csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response.content == b'Item,Price\r\nRent,"1,000"\r\n'


@pytest.mark.parametrize("number", ["0", "3", "99999999999"])
def test_there_is_no_other_table(viewer: Caller, version: DocumentVersion, number: str) -> None:
    assert viewer.get(f"/documents/{version.document_id}/tables/{number}").status_code == 404
