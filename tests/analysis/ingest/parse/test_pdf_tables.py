"""Tables on a PDF page: each figure in its column, each header over its columns, and doubt where there is doubt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from reportlab.pdfgen.canvas import Canvas

from analysis.ingest.boxes import decode, rectangles
from analysis.ingest.parse import parse_file
from analysis.types import ParsedDocument, Span, TableCell
from tests.analysis.ingest import papers
from tests.analysis.ingest.parse.test_tables import rows

LABELS_X, RIGHTS = 72.0, (340.0, 420.0, 500.0, 580.0)
Place = tuple[str, float, float]


def parse(path: Path) -> ParsedDocument:
    return parse_file(path, name=path.name, password="", page_limit=5000, report=lambda *_: None)


def statement(*drawn: Callable[[Canvas], None]) -> Callable[[Canvas], None]:
    """A page with a paragraph, a statement of four columns, and a paragraph under it."""

    def draw(canvas: Canvas) -> None:
        canvas.drawString(LABELS_X, 770, "The following table shows net sales (in millions):")
        canvas.drawCentredString(360, 740, "Three Months Ended")
        canvas.drawCentredString(520, 740, "Nine Months Ended")
        for right, month in zip(RIGHTS, ("July 1,", "June 25,", "July 1,", "June 25,"), strict=True):
            canvas.drawCentredString(right - 22, 726, month)
            canvas.drawCentredString(right - 22, 713, "2023" if month == "July 1," else "2022")
        canvas.drawString(LABELS_X, 690, "Net sales:")
        amounts(canvas, 676, "Products", "60,584", "63,355", "230,901", "245,241", sign=True)
        amounts(canvas, 662, "Services", "21,213", "19,604", "62,886", "(58,941)")
        canvas.drawString(LABELS_X, 648, "Adjustments of earlier periods that were recognised in")
        amounts(canvas, 635, "other income", "7", "—", "12", "9")
        amounts(canvas, 614, "", "81,804", "82,959", "293,799", "186,309")
        canvas.drawString(
            LABELS_X, 570, "Services net sales increased because there were more subscriptions than before."
        )
        for one in drawn:
            one(canvas)

    return draw


def amounts(canvas: Canvas, y: float, label: str, *texts: str, sign: bool = False) -> None:
    """Draw figures that end where the digits of the others do: a closing bracket stands to the right of that."""
    canvas.drawString(LABELS_X, y, label)
    for right, text in zip(RIGHTS, texts, strict=False):
        canvas.drawRightString(right + 4 * text.endswith(")"), y, text)
        if sign:
            canvas.drawString(right - 60, y, "$")


STATEMENT = [
    "#1+1:Three Months Ended, #3+1:Nine Months Ended",
    "#1:July 1, 2023, #2:June 25, 2022, #3:July 1, 2023, #4:June 25, 2022",
    "0:Net sales:",
    "0:Products, 1:$60,584, 2:$63,355, 3:$230,901, 4:$245,241",
    "0:Services, 1:21,213, 2:19,604, 3:62,886, 4:(58,941)",
    "0:Adjustments of earlier periods that were recognised in other income, 1:7, 2:—, 3:12, 4:9",
    "1:81,804, 2:82,959, 3:293,799, 4:186,309",
]


def test_a_statement_has_its_figures_under_their_headers(tmp_path: Path) -> None:
    document = parse(papers.pdf(tmp_path / "a.pdf", statement()))
    (table,) = document.tables
    assert rows(document, table) == STATEMENT
    assert table.confidence == 1.0
    assert document.text.startswith("The following table shows net sales (in millions):\n\n | Three Months Ended | ")
    assert document.text.endswith("\n\nServices net sales increased because there were more subscriptions than before.")
    assert table.caption is not None
    assert document.text[slice(*table.caption)] == "The following table shows net sales (in millions):"


def test_a_cell_lies_on_its_ink(tmp_path: Path) -> None:
    path = papers.pdf(tmp_path / "a.pdf", papers.lines("First page."), statement())
    document = parse(path)
    cell = next(one for one in document.tables[0].cells if words(document, one) == "$63,355")
    page = document.pages[1]
    assert page.boxes is not None
    (rectangle,) = rectangles(page.boxes, page.start_char, Span(cell.start_char, cell.end_char))
    assert (rectangle.x0 * papers.WIDTH, rectangle.x1 * papers.WIDTH) == pytest.approx((360, 420), abs=1)
    assert papers.ink_inside(path, 2, (rectangle.x0, rectangle.y0, rectangle.x1, rectangle.y1))


def words(document: ParsedDocument, cell: TableCell) -> str:
    return document.text[cell.start_char : cell.end_char]


def test_no_character_is_lost_or_written_twice(tmp_path: Path) -> None:
    document = parse(papers.pdf(tmp_path / "a.pdf", statement()))
    page = document.pages[0]
    assert page.boxes is not None
    boxes = decode(page.boxes)
    seen = boxes[boxes[:, 2] > boxes[:, 0]]
    assert len(np.unique(seen.round(4), axis=0)) == len(seen)
    assert document.text.count("Services") == 2
    assert document.text.count("81,804") == 1


def test_a_header_over_several_columns_is_known_by_the_rule_under_it(tmp_path: Path) -> None:
    """Its middle is that of the second of three columns: only the rule says that it is over all three."""

    def draw(canvas: Canvas, ruled: bool) -> None:
        canvas.drawCentredString(398, 740, "June 30, 2023")
        for right, title in zip(RIGHTS, ("Operating", "Finance", "Total"), strict=False):
            canvas.drawCentredString(right - 22, 724, title)
            if ruled:
                canvas.line(right - 55, 736, right, 736)
        amounts(canvas, 700, "Gross liabilities", "81,273", "18,019", "99,292")
        amounts(canvas, 686, "Less: interest", "12,233", "12,236", "14,469")
        amounts(canvas, 672, "Present value", "69,040", "15,783", "84,823")

    document = parse(papers.pdf(tmp_path / "a.pdf", lambda c: draw(c, True), lambda c: draw(c, False)))
    ruled, bare = document.tables
    assert rows(document, ruled)[0] == "#1+2:June 30, 2023"
    assert rows(document, bare)[0].startswith("#2:June 30, 2023")


def test_wide_headers_over_narrow_figures_are_not_taken_for_labels(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawRightString(342, 730, "Number of Restricted Shares")
        canvas.drawRightString(500, 730, "Value Per Share")
        canvas.drawCentredString(300, 714, "(In millions, except per share data)")
        for y, label in ((700, "Granted"), (686, "Vested"), (672, "Canceled")):
            canvas.drawString(LABELS_X, y, label)
            canvas.drawRightString(340, y, "45")
            canvas.drawRightString(500, y, "$158.45")

    document = parse(papers.pdf(tmp_path / "a.pdf", draw))
    assert rows(document, document.tables[0])[:3] == [
        "#1:Number of Restricted Shares, #2:Value Per Share",
        "#0:(In millions, except per share data)",
        "0:Granted, 1:45, 2:$158.45",
    ]


def test_the_mark_of_a_footnote_is_no_figure(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        for y, label in ((700, "Online stores"), (686, "Physical stores"), (672, "Other")):
            amounts(canvas, y, label, "53,489", "57,267")
            canvas.setFont("Helvetica", 7)
            canvas.drawString(LABELS_X + canvas.stringWidth(label, "Helvetica", 11) + 2, y + 3, "(1)")
            canvas.setFont("Helvetica", 11)

    document = parse(papers.pdf(tmp_path / "a.pdf", draw))
    assert rows(document, document.tables[0]) == [
        "0:Online stores (1), 1:53,489, 2:57,267",
        "0:Physical stores (1), 1:53,489, 2:57,267",
        "0:Other (1), 1:53,489, 2:57,267",
    ]


def test_figures_that_stand_under_nothing_are_left_as_text(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        for number, y in enumerate(range(700, 600, -14)):
            canvas.drawString(LABELS_X, y, f"Place {number}")
            canvas.drawString(300 + 23 * (number % 5), y, "1,250.00 and more besides")
            canvas.drawString(480 - 31 * (number % 4), y, "7.5")

    assert parse(papers.pdf(tmp_path / "a.pdf", draw)).tables == []


def test_a_table_of_contents_is_none(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        for number, title in enumerate(("Definitions", "Term", "Fees", "Termination", "Notices")):
            canvas.drawString(LABELS_X, 700 - 14 * number, f"{number + 1}. {title}")
            canvas.drawRightString(520, 700 - 14 * number, str(2 * number + 1))

    document = parse(papers.pdf(tmp_path / "a.pdf", draw))
    assert document.tables == []
    assert "1. Definitions 1\n" in document.text


def test_prose_with_figures_is_none(tmp_path: Path) -> None:
    sentences = [f"The Tenant shall pay {n},000 dollars in year {n} and a further {n}00" for n in range(1, 12)]
    assert parse(papers.pdf(tmp_path / "a.pdf", papers.lines(*sentences))).tables == []
