"""How many of a contract's definitions are found, how far does each reach, and where do references lead?

Reads the folder of LegalBench-RAG. Questions that ask for the definition of a term have gold spans, which the nearest
found definition is held against. Of every document in corpus/ it counts besides: of the places that two plain patterns
take for definitions ("“X” means", "(the “X”)") those that were found, which is recall by a rule of thumb and no gold;
and of the references to the document's own parts those that lead to one. No language model and no search takes part.
"""

from __future__ import annotations

import hashlib
import re
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from analysis.evaluations.legalbench_rag import Query, read_queries
from analysis.evaluations.trials import Measure, Outcome, Trial
from analysis.ingest.parse.text import parse_text
from analysis.ingest.understand.references import find_references
from analysis.ingest.understand.terms import find_terms
from analysis.types import Aim, CrossReference, DefinedTerm, Span

MEASURES = (
    Measure("gold_overlap", "gold definition, intersection over union", headline=True),
    Measure("gold_recall", "characters of the gold definition held"),
    Measure("gold_precision", "characters of the found definition in the gold"),
    Measure("plain_recall", "definitions by plain patterns that are found", headline=True),
    Measure("references_resolved", "references to own parts that lead to one", headline=True),
)
_ASKED = re.compile(r"definition of [\"“]", re.IGNORECASE)
_PLAIN = (
    re.compile(r"[“\"]\s?([^“”\"\n]{1,70}?),?\s?[”\"]\s+(?:shall\s+)?(?:means?|(?:has|have)\s+the\s+meaning)\b"),
    re.compile(r"\((?:[^()“”\"]{0,60}\b)?(?:the|an?|collectively|each)?\s*[“\"]\s?([^“”\"\n]{1,70}?),?\s?[”\"]\)"),
)
_FAILED_BELOW = 0.5


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `manage.py evaluate definitions` can be told."""
    parser.add_argument(
        "--half", choices=("even", "odd"), help="only the documents whose name has an even, or an odd, SHA-256"
    )


def run(folder: Path, *, limit: int = 0, half: str | None = None, **_: Any) -> Outcome:
    """Read every document's text, hold its definitions against the gold ones and count what it refers to."""
    queries = [query for query in read_queries(folder) if _ASKED.search(query.text) and query.gold]
    paths = sorted(path for path in (folder / "corpus").rglob("*") if path.is_file())
    if not paths:
        raise CommandError(f"There are no documents in {folder}/corpus.")
    outcome = Outcome(MEASURES)
    paths = [path for path in paths if half in {None, half_of(path)}]
    for path in tqdm(paths[: limit or None], desc="documents", disable=None):
        name = path.relative_to(folder / "corpus").as_posix()
        outcome.trials += _document_trials(name, path, [query for query in queries if query.gold[0].document == name])
    return outcome


def half_of(path: Path) -> str:
    """Return which half of the documents a file is in, by nothing but its name: rules are made on one of them."""
    return "odd" if hashlib.sha256(path.name.encode()).digest()[-1] % 2 else "even"


def _document_trials(name: str, path: Path, queries: Sequence[Query]) -> Iterator[Trial]:
    parsed = parse_text(path, "text")
    text, headings = parsed.text, parsed.headings
    terms = find_terms(text, headings)
    yield counted(name, text, terms, find_references(text, headings, terms))
    for query in queries:
        for number, place in enumerate(query.gold):
            yield held(f"{query.text} {number}", query, text, Span(place.start, place.end), terms)


def counted(name: str, text: str, terms: Sequence[DefinedTerm], references: Sequence[CrossReference]) -> Trial:
    """Return what a document's terms and references come to."""
    starts = {term.start_char for term in terms}
    plain = [match.start(1) for pattern in _PLAIN for match in pattern.finditer(text)]
    missed = [start for start in plain if not starts & {start - 1, start, start + 1}]
    own = [one for one in references if one.aim is not Aim.ELSEWHERE]
    resolved = sum(one.aim is Aim.HERE for one in own)
    return Trial(
        key=name,
        document=name,
        category="documents",
        values=({"plain_recall": 1 - len(missed) / len(plain)} if plain else {})
        | ({"references_resolved": resolved / len(own)} if own else {}),
        gold="\n".join(" ".join(text[max(0, start - 60) : start + 60].split()) for start in missed),
        returned="\n".join(one.label for one in own if one.aim is Aim.NOWHERE),
        failed=bool(missed) or resolved < len(own),
        details={"terms": len(terms), "plain": len(plain), "references": len(own), "resolved": resolved},
    )


def held(key: str, query: Query, text: str, gold: Span, terms: Sequence[DefinedTerm]) -> Trial:
    """Return how the definition that comes nearest to the gold one overlaps it."""
    gold = Span(gold.start_char, gold.start_char + len(text[slice(*gold)].rstrip()))
    spans = [Span(term.definition_start_char, term.definition_end_char) for term in terms]
    best = max(spans, key=lambda span: _overlap(span, gold) / _union(span, gold), default=Span(0, 0))
    shared = _overlap(best, gold)
    return Trial(
        key=key,
        document=query.gold[0].document,
        category="gold definitions",
        values={
            "gold_overlap": shared / max(1, _union(best, gold)),
            "gold_recall": shared / max(1, gold.end_char - gold.start_char),
            "gold_precision": shared / max(1, best.end_char - best.start_char),
        },
        question=query.text,
        gold=text[slice(*gold)],
        returned=text[slice(*best)],
        failed=shared / max(1, _union(best, gold)) < _FAILED_BELOW,
    )


def _overlap(one: Span, other: Span) -> int:
    return max(0, min(one.end_char, other.end_char) - max(one.start_char, other.start_char))


def _union(one: Span, other: Span) -> int:
    return (one.end_char - one.start_char) + (other.end_char - other.start_char) - _overlap(one, other)
