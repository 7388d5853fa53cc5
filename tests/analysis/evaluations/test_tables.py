"""Tables judged by their arithmetic: sums with values worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError
from reportlab.pdfgen.canvas import Canvas

from analysis.evaluations import tables
from tests.analysis.ingest import papers

ROWS = [("Rent", "1,000", "(20)"), ("Heat", "200", "5"), ("Total costs", "1,200", "(15)"), ("Total", "1,300", "(15)")]


def draw(canvas: Canvas) -> None:
    for right, header in ((400, "2023"), (500, "2022")):
        canvas.drawRightString(right, 720, header)
    for number, (label, *amounts) in enumerate(ROWS):
        canvas.drawString(72, 700 - 14 * number, label)
        for right, amount in zip((400, 500), amounts, strict=True):
            canvas.drawRightString(right, 700 - 14 * number, amount)


def test_totals_are_compared_with_what_stands_over_them(tmp_path: Path) -> None:
    papers.pdf(tmp_path / "report.pdf", draw)
    (trial,) = tables.run(tmp_path).trials
    # Of four totals one is no sum: 1,300. Total (15) is that of (20) and 5, two rows over it.
    assert trial.values == {"headed": 1.0, "confidence": 1.0, "sums": 0.75}
    assert (trial.returned, trial.failed) == ("Total: 1,300", True)
    assert trial.details == {"figures": 8, "totals": 4}


def test_a_folder_without_reports_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no PDF"):
        tables.run(tmp_path)


@pytest.mark.parametrize(
    ("figure", "amount"), [("$1,200", 1200.0), ("(3.5)", -3.5), ("—", 0.0), ("12 %", 12.0), ("N/A", None)]
)
def test_what_a_figure_amounts_to(figure: str, amount: float | None) -> None:
    assert tables.value(figure) == amount
