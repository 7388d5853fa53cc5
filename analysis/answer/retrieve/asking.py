"""A query to what search compares: its words with their weights, those that lawyers would add, and its text."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from analysis.lexical import CODE, Term, terms

# What a thesaurus adds weighs half of what was asked for.
ADDED_WEIGHT = 0.5
MOST_TERMS = 48
# Words that name a document often have others between them: "agreement between A and B".
NAMING_GAP = 3
# Words of asking, which say nothing about what is asked for.
_REQUEST = {
    "en": "consider tell show find please information want document contract agreement question explain list give need "
    "know look regarding state indicate mention include specify describe identify provide clause section provision "
    "happen",
    "de": "bitte zeige nenne finde suche dokument vertrag vereinbarung frage erkläre regelt regelung klausel abschnitt "
    "bestimmung steht gibt",
    CODE: "code codebase repository project function functions method methods class classes implement implementation "
    "purpose work works",
}


@dataclass(frozen=True)
class Concept:
    """What is asked for in some words and written in others. asked: each a phrase of terms."""

    asked: tuple[tuple[str, ...], ...]
    written: tuple[str, ...]


@dataclass(frozen=True)
class Asking:
    """What is asked, without what names the document. weights: of the terms to look for, 1 for the query's own."""

    text: str
    weights: Mapping[str, float]


def query_terms(text: str, languages: Iterable[str]) -> list[Term]:
    """Return the query's terms as each of the languages has them; a word may give several."""
    found = [term for language in languages for term in terms(text, language)]
    return sorted(dict.fromkeys(found), key=lambda term: (term.start_char, term.end_char))


def asking(text: str, languages: Sequence[str]) -> Asking:
    """Return what to look for: the query's own words and, weighing less, those in which contracts write it."""
    weights: dict[str, float] = {}
    for language in languages:
        own = [term.text for term in terms(text, language)]
        weights |= {term: 1.0 for term in own if term not in request_terms(language)}
    for language in languages:
        own = [term.text for term in terms(text, language)]
        for concept in thesaurus(language):
            if any(_holds(own, phrase) for phrase in concept.asked):
                weights = {term: ADDED_WEIGHT for term in concept.written} | weights
    own_first = sorted(weights, key=lambda term: -weights[term])[:MOST_TERMS]
    return Asking(text, {term: weights[term] for term in own_first})


def _holds(own: Sequence[str], phrase: tuple[str, ...]) -> bool:
    size = len(phrase)
    return any(tuple(own[at : at + size]) == phrase for at in range(len(own) - size + 1))


def without_names(text: str, found: Sequence[Term], naming: set[str], languages: Sequence[str]) -> str:
    """Return the query without the words that name a document, or all of it if nothing else is in it.

    found: the query's terms. naming: those that name. What stands between them goes along, and so do pieces that only
    have words of asking left.
    """
    requests = {word for language in languages for word in request_terms(language)}
    kept = [
        piece
        for piece in _between(text, _runs(found, naming))
        if any(term.text not in requests for term in query_terms(piece, languages))
    ]
    return " ".join(" ".join(kept).split()).strip(" ;,.:\"'“”") or text


def _runs(found: Sequence[Term], naming: set[str]) -> list[tuple[int, int]]:
    """Return from where to where the text names a document."""
    runs: list[tuple[int, int, int]] = []
    for at, term in enumerate(found):
        if term.text in naming:
            joins = bool(runs) and at - runs[-1][2] <= NAMING_GAP
            start = runs.pop()[0] if joins else term.start_char
            runs.append((start, term.end_char, at))
    return [(start, end) for start, end, _ in runs]


def _between(text: str, runs: Iterable[tuple[int, int]]) -> Iterator[str]:
    at = 0
    for start, end in runs:
        yield text[at:start]
        at = end
    yield text[at:]


@cache
def request_terms(language: str) -> frozenset[str]:
    """Return the terms of asking in a language."""
    return frozenset(term.text for term in terms(_REQUEST.get(language, ""), language))


@cache
def thesaurus(language: str) -> tuple[Concept, ...]:
    """Return the concepts of a language; see thesaurus.toml."""
    rows = tomllib.loads((Path(__file__).parent / "thesaurus.toml").read_text(encoding="utf-8"))["concept"]
    return tuple(
        Concept(tuple(_phrase(words, language) for words in row["asked"]), _phrase(row["written"], language))
        for row in rows
        if row.get("language", "en") == language
    )


def _phrase(words: str, language: str) -> tuple[str, ...]:
    return tuple(term.text for term in terms(words, language))
