"""Tables of PDF files, judged by their arithmetic: is a total the sum of what stands over it, has a figure a header?

Reads every PDF in a folder and below; no labels are needed, so that it runs on anybody's reports. A figure that was
put under the wrong column breaks the sums of two columns, and one that was overlooked breaks one. A total that is
worked out otherwise than by adding up rows counts as broken too: the figure is a lower bound.
"""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from analysis.errors import UserError
from analysis.evaluations.trials import Measure, Outcome, Trial
from analysis.ingest import sandbox
from analysis.ingest.parse.grid import is_figure
from analysis.tables import TableText
from analysis.types import ParsedDocument, TableCell

MEASURES = (
    Measure("sums", "totals that are sums, by table", headline=True),
    Measure("headed", "figures with a header, by table", headline=True),
    Measure("confidence", "confidence, by table"),
)
# Of so many rows over a total some may be the subtotals that it adds up, so many at most.
_NEAR_ROWS = 8
_MOST_SUBTOTALS = 6
_ROUNDING = 1.01
_TOTAL = re.compile(r"total\b", re.IGNORECASE)


def add_arguments(parser: ArgumentParser) -> None:
    """Tables are judged as they are: there is nothing to choose."""


def run(folder: Path, *, limit: int = 0, llm: str = "", **_: Any) -> Outcome:
    """Return a trial for each table of the PDF files in `folder`."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".pdf")
    if not paths:
        raise CommandError(f"There are no PDF files in {folder}.")
    outcome = Outcome(MEASURES)
    for path in tqdm(paths, desc="documents", unit="document"):
        try:
            document = sandbox.parse(path, name=path.name, password="", on_progress=lambda *_: None)
        except UserError as error:
            outcome.notes.append(f"{path.name}: {error.message}")
            continue
        outcome.trials += trials(document, str(path.relative_to(folder)))
    outcome.trials = outcome.trials[: limit or None]
    return outcome


def trials(document: ParsedDocument, name: str) -> Iterator[Trial]:
    """Yield a trial for each table that holds figures."""
    for number, parsed in enumerate(document.tables, 1):
        table = TableText(parsed, document.text)
        figures = [cell for cell in parsed.cells if not cell.header and cell.column and is_figure(table.words(cell))]
        if not figures:
            continue
        headed = [bool(table.headers(cell.row)[cell.column]) for cell in figures]
        totals = {cell: _is_sum(table, cell, figures) for cell in figures if _TOTAL.match(table.label(cell.row))}
        broken = [cell for cell, adds_up in totals.items() if not adds_up]
        values = {"headed": sum(headed) / len(headed), "confidence": parsed.confidence}
        if totals:
            values["sums"] = 1 - len(broken) / len(totals)
        yield Trial(
            f"{name} {number}",
            values,
            document=name,
            question=table.caption,
            returned="; ".join(f"{table.label(cell.row)}: {table.words(cell)}" for cell in broken),
            where=f"{name}, table {number}",
            failed=bool(broken) or not all(headed),
            details={"figures": len(figures), "totals": len(totals)},
        )


def _is_sum(table: TableText, total: TableCell, figures: Sequence[TableCell]) -> bool:
    """Whether the total is the sum of the rows just over it, or of a few of them, which are subtotals themselves."""
    over = [cell for cell in figures if cell.column == total.column and cell.row < total.row]
    amounts = [amount for cell in over if (amount := value(table.words(cell))) is not None]
    wanted = value(table.words(total))
    if wanted is None or "%" in table.words(total):
        return True  # shares are not added up
    runs = (sum(amounts[start:]) for start in range(len(amounts) - 1))
    near = amounts[-_NEAR_ROWS:]
    some = (sum(few) for size in range(2, _MOST_SUBTOTALS + 1) for few in combinations(near, size))
    return any(abs(found - wanted) < _ROUNDING for sums in (runs, some) for found in sums)


def value(figure: str) -> float | None:
    """Return what a figure amounts to: in brackets it is negative, and a dash is nothing; None for no number."""
    digits = re.sub(r"[$€£¥,\s]", "", figure)
    if digits in {"—", "–", "-"}:
        return 0.0
    negative = digits.startswith("(")
    try:
        amount = float(digits.strip("()%"))
    except ValueError:
        return None
    return -amount if negative else amount
