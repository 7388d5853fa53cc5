"""The sources' units of code, made ready to be compared with the sentences of an answer about code."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from analysis.ingest.code_units import units
from analysis.lexical import CODE, terms
from analysis.types import Source

_LINE = re.compile(r"[^\n]*\n?")
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)*(?![\w])")
# What opens a part is told by how far lines are indented, whatever the language marks it with; the nearest so many.
_MOST_HEADS = 4


@dataclass(frozen=True)
class CodeUnit:
    """A unit of a source: `text[start_char:end_char]` of its version.

    source: which of the sources it is in. line_count: how many lines it has. own: the terms in it; heads: numbers of
    the units, the nearest first, that open what it stands in; around: the terms of these and of the file's path.
    """

    version_id: int
    source: int
    start_char: int
    end_char: int
    text: str
    line_count: int
    own: frozenset[str]
    heads: tuple[int, ...]
    around: frozenset[str]


class CodeSources:
    """The units of the sources, with the weight of every term and which units hold it."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.units: list[CodeUnit] = []
        for number, source in enumerate(sources):
            self.units.extend(_units(source, number, len(self.units)))
        self.holders: dict[str, list[int]] = defaultdict(list)
        for index, unit in enumerate(self.units):
            for term in unit.own:
                self.holders[term].append(index)
        everything = "\n".join(f"{source.document_name}\n{source.text}" for source in sources)
        self.names = frozenset(word.casefold() for word in _WORD.findall(everything))
        self.paths = tuple(source.document_name for source in sources)
        self.numbers = frozenset(_NUMBER.findall(everything))

    def weight(self, term: str) -> float:
        """Return the inverse document frequency of a term; one that no source has weighs as the rarest."""
        return math.log(1 + len(self.units) / (len(self.holders.get(term, ())) or 1))

    def best(self, weights: Mapping[str, float], limit: int) -> list[int]:
        """Return the units that hold most of the weight, best first."""
        shared: Counter[int] = Counter()
        for term, weight in weights.items():
            for index in self.holders.get(term, ()):
                shared[index] += weight  # type: ignore[assignment]  # Counter adds floats as well
        return sorted(shared, key=lambda index: (-shared[index], index))[:limit]

    def knows(self, name: str) -> bool:
        """Return whether the sources have every part of a name, or a file at the end of whose path it stands."""
        if any(f"/{path}".endswith(f"/{name}") or f"/{name.strip('/')}/" in f"/{path}" for path in self.paths):
            return True
        parts = _WORD.findall(name)
        return bool(parts) and all(part.casefold() in self.names for part in parts)


def _units(source: Source, number: int, first: int) -> Iterator[CodeUnit]:
    """Yield the source's units with what opens the part that each stands in, told by how far lines are indented."""
    path = frozenset(term.text for term in terms(source.document_name, CODE))
    open_at: list[tuple[int, int, frozenset[str]]] = []
    for index, span in enumerate(units(source.text, 0, len(source.text)), first):
        text = source.text[slice(*span)]
        own = frozenset(term.text for term in terms(text, CODE))
        depth = _indent(text)
        if own:
            open_at = [each for each in open_at if each[0] < depth]
        heads = tuple(each[1] for each in reversed(open_at[-_MOST_HEADS:]))
        around = path.union(*(each[2] for each in open_at))
        place = source.start_char + span.start_char
        yield CodeUnit(
            source.version_id, number, place, place + len(text.rstrip()), text.rstrip(),
            text.rstrip().count("\n") + 1, own, heads, around,
        )  # fmt: skip
        if own:
            open_at.append((depth, index, own))


def _indent(text: str) -> int:
    """Return how far the unit's first line with something on it is indented."""
    line = next((line[0] for line in _LINE.finditer(text) if line[0].strip()), "")
    return len(line.expandtabs(8)) - len(line.expandtabs(8).lstrip())
