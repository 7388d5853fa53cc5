"""What a table says: headers over a cell, labels and groups of rows, and the grid as CSV."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from analysis.ingest.parse import parse_file
from analysis.tables import TableText, as_csv

FILING = """<p>Net sales (in millions):</p><table>
<tr><td></td><td colspan="2">Three Months Ended</td><td></td></tr>
<tr><td></td><td>July 1, 2023</td><td>June 25, 2022</td><td>Change</td></tr>
<tr><td>Net sales:</td></tr>
<tr><td>Products</td><td>$60,584</td><td>$63,355</td><td>(4)%</td></tr>
<tr><td>Services</td><td>21,213</td><td>19,604</td><td>8 %</td></tr>
<tr><td>Cost of sales:</td></tr>
<tr><td>Products</td><td>39,136</td><td>=SUM(A1)</td><td>-6%</td></tr>
<tr><td></td><td>Year 2023</td><td>Year 2022</td><td></td></tr>
<tr><td>Headcount</td><td>1,234</td><td>1,200</td><td>-x</td></tr></table><p>After.</p>"""


def read(tmp_path: Path, html: str = FILING) -> TableText:
    path = tmp_path / "a.html"
    path.write_text(html)
    document = parse_file(path, name="a.html", password="", page_limit=10, report=lambda *_: None)
    return TableText(document.tables[0], document.text)


def test_headers_are_those_of_all_levels(tmp_path: Path) -> None:
    table = read(tmp_path)
    assert table.caption == "Net sales (in millions):"
    assert table.headers(3) == ["", "Three Months Ended July 1, 2023", "Three Months Ended June 25, 2022", "Change"]
    assert [table.is_header(row) for row in range(4)] == [True, True, False, False]


def test_rows_have_labels_and_belong_to_groups(tmp_path: Path) -> None:
    table = read(tmp_path)
    assert [(table.group(row), table.label(row)) for row in (3, 4, 5, 6)] == [
        ("Net sales:", "Products"),
        ("Net sales:", "Services"),
        ("", "Cost of sales:"),
        ("Cost of sales:", "Products"),
    ]


def test_row_spans_cover_the_table(tmp_path: Path) -> None:
    table = read(tmp_path)
    spans = table.row_spans
    assert (spans[0].start_char, spans[-1].end_char) == (table.table.start_char, table.table.end_char)
    assert all(before.end_char == after.start_char for before, after in pairwise(spans))
    assert table.words(spans[4]) == "Services | 21,213 | 19,604 | 8 %"


def test_csv_has_every_position_and_no_formula(tmp_path: Path) -> None:
    lines = as_csv(read(tmp_path)).splitlines()
    assert lines[1] == ',"July 1, 2023","June 25, 2022",Change'
    assert lines[3] == 'Products,"$60,584","$63,355",(4)%'
    assert lines[6] == 'Products,"39,136",\'=SUM(A1),-6%'
    assert lines[8].endswith(",'-x")
