"""Which documents a query names: by words of their file names, titles and parties that few documents have."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote_plus

from django.db import connection
from django.db.models import QuerySet

from analysis.lexical import UNKNOWN_READ_AS, Term, terms
from analysis.models import Document, IngestStatus, Posting
from analysis.types import Standing

# What a word weighs that stands in the file's name, in the title or a party's name, or somewhere in the opening.
NAME_WEIGHT, IDENTITY_WEIGHT, OPENING_WEIGHT = 2.0, 1.5, 1.0
# A query names documents when few have nearly all of the rare words that any has.
NAMED_SHARE = 0.8
NAMED_MOST = 3
NAMED_LEAST = 0.6
# Words that are at least this rare are taken for a part of the name and not of the question; in an opening, where words
# of all kinds stand, they must be rarer.
OWN_RARITY, OPENING_RARITY = 0.3, 1.5

_ENDING = re.compile(r"\.\w{2,5}$")
_JOINS = re.compile(r"[_\W]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True)
class Member:
    """A version that is searched.

    path: of a file of a repository, else ""; syntax: its programming language; repository: the name of that.
    """

    version_id: int
    name: str
    language: str
    chunk_count: int
    sentence_count: int
    path: str = ""
    syntax: str = ""
    repository: str = ""


@dataclass
class Naming:
    """How far the query names each document. scores: by version, only those above 0. strength: 1 and more is plain.

    terms: by version, the query's terms that name it.
    """

    scores: dict[int, float] = field(default_factory=dict)
    strength: float = 0.0
    terms: dict[int, set[str]] = field(default_factory=dict)

    def named(self, count: int) -> list[int]:
        """Return the few versions that the query names among `count`, none if it names none or many."""
        best = max(self.scores.values(), default=0.0)
        near = [version for version, score in self.scores.items() if score >= NAMED_SHARE * best]
        few = max(1, min(NAMED_MOST, count // 2))
        return sorted(near) if self.strength >= NAMED_LEAST and len(near) <= few else []


def scope_of(documents: QuerySet[Document]) -> list[Member]:
    """Return the versions of those documents that are ready."""
    rows = documents.filter(version__status=IngestStatus.READY).order_by()
    lexicon = ("version__lexicon__chunk_count", "version__lexicon__sentence_count")
    columns = ("version_id", "name", "version__language", *lexicon, "path", "version__syntax", "repository__name")
    return [
        Member(
            version_id, name, language or UNKNOWN_READ_AS, chunks or 0, sentences or 0, path, syntax, code_base or ""
        )
        for version_id, name, language, chunks, sentences, path, syntax, code_base in rows.values_list(*columns)
    ]


def naming(found: Sequence[Term], scope: Sequence[Member]) -> Naming:
    """Return how far the query's terms name each version: the sum of their rarities, each where it weighs most."""
    asked = {term.text for term in found}
    if len(scope) < 2 or not asked:
        return Naming()
    standings, holders = _standings(asked, scope)
    rarity = {term: rarity_of(holders.get(term, 0), len(scope)) for term in asked}
    result = Naming()
    for member in scope:
        own = asked & name_terms(member.name, member.language)
        at = standings.get(member.version_id, {})
        weights = {term: _weight(term, own, at) for term in own | at.keys()}
        score = sum(weight * rarity[term] for term, weight in weights.items())
        if score > 0:
            result.scores[member.version_id] = score
            result.terms[member.version_id] = {t for t, w in weights.items() if rarity[t] > _least_rarity(w)}
    result.strength = max(result.scores.values(), default=0.0) / math.log(1 + len(scope))
    return result


def rarity_of(count: int, total: int) -> float:
    """Return the inverse document frequency of what is in `count` of `total` (Sparck Jones 1972, as BM25 has it)."""
    return math.log(1 + (total - count + 0.5) / (count + 0.5))


def _weight(term: str, own: Iterable[str], at: Mapping[str, int]) -> float:
    if term in own:
        return NAME_WEIGHT
    return IDENTITY_WEIGHT if at[term] & Standing.IDENTITY else OPENING_WEIGHT


def _least_rarity(weight: float) -> float:
    return OPENING_RARITY if weight == OPENING_WEIGHT else OWN_RARITY


def _standings(asked: set[str], scope: Sequence[Member]) -> tuple[dict[int, dict[str, int]], dict[str, int]]:
    """Return where each version has the terms in its identity or opening, and how many versions have each anywhere."""
    sql = "SELECT term, version_id, standing FROM {} WHERE term = ANY(%s) AND version_id = ANY(%s)"
    standings: dict[int, dict[str, int]] = defaultdict(dict)
    holders: dict[str, int] = defaultdict(int)
    with connection.cursor() as cursor:
        cursor.execute(sql.format(Posting._meta.db_table), [sorted(asked), [member.version_id for member in scope]])
        for term, version_id, standing in cursor.fetchall():
            holders[term] += 1
            if standing:
                standings[version_id][term] = standing
    return standings, holders


@lru_cache(maxsize=50_000)
def name_terms(name: str, language: str) -> frozenset[str]:
    """Return the terms of a file's name: "AcmeInc_Supply%20Agreement.pdf" has acme, inc, acmeinc, supply, agreement."""
    plain = _JOINS.sub(" ", _ENDING.sub("", unquote_plus(name)))
    return frozenset(term.text for form in (plain, _CAMEL.sub(" ", plain)) for term in terms(form, language))
