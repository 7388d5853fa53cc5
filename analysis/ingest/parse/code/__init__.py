"""Source files: the decoded file with CRLF made LF, and what it says about itself.

A file that no grammar gets through in time, or that breaks one, is text without symbols, with a warning that says so.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path

from analysis.ingest.parse.canonical import flow_pages
from analysis.ingest.parse.code.captures import Captures
from analysis.ingest.parse.code.grammars import Grammar, grammar, is_hopeless
from analysis.ingest.parse.code.joining import joined
from analysis.ingest.parse.code.symbols import Characters, imports, symbols, uses
from analysis.ingest.parse.code.syntaxes import Syntax, syntax_of, syntaxes
from analysis.ingest.parse.text import decode, encoding_warnings
from analysis.types import ParsedCode, ParsedDocument, Span, Warning

_TYPED = re.compile(r"""lang=["']?tsx?\b|/typescript""")
PARSE_SECONDS = 5.0
_TOO_HARD = "This file could not be taken apart as {title}; it is read as text, without symbols."


def parse_source(path: Path, name: str, *, plain: bool = False) -> ParsedDocument:
    """Return the file at `path`, which the repository has at `name`. plain: as text, without looking for symbols."""
    text, encoding = decode(path.read_bytes())
    text = text.replace("\r\n", "\n")
    warnings = encoding_warnings(text, encoding)
    found = syntax_of(name, text)
    syntax = syntaxes()[found] if found else None
    code = ParsedCode("" if syntax is None or syntax.prose else syntax.name)
    if syntax and not plain:
        read = read_code(text, syntax)
        code = read or code
        plain = read is None
    if plain and syntax:
        warnings.append(Warning("code_too_hard", _TOO_HARD.format(title=syntax.title)))
    kind = "code" if code.syntax else "text"
    return ParsedDocument(kind, text, flow_pages(text), [], {"encoding": encoding}, warnings, code=code)


def read_code(text: str, syntax: Syntax) -> ParsedCode | None:
    """Return what `text` says as source of `syntax`; None where that takes too long."""
    by = grammar(syntax.name)
    if by is None:
        return ParsedCode("" if syntax.prose else syntax.name)
    return _by_grammar(text, syntax, by)


def _by_grammar(text: str, syntax: Syntax, by: Grammar) -> ParsedCode | None:
    source = text.encode("utf-8", "replace")
    tree = by.parse(source, deadline=time.process_time() + PARSE_SECONDS)
    if tree is None or is_hopeless(tree):
        return None
    captures = Captures(source, by.matches(tree, source))
    characters = Characters(source)
    code = ParsedCode(
        syntax.name,
        symbols(text, captures, syntax, characters),
        uses(captures, syntax, characters),
        imports(captures, characters),
    )
    return with_scripts(text, code, [characters.span(found) for found in captures.within])


def with_scripts(text: str, code: ParsedCode, scripts: Iterable[Span]) -> ParsedCode:
    """Return `code` and what the scripts in a page say."""
    for start, end in scripts:
        tag = text[text.rfind("<", 0, start) : start]
        script = read_code(text[start:end], syntaxes()["typescript" if _TYPED.search(tag) else "javascript"])
        code = joined(code, script, start) if script else code
    return code
