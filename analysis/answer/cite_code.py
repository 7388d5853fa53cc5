"""Whether lines of code bear out a sentence about them, and which.

The names in the sentence must be there: those in backticks and those of a shape that only code has, which weigh most.
A sentence is compared with runs of the sources' units, each with what it stands in (its definition's head, the file's
path); the tightest run that holds most of the sentence's weight is cited, with the definition's head.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from analysis.answer.code_evidence import CodeSources, CodeUnit
from analysis.identifiers import has_code_shape
from analysis.lexical import CODE, terms
from analysis.types import Citation

MOST_CITATIONS = 3
MOST_LINES = 25
CANDIDATES = 24
NAME_WEIGHT = 3.0  # of a name of code, against any other word of the same rarity
AROUND_WEIGHT = 0.9  # of what stands around the lines, against what stands in them
# What the place that carries most must hold: of the names that share, of the weight of the other words this one, and of
# all where there is no name. On gold answers of SWE-QA against their own files, the like of them against other files,
# and with other names of the same answer in them: docs/quality.md.
ENOUGH_NAMES, ENOUGH_WORDS, ENOUGH_WITHOUT_NAMES = 0.6, 0.15, 0.5
# With this share of all weight, names make up for other words.
ENOUGH_OF_ALL = 0.8
WORTH_A_LINE = 0.008  # of the weight: a run is longer only for what is worth it
WORTH_CITING = 0.12  # of the weight, that a further place must add

_MARKS = re.compile(r"\*\*|^\s*(?:#{1,6}|>|[-•*+]|\(?\d{1,2}[.)])\s+|\[\d+\]", re.MULTILINE)
_QUOTED = re.compile(r"`+([^`\n]+?)`+")
_NAME = re.compile(r"[^\W\d]\w*(?:(?:\.|::|->|#)[^\W\d]\w*)*(?:\(\))?")
_PATH = re.compile(r"[\w.@+-]*(?:/[\w.@+-]+)+|[\w@+-]+\.[a-z]\w{0,4}\b")
_PLACE = re.compile(r"\b(?:lines?|ll?\.)\s*\d+(?:\s*(?:-|–|to|and)\s*\d+)?|:\d+(?:[-–]\d+)?\b", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)*(?![\w])")
_DENIES = re.compile(r"\b(?:not|never|cannot|neither|nor|without)\b|n['’]t\b", re.IGNORECASE)
# What code and its comments say "not" with, or do instead.
_SHOWS_NOT = re.compile(
    r"\b(?:not|never|no|none|null|nil|false|raise|raises|throw|throws|except|catch|skip\w*|ignor\w*|disabl\w*|unless|"
    r"without|only|else|pass|continue|break|return|cannot|abstract|NotImplemented\w*)\b|!|n['’]t\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class CodeClaim:
    """A sentence about code. names: those of code in it, with their terms; weights: of all terms, summing to 1."""

    text: str
    names: Mapping[str, frozenset[str]]
    weights: Mapping[str, float]
    numbers: frozenset[str]

    def share(self, held: Iterable[str]) -> float:
        """Return the weight of those of its terms that are held."""
        return sum(self.weights.get(term, 0.0) for term in held)

    @property
    def denies(self) -> bool:
        return bool(_DENIES.search(self.text))


@dataclass(frozen=True)
class _Run:
    """Units `first` to `last` of one source. held: terms in it or around it; gain: the weight of these."""

    first: int
    last: int
    held: frozenset[str]
    gain: float


@dataclass(frozen=True)
class CodeJudgement:
    """Whether the sources bear a sentence out: by these places, or else why not. score: the share of weight held."""

    citations: tuple[Citation, ...] = ()
    reason: str = ""
    score: float = 0.0


def claim_about_code(sentence: str, sources: CodeSources) -> CodeClaim:
    """Return the sentence as it is compared with code."""
    text = _MARKS.sub(" ", sentence)
    said = _PLACE.sub(" ", text)
    of_names = {name: frozenset(term.text for term in terms(name, CODE)) for name in _names(text)}
    weighty = frozenset().union(*of_names.values())
    raw = {
        term: sources.weight(term) * (NAME_WEIGHT if term in weighty else 1.0)
        for term in {term.text for term in terms(said, CODE)}
    }
    total = sum(raw.values()) or 1.0
    numbers = _NUMBER.findall(_NAME.sub(" ", _PATH.sub(" ", said)))
    return CodeClaim(text, of_names, {term: value / total for term, value in raw.items()}, frozenset(numbers))


def judge_code(claim: CodeClaim, sources: CodeSources) -> CodeJudgement:
    """Return whether lines of the sources bear the claim out."""
    if strange := _strange(claim, sources):
        return CodeJudgement(reason=strange)
    runs = _cover(claim, sources)
    if not runs:
        return CodeJudgement(reason="Nothing in the sources says this.")
    score = claim.share(frozenset().union(*(run.held for run in runs)))
    if reason := _lacking(claim, runs, sources):
        return CodeJudgement(reason=reason, score=score)
    places = dict.fromkeys(place for run in runs for place in _cited(sources, run))
    found = [Citation(*place, round(score, 3)) for place in places]
    return CodeJudgement(tuple(found[:MOST_CITATIONS]), score=score)


def _strange(claim: CodeClaim, sources: CodeSources) -> str:
    """Return what the claim speaks of that no source does, in a sentence; "" if there is nothing."""
    if unknown := [name for name in claim.names if not sources.knows(name.removesuffix("()"))]:
        return f"The name “{unknown[0]}” is not in the sources."
    if strange := sorted(claim.numbers - sources.numbers):
        return f"“{strange[0]}” is not in the sources."
    return ""


def _lacking(claim: CodeClaim, runs: Sequence[_Run], sources: CodeSources) -> str:
    """Return why the places that come nearest do not show what is claimed, in a sentence; "" if they do."""
    held = runs[0].held
    named = [own <= held for own in claim.names.values()]
    words = claim.weights.keys() - frozenset().union(*claim.names.values())
    enough = ENOUGH_WORDS if named else ENOUGH_WITHOUT_NAMES
    worded = claim.share(held & words) >= enough * claim.share(words) or claim.share(held) >= ENOUGH_OF_ALL
    if sum(named) < ENOUGH_NAMES * len(named) or not worded:
        return "No lines in the sources show this closely enough."
    # A number that stands somewhere by itself says nothing about what is claimed of a name.
    telling = [run for run in runs[1:] if any(own <= run.held for own in claim.names.values())]
    text = "\n".join(_text(sources, run) for run in [runs[0], *telling])
    if missing := sorted(claim.numbers - frozenset(_NUMBER.findall(text))):
        return f"“{missing[0]}” is not in the lines that come nearest."
    if claim.denies and not _SHOWS_NOT.search(text):
        return "The nearest lines do not show a “not”."
    return ""


def _names(sentence: str) -> Iterator[str]:
    """Yield the names of code in the sentence: whole pieces in backticks, and words of a shape that only code has."""
    for match in _QUOTED.finditer(sentence):
        inside = match[1].strip().strip("\"'")
        if _NAME.fullmatch(inside) or _PATH.fullmatch(inside):
            yield inside
    for match in _NAME.finditer(_PATH.sub(" ", sentence)):
        if has_code_shape(match[0]):
            yield match[0]


def _cover(claim: CodeClaim, sources: CodeSources) -> list[_Run]:
    """Return up to MOST_CITATIONS runs that carry most of the claim, the one that carries most first."""
    chosen: list[_Run] = []
    left: Mapping[str, float] = claim.weights
    while left and len(chosen) < MOST_CITATIONS:
        runs = (_grown(sources, at, left) for at in sources.best(left, CANDIDATES))
        best = max(runs, key=lambda run: run.gain, default=None)
        if best is None or (chosen and best.gain < WORTH_CITING):
            break
        chosen.append(best)
        left = {term: weight for term, weight in left.items() if term not in best.held}
    return chosen


def _grown(sources: CodeSources, at: int, weights: Mapping[str, float]) -> _Run:
    """Return the run about a unit that holds most for its length."""
    units = sources.units
    first = last = at
    own, lines = units[at].own, units[at].line_count
    best = _run(units, (first, last), own, weights, lines)
    while True:
        beside = [n for n in (first - 1, last + 1) if _goes_on(units, first, last, n)]
        better = max(beside, key=lambda n: _weight(units[n].own - own, weights), default=None)
        if better is None or lines + units[better].line_count > MOST_LINES:
            return best
        first, last = min(first, better), max(last, better)
        own, lines = own | units[better].own, lines + units[better].line_count
        longer = _run(units, (first, last), own, weights, lines)
        best = max(best, longer, key=lambda run: run.gain)


def _run(
    units: Sequence[CodeUnit], place: tuple[int, int], own: frozenset[str], weights: Mapping[str, float], lines: int
) -> _Run:
    around = units[place[0]].around - own
    gain = _weight(own, weights) + AROUND_WEIGHT * _weight(around, weights) - WORTH_A_LINE * lines
    return _Run(*place, own | around, gain)


def _goes_on(units: Sequence[CodeUnit], first: int, last: int, beside: int) -> bool:
    """Whether a unit stands beside a run in the same source without a gap."""
    return 0 <= beside < len(units) and units[beside].source == units[first if beside < first else last].source


def _weight(held: Iterable[str], weights: Mapping[str, float]) -> float:
    return sum(weights.get(term, 0.0) for term in held)


def _text(sources: CodeSources, run: _Run) -> str:
    heads = [sources.units[at].text for at in sources.units[run.first].heads]
    return "\n".join([*heads, *(unit.text for unit in sources.units[run.first : run.last + 1])])


def _cited(sources: CodeSources, run: _Run) -> Iterator[tuple[int, int, int]]:
    """Yield where a run stands: with the head of its definition if that is near enough, else the head by itself too."""
    units = sources.units
    first = run.first
    head = units[first].heads[0] if units[first].heads else first
    lines = sum(unit.line_count for unit in units[head : run.last + 1])
    if lines <= MOST_LINES:
        first = head
    yield units[first].version_id, _first_char(units[first]), units[run.last].end_char
    if first != head:
        yield units[head].version_id, _first_char(units[head]), units[head].end_char


def _first_char(unit: CodeUnit) -> int:
    """Return where the unit's first line with something on it begins."""
    blank = len(unit.text) - len(unit.text.lstrip())
    return unit.start_char + unit.text.rfind("\n", 0, blank) + 1
