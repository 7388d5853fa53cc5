"""A document's parts as its references call them: articles, sections, numbered clauses, exhibits and list items.

Headings are not enough: "4.2 The Supplier shall" opens a clause without a title, often in the middle of a line. A
number counts as an opening only where it goes on with the numbers before it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

from analysis.types import ParsedHeading, Span

ANNEXES = {
    "exhibit": "exhibit",
    "schedule": "schedule",
    "annex": "annex",
    "annexe": "annex",
    "annexure": "annex",
    "appendix": "appendix",
    "appendice": "appendix",
    "attachment": "attachment",
    "anlage": "anlage",
    "anhang": "anlage",
    "附件": "附件",
    "附录": "附件",
}
ARTICLES = frozenset({"article", "artikel", "art."})
_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_HAN_DIGITS = frozenset(_DIGITS) | {"十", "百"}
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_LINE = r"^[ \t>#*|]{0,40}"
_OPENING = r"(?=[A-ZÄÖÜ“\"‘'(\[„«$])"
_NUMBER = r"\d{1,3}(?:\.\d{1,3}){0,4}"
_OPENS = re.compile(
    rf"(?:{_LINE}|(?P<stopped>(?<=[.;:”\"\]_)!?]\s)|(?<=\s\s))|(?<=[\w)]\s))(?:(?P<word>§{{1,2}}"
    rf"|(?i:section|sec\.|clause|article|artikel|ziffer|part|paragraph))"
    rf"\s{{0,9}})?(?P<number>{_NUMBER}|[IVXLC]{{1,7}}(?![a-z]))(?:[.):]\s{{0,30}}|\s{{1,30}}){_OPENING}",
    re.MULTILINE,
)
_OPENS_ALONE = re.compile(
    rf"{_LINE}(?P<word>(?i:section|clause|article|artikel))\s{{1,9}}(?P<number>{_NUMBER}|[IVXLC]{{1,7}})"
    r"[.:]?[ \t]{0,20}$",
    re.MULTILINE,
)
_OPENS_ANNEX = re.compile(
    rf"{_LINE}(?P<word>(?i:exhibit|schedule|annex|annexure|appendix|attachment|anlage|anhang)|附件|附录)[ \t]{{0,9}}"
    r"[“\"]?(?P<number>[A-Z]{1,2}(?:[-.]?\d{1,2})?|\d{1,2}(?:\.\d{1,3})?(?:\([a-z]\))?|[IVXLC]{1,7}"
    r"|[一二三四五六七八九十]{1,3})[”\"]?"
    r"(?=[ \t]{0,20}(?:$|[-–—:.：]|[A-Z\u4e00-\u9fff]))",
    re.MULTILINE,
)
_OPENS_CHINESE = re.compile(r"^[ \t\u3000]{0,20}第(?P<number>[零〇一二三四五六七八九十百两\d]{1,6})条", re.MULTILINE)
_ITEM = re.compile(
    r"(?<![\w.)\]])\((?P<label>[a-z]{1,5}|[A-Z]{1,4}|\d{1,2})\)(?=\s)"
    r"|^[ \t]{0,40}(?P<line>[a-z]|[ivx]{1,5}|\d{1,2})[.)](?=[ \t])",
    re.MULTILINE,
)
_LABELLED = re.compile(
    r"(?:(?P<word>[A-Za-z]{3,12}\.?|§{1,2})\s*)?[“\"]?(?P<number>\d{1,3}(?:\.\d{1,3}){0,4}"
    r"|[IVXLC]{1,7}|[A-Z](?:[-.]?\d{1,2})?)[A-C]?[”\"]?[.)]?"
)
_ROMANS = "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx xxi xxii xxiii xxiv xxv".split()
_HEADING_CHARS = 300
_FIRST_FEW = 3  # "Section 3.02" is taken for an opening even where 3.01 was not recognised as one

Key = tuple[str | int, ...]


class _Sure(IntEnum):
    """How plainly a number opens a part: as a heading, on a line of its own, after a full stop, or in running text."""

    SET_APART = 0
    ON_LINE = 1
    IN_LINE = 2
    RUN_ON = 3


@dataclass(frozen=True)
class Part:
    """A part of a document. key: ("article", 4), ("section", 4, 2), ("exhibit", "B").

    annex: where the exhibit or schedule around it starts; -1 in the body.
    """

    key: Key
    start_char: int
    end_char: int
    annex: int = -1

    @property
    def span(self) -> Span:
        return Span(self.start_char, self.end_char)


@dataclass(frozen=True)
class Numbering:
    """The parts of a text, in order. places: where its list items stand, by label. openings: where any part may begin.

    A text may have ten thousand parts of one name and as many references to it: what is found once is kept.
    """

    parts: Sequence[Part]
    places: Mapping[str, Sequence[int]]
    openings: frozenset[int]
    by_key: dict[Key, list[Part]] = field(default_factory=dict)
    _found: dict[tuple[Key, int, bool], Part | None] = field(default_factory=dict)

    @property
    def highest(self) -> int:
        """The highest number that an outermost section has."""
        return max((part.key[1] for part in self.parts if isinstance(part.key[1], int)), default=0)

    def find(self, key: Key, near_char: int, annex: Part | None = None) -> Part | None:
        """Return the part that is called `key` at `near_char`; of several one of the same annex, and the longest."""
        asked = (key, annex.start_char if annex else self.annex_at(near_char), annex is not None)
        if asked not in self._found:
            self._found[asked] = self._longest(*asked)
        return self._found[asked]

    def _longest(self, key: Key, annex: int, only_there: bool) -> Part | None:
        candidates = self.by_key.get(key, [])
        own = [part for part in candidates if part.annex == annex]
        if only_there:
            return max(own, key=_length, default=None)
        return max(own or [part for part in candidates if part.annex < 0] or candidates, key=_length, default=None)

    def annex_at(self, char: int) -> int:
        """Return where the annex around `char` starts; -1 in the body."""
        around = self.around(char)
        return around[0].annex if around else -1

    def around(self, char: int) -> list[Part]:
        """Return the parts that hold `char`, innermost first."""
        at = bisect_right(self.parts, char, key=lambda part: part.start_char)
        found: list[Part] = []
        for part in reversed(self.parts[max(0, at - 400) : at]):
            if part.end_char > char and (not found or part.end_char >= found[-1].end_char):
                found.append(part)
        return found

    def item(self, labels: Sequence[str], within: Span) -> Span | None:
        """Return the list item ("b", "ii") of the part `within`; None if it has none of that name."""
        span: Span | None = within
        for label in labels:
            span = self._item(label, span) if span else None
        return span

    def _item(self, label: str, within: Span) -> Span | None:
        start: int | None = None
        for wanted in _sequence(label):
            start = self._next(wanted, within.start_char if start is None else start + 1, within.end_char)
            if start is None:  # the items before it are not set as items, or not there
                start = self._next(label, within.start_char, within.end_char)
                break
        return None if start is None else self._from(start, label, within)

    def nearest_item(self, label: str, char: int, within: Span, *, below: bool) -> Span | None:
        """Return the item of that name in `within` that stands nearest before `char`, or after it."""
        places = self.places.get(label, [])
        own = range(bisect_left(places, within.start_char), bisect_left(places, within.end_char))
        before, after = bisect_left(places, char) - 1, bisect_right(places, char)
        chosen = next((at for at in ((after, before) if below else (before, after)) if at in own), None)
        return None if chosen is None else self._from(places[chosen], label, within)

    def _from(self, start: int, label: str, within: Span) -> Span:
        """Return the item that begins at `start`: it ends where the one after it begins, or with what it is in."""
        end = self._next(_following(label), start + 1, within.end_char)
        return Span(start, within.end_char if end is None else end)

    def _next(self, label: str, start: int, end: int) -> int | None:
        """Return where the first item of that name from `start` on stands, None if there is none before `end`."""
        places = self.places.get(label, [])
        at = bisect_left(places, start)
        return places[at] if at < len(places) and places[at] < end else None


def _length(part: Part) -> int:
    return part.end_char - part.start_char


def number_parts(text: str, headings: Sequence[ParsedHeading], mentions: Sequence[Span]) -> Numbering:
    """Return the parts of `text`. mentions: what looks like references; an item inside one is no item."""
    candidates = sorted(
        [*_heading_openings(headings), *_printed_openings(text)], key=lambda one: (one.start_char, one.sure)
    )
    kept = _in_sequence(candidates)
    openings = {one.start_char for one in kept} | {one.start_char for one in candidates if one.sure is _Sure.SET_APART}
    parts = _closed(kept, len(text))
    by_key: dict[Key, list[Part]] = {}
    for part in parts:
        by_key.setdefault(part.key, []).append(part)
    places: dict[str, list[int]] = {}
    for start, label in _items(text, mentions):
        places.setdefault(label, []).append(start)
    return Numbering(parts, places, frozenset(openings), by_key)


def part_key(word: str, number: str) -> Key:
    """Return what the part is called: ("§", "5") -> ("section", 5), ("Exhibit", "B") -> ("exhibit", "B")."""
    word = word.lower().rstrip(".")
    annex = ANNEXES.get(word) or ANNEXES.get(word.removesuffix("s")) or ANNEXES.get(word.removesuffix("es"))
    if number[:1] in _HAN_DIGITS:
        number = str(chinese_number(number))
    if annex:
        return (annex, number.upper())
    kind = "article" if word.removesuffix("s") in ARTICLES else "section"
    if number[:1].isdigit():
        numbers = [int(part) for part in re.findall(r"\d+", number)]
        return (kind, *(numbers[:-1] if len(numbers) == 2 and not numbers[1] else numbers))  # "7.0" is section 7
    return (kind, roman_number(number)) if set(number) <= set(_ROMAN) else (kind, number)


def roman_number(number: str) -> int:
    """Return the value of a Roman number in capitals."""
    values = [_ROMAN[digit] for digit in number]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


def chinese_number(number: str) -> int:
    """Return the value of a number up to 999 in Chinese or other digits."""
    if number.isdigit():
        return int(number)
    total, digit = 0, 0
    for character in number:
        if character in "十百":
            total, digit = total + (digit or 1) * (10 if character == "十" else 100), 0
        else:
            digit = _DIGITS.get(character, 0)
    return total + digit


@dataclass(frozen=True)
class _Opening:
    """A place where a part may begin. sure: how plainly it says so."""

    start_char: int
    key: Key
    sure: _Sure


def _heading_openings(headings: Sequence[ParsedHeading]) -> Iterator[_Opening]:
    for heading in headings:
        if match := _LABELLED.fullmatch(heading.label.strip()):
            yield _Opening(heading.start_char, part_key(match["word"] or "", match["number"]), _Sure.SET_APART)


def _printed_openings(text: str) -> Iterator[_Opening]:
    for match in _OPENS_ANNEX.finditer(text):
        yield _Opening(match.start("word"), part_key(match["word"], match["number"]), _Sure.SET_APART)
    for match in _OPENS_CHINESE.finditer(text):
        yield _Opening(match.start("number") - 1, ("section", chinese_number(match["number"])), _Sure.SET_APART)
    for match in (*_OPENS.finditer(text), *_OPENS_ALONE.finditer(text)):
        word, number = match["word"] or "", match["number"]
        if word or number[0].isdigit():
            start = match.start("word") if word else match.start("number")
            yield _Opening(start, part_key(word, number), _sure(text, start, word, match.groupdict().get("stopped")))


def _sure(text: str, start: int, word: str, stopped: str | None) -> _Sure:
    line_start = text.rfind("\n", max(0, start - 60), start) + 1
    if not text[line_start or max(0, start - 60) : start].strip(" \t>#*|"):
        return _Sure.SET_APART if word else _Sure.ON_LINE
    if stopped is None:
        return _Sure.RUN_ON
    return _Sure.ON_LINE if word else _Sure.IN_LINE  # "Section 4.2" at a sentence's beginning, as good as a line's


def _in_sequence(candidates: Sequence[_Opening]) -> list[_Opening]:
    """Leave out numbers that follow from nothing: "30 Days", "Section 4" in a sentence."""
    kept: list[_Opening] = []
    opened: dict[Key, int] = {}
    for candidate in candidates:
        if (kept and candidate.start_char == kept[-1].start_char) or not _follows(candidate, opened):
            continue
        if candidate.key[0] not in {"section", "article"}:
            if candidate.key in opened:  # the same exhibit's name at the head of its next page
                continue
            opened = {}
        opened[candidate.key] = candidate.start_char
        kept.append(candidate)
    return kept


def _follows(opening: _Opening, opened: dict[Key, int]) -> bool:
    """Whether the number goes on from those before it, as nearly as the way it stands there asks for."""
    *parent, last = opening.key
    if opening.sure is _Sure.SET_APART or not isinstance(last, int):
        return opening.sure is _Sure.SET_APART
    around = max((opened.get(key, -1) for key in (tuple(parent), ("article", *parent[1:]))), default=-1)
    if opening.sure is _Sure.RUN_ON:
        return _opens_after_title(opening, opened, around)
    on_line = opening.sure is _Sure.ON_LINE
    if last <= 1:
        return on_line or len(opening.key) <= 3 or around >= 0
    if on_line and parent[1:] and last <= _FIRST_FEW:
        return True
    reach = 2 if not on_line else 8 if parent[1:] else 3
    return any((*parent, last - back) in opened for back in range(1, reach + 1))


def _opens_after_title(opening: _Opening, opened: dict[Key, int], around: int) -> bool:
    """Whether a first part follows the title of the one around it: "ARTICLE VI. TERMINATION Section 6.1"."""
    if not opened:
        return opening.key == ("section", 1)
    near = 0 <= opening.start_char - around < _HEADING_CHARS
    return opening.key[-1] == 1 and near and opened.get(opening.key, -1) < around


def _closed(openings: Sequence[_Opening], length: int) -> list[Part]:
    """Give each part its end: where the next one begins that is not inside it."""
    parts: list[Part] = []
    open_parts: list[int] = []
    annex = -1
    for opening in openings:
        start, key = opening.start_char, opening.key
        while open_parts and not _inside(key, parts[open_parts[-1]].key):
            at = open_parts.pop()
            parts[at] = replace(parts[at], end_char=start)
        annex = start if key[0] not in {"section", "article"} else annex
        parts.append(Part(key, start, length, annex))
        open_parts.append(len(parts) - 1)
    return parts


def _inside(key: Key, outer: Key) -> bool:
    """Whether a part called `key` that follows `outer` is part of it."""
    if outer[0] not in {"section", "article"}:
        return key[0] in {"section", "article"}
    if outer[0] == "article" and key[0] == "section":
        return True
    return key[0] == outer[0] and len(key) > len(outer) and key[: len(outer)] == outer


def _items(text: str, mentions: Sequence[Span]) -> Iterator[tuple[int, str]]:
    starts = [mention.start_char for mention in mentions]
    for match in _ITEM.finditer(text):
        at = bisect_right(starts, match.start()) - 1
        if at < 0 or match.start() >= mentions[at].end_char:
            label = match["label"] or match["line"]
            yield match.start("label") - 1 if match["label"] else match.start("line"), label


def _sequence(label: str) -> Iterable[str]:
    """Return the labels that come before an item's, and its own: "c" -> a, b, c; "iii" -> i, ii, iii."""
    if label.isdigit():  # one by one: "(99999)" is looked for no further than the first that is missing
        return (str(number) for number in range(1, int(label) + 1))
    roman = _ROMANS if label.islower() else [name.upper() for name in _ROMANS]
    if label in roman and (len(label) > 1 or label.lower() in "ivx"):
        return roman[: roman.index(label) + 1]
    first = "a" if label.islower() else "A"
    if len(label) == 1:
        return [chr(code) for code in range(ord(first), ord(label) + 1)]
    return [label]


def _following(label: str) -> str:
    if label.isdigit():
        return str(int(label) + 1)
    roman = _ROMANS if label.islower() else [name.upper() for name in _ROMANS]
    if label in roman[:-1] and (len(label) > 1 or label.lower() in "ivx"):
        return roman[roman.index(label) + 1]
    return chr(ord(label) + 1) if len(label) == 1 else ""
