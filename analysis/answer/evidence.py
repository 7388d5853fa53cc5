"""The sources' sentences, made ready to be compared with the sentences of an answer."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from analysis.alike import concept, concepts, plain, roles
from analysis.amounts import amounts, scaled
from analysis.answer.parties import Parties
from analysis.answer.table_evidence import Head, Row, head_after, is_row
from analysis.sentences import split_sentences
from analysis.types import Source
from analysis.words import Word, references
from analysis.words import stem as stem_of

LONGEST_LEAD_IN = 400
# Whoever a contract gives another name has no role word in it, which says little about what is claimed of him.
ROLE_WEIGHT = 0.3

# What opens an item of a list or a numbered paragraph; the group that matches is the kind of its label.
_ITEM = re.compile(
    r"\s*(?:(?P<bullet>[-•*–])|\((?P<in_letters>[a-z]{1,5})\)|\((?P<in_figures>\d{1,2})\)"
    r"|(?P<letters>[a-z]{1,4})[.)]|(?P<figures>\d{1,2}(?:\.\d{1,2})*)[.)]?)\s",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"[:—-]\s*$")
_VOCABULARY = re.compile(r"[^\W\d_][\w&.'’-]*")


@dataclass(frozen=True)
class Evidence:
    """A sentence of a source: `text[start_char:end_char]` of its version.

    plain: the sentence as it is compared, parties by their short names; an item of a list with the words that it goes
    on from ("The Recipient shall not:"). own: its own words' concepts; stems: those with the lead-in's. row: set when
    it is a row of a table.
    """

    version_id: int
    start_char: int
    end_char: int
    text: str
    plain: str
    own: frozenset[str]
    stems: frozenset[str]
    row: Row | None = None

    @cached_property
    def amounts(self) -> frozenset[str]:
        """Return the amounts that it states; a row also those over its figures, which may be "in millions"."""
        if self.row is None:
            return frozenset(amounts(self.text))
        figures = {amount for figure, _ in self.row.figures for amount in amounts(figure)}
        headers = {amount for _, header in self.row.figures for amount in amounts(header)}
        return frozenset(headers | figures | {scaled(amount, self.row.scale) for amount in figures})

    @cached_property
    def words(self) -> list[Word]:
        """Return the concepts of `plain` with their places in it."""
        return concepts(self.plain)


class Sources:
    """The sources' sentences, with the weight of every word and which sentences hold it."""

    def __init__(self, sources: Sequence[Source], parties: Parties) -> None:
        self.parties = parties
        self.evidence = [piece for source in sources for piece in _pieces(source, parties)]
        self.holders: dict[str, list[int]] = defaultdict(list)
        for index, piece in enumerate(self.evidence):
            for stem in piece.stems:
                self.holders[stem].append(index)
        everything = "\n".join(source.text for source in sources)
        self.vocabulary = _vocabulary("\n".join([everything, *parties.role_of, *parties.roles]))
        self._references = references(everything)
        self._everything = everything

    def weight(self, stem: str) -> float:
        """Return the inverse document frequency of a word; one that no source uses weighs as the rarest."""
        if stem in roles():
            return ROLE_WEIGHT
        return math.log(1 + len(self.evidence) / (len(self.holders.get(stem, ())) or 1))

    def best(self, stems: frozenset[str], limit: int) -> list[int]:
        """Return the evidence that shares most word weight with `stems`, best first; shorter first among equals."""
        shared: Counter[int] = Counter()
        for stem in stems:
            for index in self.holders.get(stem, ()):
                shared[index] += self.weight(stem)  # type: ignore[assignment]  # Counter adds floats as well
        return sorted(shared, key=lambda index: (-shared[index], len(self.evidence[index].text), index))[:limit]

    def holds_number(self, number: str) -> bool:
        """Return whether the sources point at, or number something, as `number` does: "4.2"."""
        return number in self._references or bool(re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", self._everything))

    def knows(self, name: str) -> bool:
        """Return whether the sources have the word, in lower case, in this form or another."""
        return name in self.vocabulary or concept(stem_of(name)) in self.holders

    def at(self, version_id: int, place: int) -> Evidence | None:
        """Return the sentence that stands at a place of a version, if it is among the sources."""
        held = (e for e in self.evidence if e.version_id == version_id and e.start_char <= place < e.end_char)
        return next(held, None)


def _vocabulary(text: str) -> set[str]:
    held = {word.lower() for word in _VOCABULARY.findall(text)}
    return held | {word.rstrip(".'’-").removesuffix("'s").removesuffix("’s") for word in held}


def _pieces(source: Source, parties: Parties) -> Iterator[Evidence]:
    """Yield the source's sentences: items of a list with what stands before the first, rows with their headers."""
    lead_in, opened_by = "", ""
    head, end = Head(), 0
    for span in split_sentences(source.text):
        text = source.text[span.start_char : span.end_char]
        apart = "\n\n" in source.text[end : span.start_char]
        end = span.end_char
        if is_row(text) or text.startswith("| "):
            # White space before the first bar is an empty cell.
            line = source.text[source.text.rfind("\n", 0, span.start_char) + 1 : span.end_char]
            head, row = head.with_line(line)
            yield _piece(source, span.start_char, text, row.lead_in, parties, row=row)
            continue
        head = head.with_group(text) if head.begun and not apart else head_after(text)
        item = _ITEM.match(text)
        kind = str(item.lastgroup) if item else ""
        # A paragraph that is numbered as the one that opened the list ends it, as one without a number does.
        if kind in ("", opened_by):
            lead_in = ""
        yield _piece(source, span.start_char, text, lead_in, parties)
        if not lead_in and _GOES_ON.search(text):
            lead_in, opened_by = text[-LONGEST_LEAD_IN:], kind


def _piece(
    source: Source, start: int, text: str, lead_in: str, parties: Parties, *, row: Row | None = None
) -> Evidence:
    own = frozenset(word.stem for word in concepts(parties.by_role(text)))
    before = parties.by_role(lead_in)
    stems = own | {word.stem for word in concepts(before)}
    compared = plain(f"{before} {parties.by_role(text)}".lstrip())
    place = source.start_char + start
    return Evidence(source.version_id, place, place + len(text), text, compared, own, stems, row)
