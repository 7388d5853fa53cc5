"""A part of a document that does not begin at the document's start."""

from __future__ import annotations

from analysis.types import Finding, Source

START = 1000


def part(text: str) -> Source:
    """Return `text` as a part that begins at START."""
    return Source("doc", "Agreement.pdf", 7, START, START + len(text), text)


def quotes(found: list[Finding], source: Source) -> list[str]:
    """Return what the findings' spans hold."""
    return [source.text[each.start_char - START : each.end_char - START] for each in found]
