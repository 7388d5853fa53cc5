"""Which symbols a change adds, takes away, declares otherwise or only fills otherwise."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from analysis.models import Symbol
from analysis.repository.changes import BATCH, FileChange
from analysis.repository.lines import line_tables
from analysis.repository.texts import texts_of
from analysis.repository.tree import FileNode

Key = tuple[str, str, int]  # path, kind, and which of those that share both


class SymbolChangeKind(StrEnum):
    """What became of a symbol."""

    ADDED = "added"
    REMOVED = "removed"
    SIGNATURE = "signature"  # it is called or declared otherwise
    BODY = "body"  # it does something else, called as before


@dataclass(frozen=True)
class SymbolChange:
    """A symbol that is not as it was. file_path: of its file now, or last. path: its own.

    *_signature: "" where it is not. *_line: where it begins, None where it is not.
    """

    kind: SymbolChangeKind
    file_path: str
    path: str
    symbol_kind: str
    old_signature: str = ""
    new_signature: str = ""
    old_line: int | None = None
    new_line: int | None = None


@dataclass(frozen=True)
class _Side:
    """A symbol in one of two versions. within: what it stands in. own: its text but for the symbols in it."""

    signature: str
    line: int
    within: Key | None
    own: int


def changed_symbols(changes: Sequence[FileChange]) -> list[SymbolChange]:
    """Return the symbols that differ in the files that changed, file by file, in the order of the text.

    Symbols are the same if their paths and kinds are; of several such ones in a file, in their order. What stands in a
    symbol that is new or gone is not named besides, nor is one whose parts alone have changed.
    """
    found: list[SymbolChange] = []
    for start in range(0, len(changes), BATCH):
        batch = changes[start : start + BATCH]
        sides = _sides([file for change in batch for file in (change.old, change.new) if file and file.version_id])
        for change in batch:
            found += _in_file(change.path, _side(sides, change.old), _side(sides, change.new))
    return found


def _side(sides: Mapping[int, dict[Key, _Side]], file: FileNode | None) -> dict[Key, _Side]:
    return sides.get(file.version_id, {}) if file and file.version_id else {}


def _sides(files: Sequence[FileNode]) -> dict[int, dict[Key, _Side]]:
    """Return the symbols of each version by what they are compared by, in the order of the text."""
    versions = [file.version_id for file in files if file.version_id]
    tables = line_tables(versions)
    symbols: dict[int, list[Symbol]] = defaultdict(list)
    for symbol in Symbol.objects.filter(version__in=versions).order_by("version", "ordinal"):
        symbols[symbol.version_id].append(symbol)
    sides = {}
    for file, text in texts_of(files):
        version = file.version_id or 0
        keys, own = _keys(symbols[version]), _own(symbols[version], text)
        sides[version] = {
            keys[symbol.ordinal]: _Side(
                symbol.signature,
                tables[version].line_of(symbol.start_char),
                None if symbol.parent is None else keys.get(symbol.parent),
                own[symbol.ordinal],
            )
            for symbol in symbols[version]
        }
    return sides


def _keys(symbols: Sequence[Symbol]) -> dict[int, Key]:
    seen: Counter[tuple[str, str]] = Counter()
    keys = {}
    for symbol in symbols:
        pair = symbol.path, symbol.kind
        keys[symbol.ordinal] = (*pair, seen[pair])
        seen[pair] += 1
    return keys


def _own(symbols: Sequence[Symbol], text: str) -> dict[int, int]:
    """Return the hash of each symbol's text without the symbols that stand in it."""
    inner: dict[int, list[Symbol]] = defaultdict(list)
    for symbol in symbols:
        if symbol.parent is not None:
            inner[symbol.parent].append(symbol)
    return {symbol.ordinal: hash(tuple(_pieces(symbol, inner[symbol.ordinal], text))) for symbol in symbols}


def _pieces(symbol: Symbol, inner: Sequence[Symbol], text: str) -> Iterator[str]:
    at = symbol.start_char
    for part in inner:
        yield text[at : part.start_char].strip()
        at = max(at, part.end_char)
    yield text[at : symbol.end_char].strip()


def _in_file(path: str, old: Mapping[Key, _Side], new: Mapping[Key, _Side]) -> Iterator[SymbolChange]:
    for key, side in new.items():
        before = old.get(key)
        if before is None:
            if side.within not in new or side.within in old:
                yield _change(SymbolChangeKind.ADDED, path, key, None, side)
        elif before.signature != side.signature:
            yield _change(SymbolChangeKind.SIGNATURE, path, key, before, side)
        elif before.own != side.own:
            yield _change(SymbolChangeKind.BODY, path, key, before, side)
    for key, side in old.items():
        if key not in new and (side.within not in old or side.within in new):
            yield _change(SymbolChangeKind.REMOVED, path, key, side, None)


def _change(kind: SymbolChangeKind, path: str, key: Key, old: _Side | None, new: _Side | None) -> SymbolChange:
    return SymbolChange(
        kind,
        path,
        key[0],
        key[1],
        old_signature=old.signature if old else "",
        new_signature=new.signature if new else "",
        old_line=old.line if old else None,
        new_line=new.line if new else None,
    )
