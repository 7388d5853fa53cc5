"""What a person writes into a search beside words, to look into some files only.

    path:src/core   files in the folder, or with the name, wherever in the tree it is; `*` stands for any name
    -path:tests     files that are not there
    lang:python     files in the language
    symbol:Session.request   files that define it; its name is looked for

Several of one kind mean either of them. Documents beside the repositories are left out by all but `-path:`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext

from analysis.answer.retrieve import retrieve
from analysis.errors import UserError
from analysis.ingest.parse.code.syntaxes import syntax_of, syntaxes
from analysis.models import Document, Symbol
from analysis.types import Hit

KEYS = {"path": "path:src/core", "-path": "-path:tests", "lang": "lang:python", "symbol": "symbol:Session.request"}
BAD_FILTER = "bad_filter"

_FILTER = re.compile(r'(?<!\S)(?P<key>-?path|lang|symbol):(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]*))(?!\S)', re.I)
_BROKEN = re.compile(r'(?<!\S)(?:-?path|lang|symbol):\S*"', re.I)
_NEGATED = re.compile(r"(?<!\S)-(?P<key>lang|symbol):", re.I)


@dataclass(frozen=True)
class Filters:
    """What files have to be. syntaxes: languages by their names in syntaxes.toml."""

    paths: tuple[str, ...] = ()
    not_paths: tuple[str, ...] = ()
    syntaxes: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()


def search(query: str, *, documents: QuerySet[Document], limit: int) -> list[Hit]:
    """Return what `retrieve` finds for the words of a query in what its filters leave of `documents`.

    Raises UserError bad_filter, with what to write instead.
    """
    words, filters = filters_in(query)
    return retrieve(words, documents=narrowed(documents, filters), limit=limit)


def filters_in(query: str) -> tuple[str, Filters]:
    """Return the query without its filters, and these. Raises UserError bad_filter."""
    if negated := _NEGATED.search(query):
        raise _bad(
            gettext("Only a path can be left out, as in %(example)s; “%(path)s” cannot.")
            % {"example": KEYS["-path"], "path": negated[0]}
        )
    values: dict[str, list[str]] = {key: [] for key in KEYS}
    for match in _FILTER.finditer(query):
        key, value = match["key"].lower(), (match["quoted"] or match["plain"] or "").strip()
        if not value:
            raise _bad(
                gettext("Write what “%(key)s:” should be, without a space, as in %(example)s.")
                % {"key": key, "example": KEYS[key]}
            )
        values[key].append(value)
    words = " ".join(_FILTER.sub(" ", query).split())
    if _BROKEN.search(words):
        raise _bad(gettext('A filter with a quotation mark ends with one, as in path:"my folder".'))
    symbols = tuple(values["symbol"])
    words = " ".join([words, *symbols]).strip()
    if not words and any(values.values()):
        raise _bad(gettext("Say what to search for beside %(filter)s.") % {"filter": _FILTER.search(query)[0]})  # type: ignore[index]
    found = Filters(tuple(values["path"]), tuple(values["-path"]), tuple(map(_syntax, values["lang"])), symbols)
    return words, found


def narrowed(documents: QuerySet[Document], filters: Filters) -> QuerySet[Document]:
    """Return those of the documents that the filters leave."""
    if filters.paths:
        documents = documents.filter(_at(filters.paths), repository__isnull=False)
    if filters.not_paths:
        documents = documents.exclude(_at(filters.not_paths), repository__isnull=False)
    if filters.syntaxes:
        documents = documents.filter(version__syntax__in=filters.syntaxes)
    if filters.symbols:
        documents = documents.filter(Exists(_defining(filters.symbols)))
    return documents


def _at(paths: Iterable[str]) -> Q:
    """Return the condition that a file is at one of the paths, or under it."""
    where = Q()
    for path in paths:
        parts = (r"[^/]*".join(map(re.escape, part.split("*"))) for part in path.strip("/").split("**"))
        where |= Q(path__regex=rf"(^|/){'.*'.join(parts)}(/|$)")
    return where


def _defining(symbols: Iterable[str]) -> QuerySet[Symbol]:
    where = Q()
    for symbol in symbols:
        name = symbol.rpartition(".")[2]
        where |= Q(name=name) & (Q(path=symbol) | Q(path__endswith=f".{symbol}"))
    return Symbol.objects.filter(where, version=OuterRef("version"))


def _syntax(written: str) -> str:
    """Return the language that is meant: by its name, what people call it, or the ending of its files."""
    plain = written.lower().lstrip(".")
    for syntax in syntaxes().values():
        if plain in (syntax.name, syntax.title.lower()):
            return syntax.name
    if by_ending := syntax_of(f"x.{plain}"):
        return by_ending
    names = ", ".join(sorted(syntaxes()))
    raise _bad(
        gettext("“%(written)s” is no language that files are read in. These are: %(names)s.")
        % {"written": written, "names": names}
    )


def _bad(message: str) -> UserError:
    return UserError(message, code=BAD_FILTER)
