"""From what a query has found to the symbols of a file: what stands in what, their heads and their comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.ingest.parse.code.captures import Captures, Definition, Range
from analysis.ingest.parse.code.syntaxes import Syntax
from analysis.types import ParsedImport, ParsedSymbol, Span

SIGNATURE_CHARACTERS = 500
NAME_CHARACTERS = 200
PATH_CHARACTERS = 500
_LINE_CHARACTERS = 200
_SHORTEST_USE = 2
# What a function stands in when it is a method.
_TYPES = frozenset({"class", "interface", "struct", "enum", "trait", "type", "constant", "scope"})
# What is named by words or selectors, not by identifiers.
_SPACED = frozenset({"section", "rule"})
_OPENER = re.compile(r"(?:\s*(?:\{|:|;|=>?|->|\bis|\bas|\bdo|\bthen|\bbegin))+\s*$", re.I)
_NOT_OWNER = re.compile(r"\.prototype$|<.*|\[.*|[*&\s]")
_NO_OWNER = frozenset({"", "this", "self", "exports", "module.exports", "window", "globalThis"})
# Around a module's name: the statement's own word, and what says that all of it is taken.
_MODULE = re.compile(r"^import\s+|(?:::\*|\.[*_])$")
_GROUP = re.compile(r"(?P<module>.*?)(?:::|\\|\.)\{(?P<names>.*)\}", re.S)


class Characters:
    """Where the characters of a text stand in its UTF-8 bytes."""

    def __init__(self, source: bytes) -> None:
        self._before = None
        if not source.isascii():
            opens = (np.frombuffer(source, np.uint8) & 0xC0) != 0x80
            self._before = np.concatenate([[0], np.cumsum(opens)])

    def at(self, byte: int) -> int:
        """Return how many characters stand before `byte`, which opens one."""
        return byte if self._before is None else int(self._before[byte])

    def all_at(self, places: Sequence[int]) -> list[int]:
        """Return `at` of each."""
        return list(places) if self._before is None else [int(at) for at in self._before[np.array(places, np.int64)]]

    def span(self, found: Range) -> Span:
        """Return the characters of a range of bytes."""
        return Span(self.at(found.start), self.at(found.end))


@dataclass(frozen=True)
class _Container:
    """What definitions stand in. index: of its symbol; of a scope, that of its type if it is known."""

    kind: str
    name: str
    path: str
    start: int
    end: int
    index: int | None


def symbols(text: str, captures: Captures, syntax: Syntax, characters: Characters) -> tuple[ParsedSymbol, ...]:
    """Return the definitions in the order of the text, one before those that stand in it."""
    found: list[ParsedSymbol] = []
    types: dict[str, int] = {}
    containers: list[_Container] = []
    for captured, owner, symbol in _in_order(text, captures, characters):
        while containers and not _holds(containers[-1], symbol):
            containers.pop()
        around = containers[-1] if containers else None
        path = _path(around, _owner(owner), symbol.name, " > " if captured in _SPACED else ".")
        if captured == "scope":
            index = types.get(path, around.index if around else None)
            containers.append(_Container(captured, symbol.name, path, symbol.start_char, symbol.end_char, index))
            continue
        owned = types.get(path.rpartition(".")[0]) if owner else None
        parent = owned if owned is not None else around.index if around else None
        kind = _refined(captured, symbol.name, _owner(owner), around, syntax)
        containers.append(_Container(kind, symbol.name, path, symbol.start_char, symbol.end_char, len(found)))
        if kind in _TYPES:
            types.setdefault(path, len(found))
        found.append(replace(symbol, kind=kind, path=path[:PATH_CHARACTERS], parent=parent))
    return tuple(found)


def imports(captures: Captures, characters: Characters) -> tuple[ParsedImport, ...]:
    """Return the imports in the order of the text."""
    found = []
    for each in captures.imports:
        module, names = _MODULE.sub("", " ".join(each.module.split())).strip("\"'<>`"), tuple(each.taken)
        if not names and (group := _GROUP.fullmatch(module)):
            module, names = group["module"], tuple(_listed(group["names"]))
        found.append(ParsedImport(module[:SIGNATURE_CHARACTERS], names, *characters.span(each.whole)))
    return tuple(found)


def uses(captures: Captures, syntax: Syntax, characters: Characters) -> dict[str, tuple[int, ...]]:
    """Return where each identifier stands that is not being defined there."""
    found = captures.names_used(syntax.own).items()
    return {
        name: tuple(characters.all_at(places))
        for name, places in found
        if _SHORTEST_USE <= len(name) <= NAME_CHARACTERS
    }


def _in_order(text: str, captures: Captures, characters: Characters) -> list[tuple[str, str, ParsedSymbol]]:
    """Return each definition as (kind, owner, symbol), the symbol without its path and parent yet."""
    found = [_symbol(text, captures, each, characters) for each in captures.definitions.values()]
    places = [
        (symbol.start_char, -symbol.end_char, each.kind != "scope", symbol.name_start_char)
        for each, symbol in zip(captures.definitions.values(), found, strict=True)
    ]
    pairs = zip(places, captures.definitions.values(), found, strict=True)
    return [(each.kind, each.owner, symbol) for _, each, symbol in sorted(pairs, key=lambda pair: pair[0])]


def _symbol(text: str, captures: Captures, each: Definition, characters: Characters) -> ParsedSymbol:
    opening, comment = captures.opening(each.whole.start)
    whole = characters.span(Range(opening, captures.closing(each.whole)))
    name = characters.span(each.name)
    name = Span(name.start_char, min(name.end_char, name.start_char + NAME_CHARACTERS))
    doc = each.doc or comment
    head = characters.at(captures.head(each.whole.start))
    body = characters.at(each.body) if each.body else None
    return ParsedSymbol(
        kind=each.kind,
        name=text[slice(*name)],
        path="",
        signature=_signature(text, head, name.end_char, body, whole.end_char),
        start_char=whole.start_char,
        end_char=whole.end_char,
        name_start_char=name.start_char,
        name_end_char=name.end_char,
        doc=characters.span(doc) if doc else None,
    )


def _signature(text: str, head: int, name_end: int, body: int | None, end: int) -> str:
    """Return the head of a definition on one line: up to its body, or the line that has its name."""
    if body is None or body < name_end:
        line_end = text.find("\n", name_end, end)
        body = min(line_end if line_end >= 0 else end, max(name_end, head + _LINE_CHARACTERS))
    words = " ".join(text[head : min(body, head + 4 * SIGNATURE_CHARACTERS)].split())
    return (_OPENER.sub("", words) or words)[:SIGNATURE_CHARACTERS].rstrip()


def _holds(container: _Container, symbol: ParsedSymbol) -> bool:
    # Names of one statement share its span, and none of them holds the others.
    return symbol.end_char <= container.end and (container.start, container.end) != (symbol.start_char, symbol.end_char)


def _owner(owner: str) -> str:
    name = _NOT_OWNER.sub("", owner.strip()).replace("::", ".").strip(".")
    return "" if name in _NO_OWNER else name


def _path(around: _Container | None, owner: str, name: str, separator: str) -> str:
    return separator.join(part for part in (around.path if around else "", owner, name.replace("::", ".")) if part)


def _refined(kind: str, name: str, owner: str, around: _Container | None, syntax: Syntax) -> str:
    """Return what a function is called by where it stands."""
    inside = owner.rpartition(".")[2] or (around.name if around and around.kind in _TYPES else "")
    if kind not in {"function", "method"} or not inside:
        return kind
    made = name in syntax.constructors or ("=" in syntax.constructors and name == inside)
    return "constructor" if made else "method"


def _listed(names: str) -> Iterator[str]:
    """Yield what stands between the commas of a group of names, groups inside it kept whole."""
    depth, start = 0, 0
    for at, char in enumerate(names):
        depth += (char == "{") - (char == "}")
        if char == "," and not depth:
            yield from filter(None, [names[start:at].strip()])
            start = at + 1
    yield from filter(None, [names[start:].strip()])
