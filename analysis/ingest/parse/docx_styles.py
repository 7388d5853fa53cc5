"""Paragraph styles of a DOCX: outline level and numbering, with what they inherit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from analysis.ingest.parse.wordml import attribute, child, children, number

_HEADING_NAME = re.compile(r"heading\s+(\d)", re.I)
_BODY_LEVEL = 9
_DEEPEST_INHERITANCE = 20


@dataclass(frozen=True)
class Numbered:
    """A paragraph's list and its depth there, as `w:numPr` names them; list_id "0" means none after all."""

    list_id: str
    depth: int


class Styles:
    """The styles part, asked by style id."""

    def __init__(self, root: Any) -> None:
        self._styles = {attribute(style, "styleId"): style for style in children(root, "style")}

    def outline_level(self, style_id: str) -> int:
        """Return 1 for the outermost heading and so on; 0 for body text."""
        for style in self._line(style_id):
            level = child(style, "pPr", "outlineLvl")
            if level is not None:
                value = number(attribute(level, "val"), _BODY_LEVEL)
                return value + 1 if value < _BODY_LEVEL else 0
            name = attribute(child(style, "name"), "val")
            if match := _HEADING_NAME.fullmatch(name.strip()):
                return int(match[1])
            if name.lower() == "title":
                return 1
        return 0

    def numbered(self, style_id: str) -> Numbered | None:
        """Return the list that a style puts its paragraphs into."""
        list_id, depth = "", None
        for style in self._line(style_id):
            properties = child(style, "pPr", "numPr")
            list_id = list_id or attribute(child(properties, "numId"), "val")
            level = child(properties, "ilvl")
            if depth is None and level is not None:
                depth = number(attribute(level, "val"))
        return Numbered(list_id, depth or 0) if list_id else None

    def _line(self, style_id: str) -> list[Any]:
        """Return the style and those it is based on, nearest first."""
        line: list[Any] = []
        while (style := self._styles.get(style_id)) is not None and len(line) < _DEEPEST_INHERITANCE:
            line.append(style)
            style_id = attribute(child(style, "basedOn"), "val")
        return line
