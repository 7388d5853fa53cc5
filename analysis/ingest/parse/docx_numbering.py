"""Numbers of paragraphs as Word prints them: "4.2", "(b)", "Article IV"."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from analysis.ingest.parse.docx_styles import Numbered
from analysis.ingest.parse.wordml import attribute, child, children, is_on, number

_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"))
_ROMAN_ONES = ((9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
_MOST_DEPTH = 9


@dataclass
class _Level:
    """How one depth of a list is printed. pattern: "%1.%2"."""

    format: str = "decimal"
    pattern: str = ""
    start: int = 1
    restart_after: int | None = None
    decimal_only: bool = False
    style_id: str = ""


@dataclass
class _List:
    """A list's levels, and the abstract list whose counters it shares."""

    abstract_id: str
    levels: dict[int, _Level]
    overrides: dict[int, int] = field(default_factory=dict)


class Numbering:
    """Counts every list of a document; ask for each numbered paragraph once, in order."""

    def __init__(self, root: Any) -> None:
        abstracts = {attribute(one, "abstractNumId"): one for one in children(root, "abstractNum")}
        self._by_style_link = {
            attribute(child(one, "styleLink"), "val"): one
            for one in abstracts.values()
            if child(one, "styleLink") is not None
        }
        self._lists = {attribute(one, "numId"): self._list(one, abstracts) for one in children(root, "num")}
        self._counters: dict[str, dict[int, int]] = {}
        self._started: set[tuple[str, int]] = set()

    def depth_of_style(self, numbered: Numbered, style_id: str) -> Numbered:
        """Return `numbered` at the depth its list ties to the paragraph's style."""
        known = self._lists.get(numbered.list_id)
        tied = (
            [depth for depth, level in known.levels.items() if level.style_id == style_id] if known and style_id else []
        )
        return Numbered(numbered.list_id, tied[0]) if tied else numbered

    def label(self, numbered: Numbered) -> str:
        """Return what stands before the next paragraph of this list and depth: "4.2", "•", or "" for no number."""
        known = self._lists.get(numbered.list_id)
        level = known.levels.get(numbered.depth) if known else None
        if known is None or level is None:
            return ""
        counters = self._count(known, numbered)
        if level.format == "bullet":
            return "•"
        if level.format == "none" and "%" not in level.pattern:
            return level.pattern.strip()
        return self._print(known, level, counters)

    def _count(self, known: _List, numbered: Numbered) -> dict[int, int]:
        counters = self._counters.setdefault(known.abstract_id, {})
        depth = numbered.depth
        first_time = (numbered.list_id, depth) not in self._started
        self._started.add((numbered.list_id, depth))
        if first_time and depth in known.overrides:
            counters[depth] = known.overrides[depth]
        elif depth in counters:
            counters[depth] += 1
        else:
            counters[depth] = known.levels[depth].start
        for deeper in range(depth + 1, _MOST_DEPTH):
            level = known.levels.get(deeper)
            if level is None or level.restart_after is None or depth < level.restart_after:
                counters.pop(deeper, None)
        return counters

    def _print(self, known: _List, level: _Level, counters: dict[int, int]) -> str:
        def place(match: re.Match[str]) -> str:
            depth = int(match[1]) - 1
            other = known.levels.get(depth, _Level())
            style = "decimal" if level.decimal_only else other.format
            return "" if style == "none" else format_number(counters.get(depth, other.start), style)

        return re.sub(r"%([1-9])", place, level.pattern).strip()

    def _list(self, element: Any, abstracts: dict[str, Any]) -> _List:
        abstract_id = attribute(child(element, "abstractNumId"), "val")
        abstract = abstracts.get(abstract_id)
        link = attribute(child(abstract, "numStyleLink"), "val")
        levels = {d: _level(one) for d, one in _depths(self._by_style_link.get(link, abstract), "lvl")}
        overrides = {}
        for depth, override in _depths(element, "lvlOverride"):
            replacement = child(override, "lvl")
            if replacement is not None:
                levels[depth] = _level(replacement)
            start = child(override, "startOverride")
            if start is not None:
                overrides[depth] = number(attribute(start, "val"), 1)
        return _List(abstract_id, levels, overrides)


def _depths(element: Any, name: str) -> list[tuple[int, Any]]:
    return [(number(attribute(one, "ilvl")), one) for one in children(element, name)]


def _level(element: Any) -> _Level:
    restart = child(element, "lvlRestart")
    return _Level(
        format=attribute(child(element, "numFmt"), "val", "decimal"),
        pattern=attribute(child(element, "lvlText"), "val"),
        start=number(attribute(child(element, "start"), "val"), 1) if child(element, "start") is not None else 0,
        restart_after=None if restart is None else number(attribute(restart, "val")),
        decimal_only=is_on(element, "isLgl"),
        style_id=attribute(child(element, "pStyle"), "val"),
    )


def format_number(value: int, style: str) -> str:
    """Return `value` in one of Word's number styles; those not known here come out decimal."""
    if style in {"lowerLetter", "upperLetter"}:
        # Word goes on after z with aa, bb, cc.
        letters = chr(ord("a") + (value - 1) % 26) * ((value - 1) // 26 + 1) if value > 0 else ""
        return letters.upper() if style == "upperLetter" else letters
    if style in {"lowerRoman", "upperRoman"}:
        return _roman(value).upper() if style == "upperRoman" else _roman(value)
    if style == "decimalZero":
        return f"{value:02d}"
    if style == "ordinal":
        return f"{value}{_ordinal_ending(value)}"
    if style == "cardinalText" and 0 <= value < len(_WORDS):
        return _WORDS[value].capitalize()
    return str(value)


def _roman(value: int) -> str:
    letters = ""
    for worth, letter in (*_ROMAN, *_ROMAN_ONES):
        while value >= worth:
            letters, value = letters + letter, value - worth
    return letters


def _ordinal_ending(value: int) -> str:
    if value % 100 in {11, 12, 13}:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
