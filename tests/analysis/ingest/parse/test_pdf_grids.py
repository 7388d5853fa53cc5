"""Tables of words on a PDF page: cells are what drawn lines close, and what they do not close stays text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import SimpleDocTemplate, Table

from analysis.ingest.boxes import decode, rectangles
from analysis.ingest.chunk import chunk
from analysis.ingest.embed import passage_tokenizer
from analysis.tables import TableText
from analysis.types import ParsedDocument, Span
from tests.analysis.ingest import papers
from tests.analysis.ingest.parse.test_pdf_tables import RIGHTS, amounts, parse, words
from tests.analysis.ingest.parse.test_tables import rows

LEFT, TOP, HEIGHT = 72.0, 700.0, 44.0
EDGES = (72.0, 180.0, 330.0, 520.0)
Lines = Callable[[Canvas, float, float, float, float], None]

LEVELS = [
    ["Severity", "Response time", "Service credit"],
    ["Critical", "Fifteen minutes,/at any hour", "Ten percent of the/monthly fee"],
    ["Minor", "One business day", "None"],
]
READ = [
    "#0:Severity, #1:Response time, #2:Service credit",
    "0:Critical, 1:Fifteen minutes, at any hour, 2:Ten percent of the monthly fee",
    "0:Minor, 1:One business day, 2:None",
]


def stroked(canvas: Canvas, x0: float, y0: float, x1: float, y1: float) -> None:
    canvas.line(x0, y0, x1, y1)


def filled(canvas: Canvas, x0: float, y0: float, x1: float, y1: float) -> None:
    """As word processors draw a border: a thin area, which ends half a point before the next one."""
    canvas.rect(x0, y0, max(0.5, x1 - x0 - 0.5), max(0.5, y1 - y0 - 0.5), stroke=0, fill=1)


def fill(canvas: Canvas, texts: Sequence[Sequence[str]], edges: Sequence[float] = EDGES) -> None:
    """Write the words of cells; "/" starts another line in one."""
    for number, row in enumerate(texts):
        for x, text in zip(edges, row, strict=False):
            for line, part in enumerate(text.split("/")):
                canvas.drawString(x + 5, TOP - HEIGHT * number - 15 - 13 * line, part)


def frame(canvas: Canvas, line: Lines, row_count: int = 3, edges: Sequence[float] = EDGES) -> None:
    for number in range(row_count + 1):
        for x0, x1 in pairwise(edges):
            line(canvas, x0, TOP - HEIGHT * number, x1, TOP - HEIGHT * number)
    for x in edges:
        for number in range(row_count):
            line(canvas, x, TOP - HEIGHT * (number + 1), x, TOP - HEIGHT * number)


def schedule(line: Lines = stroked, texts: Sequence[Sequence[str]] = LEVELS) -> Callable[[Canvas], None]:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(LEFT, 730, "The Supplier shall keep these service levels:")
        frame(canvas, line, len(texts))
        fill(canvas, texts)
        canvas.drawString(LEFT, TOP - HEIGHT * len(texts) - 30, "Credits are set off against the next invoice.")

    return draw


def one_path(canvas: Canvas) -> None:
    """All the lines of a table drawn at once, on axes of its own."""
    canvas.saveState()
    canvas.transform(2, 0, 0, 2, 0, 0)
    path = canvas.beginPath()
    for y in (TOP, TOP - HEIGHT, TOP - 2 * HEIGHT, TOP - 3 * HEIGHT):
        path.moveTo(EDGES[0] / 2, y / 2)
        path.lineTo(EDGES[-1] / 2, y / 2)
    for x in EDGES[1:-1]:
        path.moveTo(x / 2, TOP / 2)
        path.lineTo(x / 2, (TOP - 3 * HEIGHT) / 2)
    path.rect(EDGES[0] / 2, (TOP - 3 * HEIGHT) / 2, (EDGES[-1] - EDGES[0]) / 2, 3 * HEIGHT / 2)
    canvas.drawPath(path, stroke=1, fill=0)
    canvas.restoreState()
    fill(canvas, LEVELS)


def drawn(tmp_path: Path, *pages: Callable[[Canvas], None]) -> ParsedDocument:
    return parse(papers.pdf(tmp_path / "a.pdf", *pages))


@pytest.mark.parametrize("line", [stroked, filled])
def test_cells_are_what_lines_close(tmp_path: Path, line: Lines) -> None:
    document = drawn(tmp_path, schedule(line))
    (table,) = document.tables
    assert rows(document, table) == READ
    assert table.confidence == 1.0
    assert table.caption is not None
    assert document.text[slice(*table.caption)] == "The Supplier shall keep these service levels:"
    assert document.text == (
        "The Supplier shall keep these service levels:\n\n"
        "Severity | Response time | Service credit\n"
        "Critical | Fifteen minutes, at any hour | Ten percent of the monthly fee\n"
        "Minor | One business day | None\n\n"
        "Credits are set off against the next invoice."
    )


def test_lines_may_all_be_one_path(tmp_path: Path) -> None:
    document = drawn(tmp_path, one_path)
    assert rows(document, document.tables[0]) == READ


def test_lines_are_turned_with_the_page(tmp_path: Path) -> None:
    """The page is drawn sideways, and shown upright or not."""

    def sideways(canvas: Canvas) -> None:
        canvas.translate(595, 0)
        canvas.rotate(90)
        canvas.scale(0.7, 0.7)
        schedule()(canvas)

    path = papers.pdf(tmp_path / "sideways.pdf", sideways)
    upright = papers.edited(path, tmp_path / "upright.pdf", lambda writer: writer.pages[0].rotate(90))
    for one in (path, upright):
        document = parse(one)
        assert rows(document, document.tables[0]) == READ


def test_merged_cells_reach_over_rows_and_columns(tmp_path: Path) -> None:
    data = [
        ["Notices", "Where to", ""],
        ["", "Address", "Electronic mail"],
        ["Supplier", "1 Main Street", "legal@supplier.example"],
        ["Customer", "9 Side Road", "notices@customer.example"],
    ]
    spans = [("GRID", (0, 0), (-1, -1), 0.5, "black"), ("SPAN", (0, 0), (0, 1)), ("SPAN", (1, 0), (2, 0))]
    SimpleDocTemplate(str(tmp_path / "a.pdf"), pagesize=A4).build([Table(data, style=spans)])
    document = parse(tmp_path / "a.pdf")
    assert rows(document, document.tables[0]) == [
        "#0v1:Notices, #1+1:Where to",
        "#1:Address, #2:Electronic mail",
        "0:Supplier, 1:1 Main Street, 2:legal@supplier.example",
        "0:Customer, 1:9 Side Road, 2:notices@customer.example",
    ]


def test_a_cover_has_names_and_values(tmp_path: Path) -> None:
    cover = [["Customer", "Acme Ltd./1 Main Street"], ["Term", "Two years from the/Effective Date"]]

    def draw(canvas: Canvas) -> None:
        frame(canvas, stroked, 2, EDGES[:3])
        fill(canvas, cover)

    document = drawn(tmp_path, draw)
    assert rows(document, document.tables[0]) == [
        "0:Customer, 1:Acme Ltd. 1 Main Street",
        "0:Term, 1:Two years from the Effective Date",
    ]


def test_a_ruled_cell_lies_on_its_ink_and_no_character_is_lost(tmp_path: Path) -> None:
    document = drawn(tmp_path, schedule())
    cell = next(one for one in document.tables[0].cells if words(document, one) == "One business day")
    page = document.pages[0]
    assert page.boxes is not None
    (rectangle,) = rectangles(page.boxes, page.start_char, Span(cell.start_char, cell.end_char))
    assert rectangle.x0 * papers.WIDTH == pytest.approx(EDGES[1] + 5, abs=1)
    assert papers.ink_inside(tmp_path / "a.pdf", 1, (rectangle.x0, rectangle.y0, rectangle.x1, rectangle.y1))
    boxes = decode(page.boxes)
    seen = boxes[boxes[:, 2] > boxes[:, 0]]
    assert len(np.unique(seen.round(4), axis=0)) == len(seen)


def test_open_cells_stay_text(tmp_path: Path) -> None:
    """The wall between two cells with words ends halfway, or the last column has none on its right."""

    def halfway(canvas: Canvas, x0: float, y0: float, x1: float, y1: float) -> None:
        short = x0 == x1 == EDGES[1] and y1 == TOP
        canvas.line(x0, y0 + 22 * short, x1, y1)

    def no_right(canvas: Canvas, x0: float, y0: float, x1: float, y1: float) -> None:
        if x0 != EDGES[-1]:
            canvas.line(x0, y0, x1, y1)

    for line in (halfway, no_right):
        document = drawn(tmp_path, schedule(line))
        assert document.tables == []
        assert "Minor One business day None" in document.text


def test_words_over_a_line_stay_text(tmp_path: Path) -> None:
    texts = [*LEVELS[:2], ["Minor", "One business day, or two on islands", "None"]]
    document = drawn(tmp_path, schedule(stroked, texts))
    assert document.tables == []
    assert "Minor One business day, or two on islands" in document.text


def test_boxes_and_signatures_are_no_tables(tmp_path: Path) -> None:
    def boxes(canvas: Canvas) -> None:
        canvas.rect(60, 640, 480, 100)
        canvas.drawString(72, 720, "IMPORTANT: This box says what the reader must know.")
        canvas.drawString(72, 700, "It goes on in a second line.")
        for number in range(3):
            canvas.rect(60, 520 - 30 * number, 480, 30)
            canvas.drawString(72, 530 - 30 * number, f"Paragraph {number} in a box of its own")

    signed = [["Supplier", "Customer"], ["By: ____________", "By: ____________"], ["Name: Ann", "Name: Bob"]]

    def signatures(canvas: Canvas) -> None:
        frame(canvas, stroked, 3, EDGES[:3])
        fill(canvas, signed)

    document = drawn(tmp_path, boxes, signatures)
    assert document.tables == []
    assert "Supplier Customer\n" in document.text


def test_a_ruled_table_stands_between_columns_of_prose(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        schedule()(canvas)
        for number in range(8):
            for x, side in ((72, "left"), (330, "right")):
                canvas.drawString(x, 500 - 14 * number, f"Line {number} of the {side} column goes on")

    document = drawn(tmp_path, draw)
    assert rows(document, document.tables[0]) == READ
    assert document.text.index("Line 7 of the left") < document.text.index("Line 0 of the right")


def part(texts: Sequence[Sequence[str]], *above: str, foot: str = "") -> Callable[[Canvas], None]:
    """A page with a running head, other lines, a ruled table, and a foot."""

    def draw(canvas: Canvas) -> None:
        for number, text in enumerate(("Master Services Agreement", *above)):
            canvas.drawString(LEFT, 770 - 20 * number, text)
        frame(canvas, stroked, len(texts))
        fill(canvas, texts)
        canvas.drawString(300, 40, foot)

    return draw


MORE = [["Low", "One week", "None"], ["Lowest", "Two weeks", "None"], ["Other", "As agreed", "As agreed"]]


def test_a_table_goes_on_under_the_headers_of_the_page_before(tmp_path: Path) -> None:
    """The first row of the second part looks like headers, and the third page goes on from the second."""
    pages = (part(LEVELS, "Service levels:", foot="Page 1"), part(MORE, foot="Page 2"), part(MORE[:2], foot="Page 3"))
    document = drawn(tmp_path, *pages)
    first, second, third = document.tables
    assert rows(document, second) == [
        "0:Low, 1:One week, 2:None",
        "0:Lowest, 1:Two weeks, 2:None",
        "0:Other, 1:As agreed, 2:As agreed",
    ]
    assert first.headers == ()
    assert second.headers == third.headers == ("Severity", "Response time", "Service credit")
    assert second.caption == third.caption == first.caption
    assert TableText(third, document.text).headers(1) == ["Severity", "Response time", "Service credit"]
    pieces = chunk(document.text, document.headings, passage_tokenizer(), document.tables)
    (path,) = [piece.heading_path for piece in pieces if piece.start_char == third.start_char]
    assert path.endswith("Service levels > Severity | Response time | Service credit")


def test_headers_that_are_written_again_are_the_parts_own(tmp_path: Path) -> None:
    document = drawn(tmp_path, part(LEVELS, foot="1"), part([LEVELS[0], *MORE], foot="2"))
    assert document.tables[1].headers == ()
    assert rows(document, document.tables[1])[0] == READ[0]


def test_another_table_on_the_next_page_has_no_headers_of_the_one_before(tmp_path: Path) -> None:
    """It has a title of its own, or a paragraph ends the page before."""
    titled = drawn(tmp_path, part(LEVELS), part(MORE[:2], "Contacts of the Customer"))
    assert titled.tables[1].headers == ()
    ended = drawn(tmp_path, part(LEVELS, foot="Credits are paid."), part(MORE[:2], foot="2"))
    assert ended.tables[1].headers == ()


def test_figures_go_on_under_their_headers(tmp_path: Path) -> None:
    def below(canvas: Canvas) -> None:
        for y, label in ((770, "Taxes"), (756, "Interest")):
            amounts(canvas, y, label, "1,234", "2,345", "3,456", "4,567")

    def above(canvas: Canvas) -> None:
        for right, month in zip(RIGHTS, ("July", "June", "May", "April"), strict=True):
            canvas.drawCentredString(right - 22, 740, month)
        for y, label in ((720, "Products"), (706, "Services")):
            amounts(canvas, y, label, "60,584", "63,355", "30,901", "45,241")

    document = drawn(tmp_path, above, below)
    assert document.tables[1].headers == ("", "July", "June", "May", "April")
