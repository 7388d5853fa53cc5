"""A comparison as a file: CSV for spreadsheets, Markdown for people."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from analysis.answer.compare import Compared
from analysis.models import Question
from analysis.views.cards import citation_lines, marked_text

FIGURES = [
    "supported_share",
    "cost_usd",
    "seconds_to_first_token",
    "seconds",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
]
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for a formula at the start of a cell


def as_csv(question: Question, columns: Sequence[Compared]) -> str:
    """Return a row for each language model: question, which answer, its figures, its text and its citations."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["question", "llm", "mode", "status", *FIGURES, "answer", "citations"])
    for each in columns:
        payload = each.payload
        writer.writerow(
            cell(value)
            for value in [
                question.text,
                each.answer.llm,
                payload["mode"],
                payload["status"],
                *(getattr(each, name) for name in FIGURES),
                marked_text(payload),
                "\n".join(citation_lines(payload)),
            ]
        )
    return out.getvalue()


def cell(value: Any) -> Any:
    """Return the value so that no text, which may be anybody's, is run as a formula."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value


def as_markdown(question: Question, columns: Sequence[Compared]) -> str:
    """Return the question, a table of figures, and each answer with its citations."""
    title = " ".join(question.text.split())
    pieces = [f"# {title}", _table(columns)]
    for each in columns:
        lines = citation_lines(each.payload)
        pieces += [f"## {each.answer.llm}", marked_text(each.payload).strip() or f"({each.payload['status']})"]
        pieces += ["\n".join(f"- {line}" for line in lines)] if lines else []
    return "\n\n".join(pieces) + "\n"


def _table(columns: Sequence[Compared]) -> str:
    head = ["", *(each.answer.llm for each in columns)]
    rows = [["mode", *(each.payload["mode"] or "" for each in columns)]]
    rows += [[name.replace("_", " "), *(_figure(getattr(each, name)) for each in columns)] for name in FIGURES]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
