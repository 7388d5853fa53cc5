"""Headings and the sections they open."""

from __future__ import annotations

from analysis.ingest.parse.pdf_structure import OutlineItem
from analysis.types import ParsedHeading, ParsedPage


def find_headings(text: str, pages: list[ParsedPage], outline: list[OutlineItem]) -> list[ParsedHeading]:
    return []
