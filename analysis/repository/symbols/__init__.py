"""Symbols of a snapshot: what a file defines, where a name is defined and used, and finding one by part of its name."""

from analysis.repository.symbols.definitions import definitions
from analysis.repository.symbols.finding import find_symbols
from analysis.repository.symbols.references import FileReferences, Reference, references
from analysis.repository.symbols.rows import Definition, Nearness, outline, symbol_at

__all__ = [
    "Definition",
    "FileReferences",
    "Nearness",
    "Reference",
    "definitions",
    "find_symbols",
    "outline",
    "references",
    "symbol_at",
]
