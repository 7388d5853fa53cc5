"""Tables of formats that state their rows and columns: cells in their places, as spans of the text."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from docx import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from analysis.ingest.parse import parse_file
from analysis.ingest.parse.handover import read_document, write_document
from analysis.types import ParsedDocument, ParsedTable, TableCell


def parse(path: Path) -> ParsedDocument:
    return parse_file(path, name=path.name, password="", page_limit=5000, report=lambda *_: None)


def parse_text(text: str, tmp_path: Path, name: str) -> ParsedDocument:
    path = tmp_path / name
    path.write_text(text)
    return parse(path)


def rows(document: ParsedDocument, table: ParsedTable) -> list[str]:
    """Each row as "column:words" of its cells; "#" marks a header, "+2" a cell that reaches over more columns."""
    by_row = ([cell for cell in table.cells if cell.row == row] for row in range(table.row_count))
    return [", ".join(written(document, cell) for cell in cells) for cells in by_row]


def written(document: ParsedDocument, cell: TableCell) -> str:
    across = f"+{cell.column_span - 1}" if cell.column_span > 1 else ""
    down = f"v{cell.row_span - 1}" if cell.row_span > 1 else ""
    return f"{'#' * cell.header}{cell.column}{across}{down}:{document.text[cell.start_char : cell.end_char]}"


def word_table(tmp_path: Path, *table_rows: str) -> ParsedDocument:
    document = Document()
    document.add_paragraph("Fees (in euros)")
    xml = f"<w:tbl {nsdecls('w')}><w:tblPr/><w:tblGrid/>{''.join(f'<w:tr>{row}</w:tr>' for row in table_rows)}</w:tbl>"
    document.element.body.insert(len(document.element.body) - 1, parse_xml(xml))
    document.add_paragraph("After it.")
    document.save(str(tmp_path / "a.docx"))
    return parse(tmp_path / "a.docx")


def cell(text: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"


ACROSS, DOWN, GOES_ON = '<w:gridSpan w:val="2"/>', '<w:vMerge w:val="restart"/>', "<w:vMerge/>"


def test_word_cells_have_their_places_where_some_are_merged(tmp_path: Path) -> None:
    document = word_table(
        tmp_path,
        cell("Service", DOWN) + cell("Fee", ACROSS),
        cell("", GOES_ON) + cell("Year 1") + cell("Year 2"),
        cell("Support") + cell("100") + cell(""),
    )
    assert document.text == "Fees (in euros)\n\nService | Fee\n | Year 1 | Year 2\nSupport | 100\n\nAfter it."
    (table,) = document.tables
    assert rows(document, table) == [
        "#0v1:Service, #1+1:Fee",
        "#1:Year 1, #2:Year 2",
        "0:Support, 1:100",
    ]
    assert (table.row_count, table.column_count, table.confidence) == (3, 3, 1.0)
    assert document.text[table.start_char : table.end_char].endswith("Support | 100")
    assert table.caption is not None
    assert document.text[slice(*table.caption)] == "Fees (in euros)"


def test_word_rows_that_are_marked_as_repeated_are_headers(tmp_path: Path) -> None:
    marked = "<w:trPr><w:tblHeader/></w:trPr>"
    document = word_table(tmp_path, marked + cell("Name") + cell("Role"), cell("Ada") + cell("Supplier"))
    assert rows(document, document.tables[0]) == ["#0:Name, #1:Role", "0:Ada, 1:Supplier"]


def test_names_and_values_have_no_header(tmp_path: Path) -> None:
    document = word_table(tmp_path, cell("Customer") + cell("Acme"), cell("Term") + cell("Two years"))
    assert rows(document, document.tables[0]) == ["0:Customer, 1:Acme", "0:Term, 1:Two years"]


def test_a_first_row_without_a_label_names_the_columns(tmp_path: Path) -> None:
    document = word_table(tmp_path, cell("") + cell("PROVIDER") + cell("CUSTOMER"), cell("Title") + cell("") + cell(""))
    assert rows(document, document.tables[0]) == ["#1:PROVIDER, #2:CUSTOMER", "0:Title"]


def test_a_table_goes_over_to_the_parent_whole(tmp_path: Path) -> None:
    document = word_table(tmp_path, cell("Item") + cell("Price"), cell("Rent") + cell("100"))
    write_document(document, tmp_path)
    assert read_document(tmp_path) == document


FILING = """<p>Net sales by category, in millions:</p><table>
<tr><td></td><td></td><td colspan="7">Three Months Ended</td></tr>
<tr><td></td><td></td><td colspan="3">July 1, 2023</td><td></td><td colspan="3">June 25, 2022</td></tr>
<tr><td>Products</td><td></td><td>$</td><td>60,584</td><td></td><td></td><td>$</td><td>63,355</td><td></td></tr>
<tr><td>Change</td><td></td><td></td><td>(4</td><td>)%</td><td></td><td></td><td>2</td><td>%</td></tr>
</table>"""


def test_columns_for_looks_are_no_columns(tmp_path: Path) -> None:
    """Filings set the currency sign, the closing bracket and the blank between two figures in columns of their own."""
    document = parse_text(FILING, tmp_path, "a.html")
    (table,) = document.tables
    assert rows(document, table) == [
        "#1+1:Three Months Ended",
        "#1:July 1, 2023, #2:June 25, 2022",
        "0:Products, 1:$60,584, 2:$63,355",
        "0:Change, 1:(4)%, 2:2%",
    ]
    assert document.text.endswith(
        "millions:\n\n | Three Months Ended\n | July 1, 2023 | June 25, 2022\n"
        "Products | $60,584 | $63,355\nChange | (4)% | 2%"
    )


@pytest.mark.parametrize("span", ["99999999999", "-3", "x", "0"])
def test_a_span_that_cannot_be_is_one_column(tmp_path: Path, span: str) -> None:
    html = f"<table><tr><td colspan='{span}'>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>"
    document = parse_text(html, tmp_path, "a.html")
    assert [cell.column for cell in document.tables[0].cells] == [0, 1, 0, 1]


def test_markdown_tables_are_spans_of_the_file_itself(tmp_path: Path) -> None:
    source = "# Fees\n\nPer year:\n\n| Item | Price \\| net |\n|:--|--:|\n| Rent | 100 |\n| Heat |  |\n\nNo | table\n"
    document = parse_text(source, tmp_path, "a.md")
    assert document.text == source
    (table,) = document.tables
    assert rows(document, table) == ["#0:Item, #1:Price \\| net", "0:Rent, 1:100", "0:Heat"]
    assert document.text[table.start_char : table.end_char].startswith("| Item")
    assert document.text[table.end_char - 11 : table.end_char] == "| Heat |  |"
    assert table.caption is not None
    assert document.text[slice(*table.caption)] == "Per year:"


def test_code_blocks_of_markdown_have_no_tables(tmp_path: Path) -> None:
    source = "```\na | b\n--|--\n1 | 2\n```\n"
    assert parse_text(source, tmp_path, "a.md").tables == []


def test_opendocument_cells_may_be_repeated_and_covered(tmp_path: Path) -> None:
    body = (
        "<table:table><table:table-header-rows><table:table-row>"
        "<table:table-cell><text:p>Item</text:p></table:table-cell>"
        '<table:table-cell table:number-columns-spanned="2"><text:p>Price</text:p></table:table-cell>'
        "<table:covered-table-cell/></table:table-row></table:table-header-rows><table:table-row>"
        '<table:table-cell><text:p>Rent</text:p></table:table-cell><table:table-cell table:number-columns-repeated="2">'
        "<text:p>100</text:p></table:table-cell></table:table-row></table:table>"
    )
    namespaces = " ".join(f'xmlns:{name}="urn:{name}"' for name in ("office", "table", "text"))
    path = tmp_path / "a.odt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr(
            "content.xml",
            f"<office:document-content {namespaces}><office:body><office:text>{body}</office:text></office:body>"
            "</office:document-content>",
        )
    document = parse(path)
    assert rows(document, document.tables[0]) == ["#0:Item, #1+1:Price", "0:Rent, 1:100, 2:100"]


def test_rtf_rows_are_a_table(tmp_path: Path) -> None:
    row = r"\trowd\cellx1000\cellx2000 {a}\cell {b}\cell\row "
    document = parse_text(
        r"{\rtf1\ansi\ansicpg1252 Before\par " + row.format(a="Item", b="Price") + "}", tmp_path, "a.rtf"
    )
    assert [document.text[c.start_char : c.end_char] for c in document.tables[0].cells] == ["Item", "Price"]
