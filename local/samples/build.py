"""Sets the samples' PDF files from their text; run `python -m local.samples.build` after changing the text.

A block is a paragraph, a heading (`#`, `##`), an item (`-`), table rows (`|`) or a page break (`---`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER, TA_JUSTIFY
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table

from local.samples import NAMES

HERE = Path(__file__).parent
SOURCES = ("agreement.txt", "amendment.txt")
BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=11, leading=15, alignment=TA_JUSTIFY, spaceAfter=8)
ITEM = ParagraphStyle("item", BODY, leftIndent=0.35 * inch)
TITLE = ParagraphStyle(
    "title", BODY, fontName="Times-Bold", fontSize=15, leading=20, alignment=TA_CENTER, spaceAfter=18
)
HEADING = ParagraphStyle(
    "heading", BODY, fontName="Times-Bold", fontSize=12, alignment=TA_CENTER, spaceBefore=12, keepWithNext=1
)
CELL = ParagraphStyle("cell", BODY, fontSize=10, leading=13, alignment=0, spaceAfter=0)


class Sheet(SimpleDocTemplate):  # type: ignore[misc]  # reportlab has no types
    """A letter-size document whose headings are also the PDF's outline."""

    def afterFlowable(self, flowable: Flowable) -> None:  # reportlab calls it by this name
        if isinstance(flowable, Paragraph) and flowable.style.name == "heading":
            words = flowable.getPlainText()
            self.canv.bookmarkPage(words)
            self.canv.addOutlineEntry(words, words, level=0)


def block(text: str) -> list[Flowable]:
    """Return what one block of the source is set as."""
    if text == "---":
        return [PageBreak()]
    if text.startswith("|"):
        return [_table(text), Spacer(1, 10)]
    for mark, style in (("## ", HEADING), ("# ", TITLE), ("- ", ITEM)):
        if text.startswith(mark):
            return [Paragraph(_bold(text.removeprefix(mark)), style)]
    return [Paragraph(_bold(text), ITEM if re.match(r"\([a-z]\)", text) else BODY)]


def _bold(text: str) -> str:
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text.replace("&", "&amp;").replace("<", "&lt;"))


def _table(text: str) -> Table:
    rows = [[Paragraph(_bold(cell.strip()), CELL) for cell in line.strip("|").split("|")] for line in text.splitlines()]
    ruled = [("GRID", (0, 0), (-1, -1), 0.5, colors.grey), ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke)]
    signatures = "By:" in text
    return Table(
        rows, style=[] if signatures else ruled, colWidths=_widths(len(rows[0])), repeatRows=0 if signatures else 1
    )


def _widths(columns: int) -> list[float]:
    shares = {2: (0.6, 0.4), 4: (0.1, 0.45, 0.225, 0.225)}[columns]
    return [share * 6.5 * inch for share in shares]


def build(source: Path, target: Path) -> None:
    """Set `source` as the PDF `target`; the same text gives the same bytes."""
    text = source.read_text()
    title = text.splitlines()[0].removeprefix("# ").title()
    sheet = Sheet(
        str(target), pagesize=LETTER, leftMargin=inch, rightMargin=inch, topMargin=inch, bottomMargin=inch,
        title=title, author="Lectern sample", invariant=1,
    )  # fmt: skip

    def footer(canvas: Canvas, page: Any) -> None:
        canvas.setFont("Times-Roman", 9)
        canvas.drawCentredString(LETTER[0] / 2, 0.55 * inch, f"{title} \N{EN DASH} Page {page.page}")

    flow = [flowable for part in re.split(r"\n\s*\n", text.strip()) for flowable in block(part)]
    sheet.build(flow, onFirstPage=footer, onLaterPages=footer)


if __name__ == "__main__":
    for source, name in zip(SOURCES, NAMES, strict=True):
        build(HERE / source, HERE / name)
