"""Source in parts: what is found in each, as one."""

from __future__ import annotations

from dataclasses import replace

from analysis.types import ParsedCode, ParsedImport, ParsedSymbol, Span


def joined(code: ParsedCode, part: ParsedCode, start_char: int) -> ParsedCode:
    """Return `code` with what was found in a part of its text, which starts at `start_char` and ends what was read.

    Symbols of the part stand behind those that are known, so that parents keep their places.
    """
    symbols = tuple(_moved_symbol(symbol, start_char, len(code.symbols)) for symbol in part.symbols)
    uses = dict(code.uses)
    for name, places in part.uses.items():
        uses[name] = tuple(sorted((*uses.get(name, ()), *(place + start_char for place in places))))
    imports = tuple(_moved_import(each, start_char) for each in part.imports)
    return replace(code, symbols=code.symbols + symbols, uses=uses, imports=code.imports + imports)


def _moved_symbol(symbol: ParsedSymbol, by: int, before: int) -> ParsedSymbol:
    return replace(
        symbol,
        start_char=symbol.start_char + by,
        end_char=symbol.end_char + by,
        name_start_char=symbol.name_start_char + by,
        name_end_char=symbol.name_end_char + by,
        parent=None if symbol.parent is None else symbol.parent + before,
        doc=symbol.doc and Span(symbol.doc.start_char + by, symbol.doc.end_char + by),
    )


def _moved_import(each: ParsedImport, by: int) -> ParsedImport:
    return replace(each, start_char=each.start_char + by, end_char=each.end_char + by)
