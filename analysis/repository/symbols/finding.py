"""Symbols by part of their names: the beginning, the inside, or the beginnings of their words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from django.db.models import Case, IntegerField, When
from django.db.models.functions import Length

from analysis.models import Snapshot, Symbol
from analysis.repository.symbols.rows import Definition, completed, read
from analysis.repository.tree import aside, files_by_version

SYMBOLS_MAX = 50
CANDIDATES_MAX = 2000  # how many symbols a search weighs up
QUERY_CHARACTERS = 200
FUZZY = 3  # likeness from which on a symbol only resembles the query
HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")


def find_symbols(
    snapshot: Snapshot, query: str, limit: int = SYMBOLS_MAX, *, kinds: Iterable[str] = (), path: str = ""
) -> list[Definition]:
    """Return the symbols that `query` may mean, the likeliest first.

    query: a name, the beginning or the inside of one, "Session.request", or how its words begin: "SesReq" finds
    Session.request. kinds: only these, if any are given. path: only in this folder or file.
    """
    query = query.strip()[:QUERY_CHARACTERS]
    words = humps(query)
    if not words:
        return []
    files = {version: file for version, file in files_by_version(snapshot).items() if under(file.path, path)}
    rows = Symbol.objects.filter(version__in=list(files), path__iregex=".*".join(re.escape(word) for word in words))
    if wanted := tuple(kinds):
        rows = rows.filter(kind__in=wanted)
    candidates = rows.order_by(_exactness(query), Length("path"), "version", "ordinal")[:CANDIDATES_MAX]
    # Past exact names and beginnings of names, any place in the program is likelier than one in its tests.
    likely = [
        (min(likeness, FUZZY), aside(row.file_path), likeness, len(row.path), row.file_path, row.ordinal, row)
        for row in read(candidates, files)
        if (likeness := _likeness(query, words, row)) is not None
    ]
    likely.sort(key=lambda ranked: ranked[:-1])
    return completed([row for *_, row in likely[:limit]])


def humps(name: str) -> list[str]:
    """Return the words of an identifier: of "SesReq", "ses_req" and "Ses.Req" alike two."""
    return HUMPS.findall(name)


def under(file_path: str, path: str) -> bool:
    """Return whether the file is `path` or stands in the folder `path`; every file does when it is ""."""
    path = path.strip("/")
    return not path or file_path == path or file_path.startswith(f"{path}/")


def _exactness(query: str) -> Case:
    """Return what puts the best candidates within the first, in the database's words."""
    exact, starts = When(name__iexact=query, then=0), When(name__istartswith=query, then=1)
    return Case(exact, starts, default=2, output_field=IntegerField())


def _likeness(query: str, words: Sequence[str], row: Definition) -> int | None:
    """Return how well the symbol fits, 0 best; None when the query's words only happen to stand in its path."""
    asked, name, path = query.casefold(), row.name.casefold(), row.path.casefold()
    tests = (
        query in (row.name, row.path),
        asked in (name, path) or path.endswith(f".{asked}"),
        name.startswith(asked),
        _starts_words(words, humps(row.name)),
        asked in name,
        _starts_words(words, humps(row.path)),
        asked in path,
    )
    return next((rank for rank, holds in enumerate(tests) if holds), None)


def _starts_words(words: Sequence[str], of: Sequence[str]) -> bool:
    """Return whether each of `words` begins one of the words `of` a name, in their order."""
    rest = iter(word.casefold() for word in of)
    return all(any(there.startswith(word.casefold()) for there in rest) for word in words)
