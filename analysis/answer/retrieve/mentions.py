"""What a query names in a code base: files, folders and modules by their paths, and definitions by their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from django.db import connection

from analysis.answer.retrieve.naming import Member
from analysis.identifiers import has_code_shape, words_of
from analysis.models import Symbol
from analysis.types import Span

# How sure it is that a definition is meant: by a name that only code has, by one that begins with a capital, by words
# that together are its name ("parse url"), by a word of any sentence.
SHAPED, CAPITAL, JOINED, PLAIN = 1.0, 0.7, 0.8, 0.25
MOST_NAMES = 200
SHORTEST_WORD = 3
# A name that is defined more often than this says nothing about where to look.
MOST_DEFINITIONS = 200

_PATH = re.compile(r"(?<![\w/.-])(?:[\w.@+-]+/)+[\w.@+-]*|(?<![\w/.-])[\w@+-]+(?:\.[\w@+-]+)+")
_NAME = re.compile(r"[^\W\d]\w*(?:(?:\.|::|->|#)[^\W\d]\w*)*(?:\(\))?")
_JOINT = re.compile(r"\.|::|->|#")
_QUOTED = re.compile(r"`([^`\n]+)`")
_ENDING = re.compile(r"\.\w{1,6}$")


@dataclass(frozen=True)
class Definition:
    """A definition that a query names. value: how sure it is that this one is meant, in (0, 1]."""

    version_id: int
    name: str
    span: Span
    name_start_char: int
    value: float


@dataclass(frozen=True)
class Mentions:
    """What a query names. files: how far, in (0, 1], each version is named by its path."""

    files: Mapping[int, float] = field(default_factory=dict)
    definitions: Sequence[Definition] = ()


def mentions(query: str, scope: Sequence[Member]) -> Mentions:
    """Return the files and definitions of the scope that the query names."""
    names = dict(_names(query))
    return Mentions(_files(query, scope), _definitions(names, scope) if names else ())


def _files(query: str, scope: Sequence[Member]) -> dict[int, float]:
    """Return the versions that the query names by a path, a file's name, a folder or a dotted module."""
    found: dict[int, float] = {}
    for written in dict.fromkeys(match[0].strip("./") for match in _PATH.finditer(query)):
        for path in (written, written.replace(".", "/")) if "/" not in written else (written,):
            named = [member.version_id for member in scope if _is_at(member.path, path)]
            found |= dict.fromkeys(named, 1.0)
    return found


def _is_at(path: str, named: str) -> bool:
    """Return whether a file is what is named, by its whole path or the end of it, or stands in a folder so named."""
    slashed, inside = f"/{path}", f"/{named}"
    if "/" not in named:
        return slashed.endswith(inside)
    return f"{inside}/" in f"{slashed}/" or _ENDING.sub("", slashed).endswith(inside)


def _names(query: str) -> Iterator[tuple[str, float]]:
    """Yield the names that the query may mean, the surest last, each as `Name` or `Class.name`."""
    quoted = {name for match in _QUOTED.finditer(query) for name in _NAME.findall(match[1])}
    words = [match[0] for match in _NAME.finditer(query)]
    yield from ((name, JOINED) for joined in _joined(words) for name in joined)
    for word in words:
        plain = ".".join(_JOINT.split(word.removesuffix("()")))
        if has_code_shape(word) or word in quoted:
            yield from ((name, JOINED) for name in _ways_to_join([part.lower() for part in words_of(word)]))
            yield plain, SHAPED
        elif word[0].isupper():
            yield plain, CAPITAL
        elif len(word) >= SHORTEST_WORD:
            yield plain, PLAIN


def _joined(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield what two or three words beside each other are as one name, in the usual ways of joining them."""
    plain = [word.lower() if word.isalpha() else "" for word in words]
    for run in (*pairwise(plain), *zip(plain, plain[1:], plain[2:], strict=False)):
        if all(run):
            yield _ways_to_join(run)


def _ways_to_join(words: Sequence[str]) -> tuple[str, ...]:
    """Return `parse_url`, `ParseUrl` and `parseUrl` of "parse url"; nothing of fewer than two words."""
    capitals = "".join(word.capitalize() for word in words)
    return ("_".join(words), capitals, words[0] + capitals[len(words[0]) :]) if len(words) > 1 else ()


def _definitions(names: Mapping[str, float], scope: Sequence[Member]) -> list[Definition]:
    """Return where the scope defines these names."""
    by_last: dict[str, dict[str, float]] = defaultdict(dict)
    for name, sure in list(names.items())[-MOST_NAMES:]:
        by_last[name.rpartition(".")[2]][name] = sure
    held: dict[str, list[Definition]] = defaultdict(list)
    for name, path, *place in _rows(by_last, scope):
        sure = max((sure for asked, sure in by_last[name].items() if _means(asked, path)), default=0.0)
        if sure:
            version_id, start, end, name_start = place
            held[name].append(Definition(version_id, name, Span(start, end), name_start, sure))
    return [each for found in held.values() if len(found) <= MOST_DEFINITIONS for each in _shared(found)]


def _means(asked: str, path: str) -> bool:
    """Return whether "Session.request" is what is asked for: by its own name, by all of it, or by a class of its own.

    What stands before the last point may be a module too, which a symbol's path does not have.
    """
    wanted = asked.rpartition(".")[0].rpartition(".")[2]
    owner = path.rpartition(".")[0].rpartition(".")[2]
    return wanted in ("", owner) or not owner or wanted[0].islower()


def _shared(found: Sequence[Definition]) -> Iterator[Definition]:
    """Yield the definitions of one name; of many, each is less likely to be meant."""
    for each in found:
        yield replace(each, value=each.value / len(found) ** 0.5)


def _rows(names: Iterable[str], scope: Sequence[Member]) -> list[tuple]:  # type: ignore[type-arg]
    sql = (
        f"SELECT name, path, version_id, start_char, end_char, name_start_char FROM {Symbol._meta.db_table} "
        "WHERE name = ANY(%s) AND version_id = ANY(%s) ORDER BY name, version_id, start_char"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [sorted(names), [member.version_id for member in scope]])
        return list(cursor.fetchall())
