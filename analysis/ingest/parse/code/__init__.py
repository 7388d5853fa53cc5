"""Source files: the decoded file with CRLF made LF, and what it says about itself.

A file that no grammar gets through in time, or that breaks one, is text without symbols, with a warning that says so.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from analysis.ingest.parse.canonical import flow_pages
from analysis.ingest.parse.code.captures import Captures
from analysis.ingest.parse.code.grammars import Grammar, grammar, is_hopeless
from analysis.ingest.parse.code.joining import joined
from analysis.ingest.parse.code.notebooks import Notebook, read_notebook
from analysis.ingest.parse.code.prose import headings_of, sections
from analysis.ingest.parse.code.secrets import secrets
from analysis.ingest.parse.code.symbols import Characters, imports, symbols, uses
from analysis.ingest.parse.code.syntaxes import Syntax, syntax_of, syntaxes
from analysis.ingest.parse.markdown_tables import markdown_tables
from analysis.ingest.parse.text import decode, encoding_warnings
from analysis.types import ParsedCode, ParsedDocument, Span, Warning

PARSE_SECONDS = 5.0
_TYPED = re.compile(r"""lang=["']?tsx?\b|/typescript""")
_TOO_HARD = "This file could not be taken apart as {title}; it is read as text, without symbols."
_NO_OUTPUTS = Warning("notebook_outputs", "What the cells of this notebook put out is left out.")


def parse_source(path: Path, name: str, *, plain: bool = False) -> ParsedDocument:
    """Return the file at `path`, which the repository has at `name`. plain: as text, without looking for symbols."""
    text, encoding = decode(path.read_bytes())
    text = text.replace("\r\n", "\n")
    found = syntax_of(name, text)
    syntax = syntaxes().get(found)
    document = _plain(text, syntax) if plain else _document(text, syntax)
    code = document.code or ParsedCode()
    return replace(
        document,
        metadata={"encoding": encoding, **document.metadata},
        warnings=[*encoding_warnings(document.text, encoding), *document.warnings],
        code=replace(code, secrets=secrets(document.text, found)),
    )


def _document(text: str, syntax: Syntax | None) -> ParsedDocument:
    if syntax and syntax.prose:
        return _prose(text, syntax)
    if syntax and syntax.name == "notebook":
        notebook = read_notebook(text)
        return _notebook(notebook, syntax) if notebook else _plain(text, syntax)
    code = read_code(text, syntax) if syntax else ParsedCode()
    if code is None:
        return _plain(text, syntax)
    return ParsedDocument("code" if syntax else "text", text, flow_pages(text), [], code=code)


def _plain(text: str, syntax: Syntax | None) -> ParsedDocument:
    """Return a file as text without symbols, with a warning where its language has some."""
    is_code = syntax is not None and not syntax.prose
    warnings = [Warning("code_too_hard", _TOO_HARD.format(title=syntax.title))] if syntax else []
    code = ParsedCode(syntax.name if syntax and is_code else "")
    return ParsedDocument("code" if is_code else "text", text, flow_pages(text), [], warnings=warnings, code=code)


def _prose(text: str, syntax: Syntax) -> ParsedDocument:
    headings = headings_of(text, syntax.name)
    is_markdown = syntax.name == "markdown"
    tables = markdown_tables(text) if is_markdown else []
    code = ParsedCode(symbols=sections(text, headings))
    kind = "markdown" if is_markdown else "text"
    return ParsedDocument(kind, text, flow_pages(text), headings, tables=tables, code=code)


def _notebook(notebook: Notebook, syntax: Syntax) -> ParsedDocument:
    code = ParsedCode(syntax.name, cells=notebook.cells)
    language = syntaxes().get(notebook.language)
    for start, end in notebook.code if language else ():
        cell = read_code(notebook.text[start:end], language) if language else None
        code = joined(code, cell, start) if cell else code
    warnings = [_NO_OUTPUTS] if notebook.has_outputs else []
    metadata = {"language": notebook.language}
    pages = flow_pages(notebook.text)
    return ParsedDocument("code", notebook.text, pages, [], metadata=metadata, warnings=warnings, code=code)


def read_code(text: str, syntax: Syntax) -> ParsedCode | None:
    """Return what `text` says as source of `syntax`; None where that takes too long."""
    by = grammar(syntax.name)
    if by is None:
        return ParsedCode(syntax.name)
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
    return _with_scripts(text, code, [characters.span(found) for found in captures.within])


def _with_scripts(text: str, code: ParsedCode, scripts: Iterable[Span]) -> ParsedCode:
    """Return `code` and what the scripts in a page say."""
    for start, end in scripts:
        tag = text[text.rfind("<", 0, start) : start]
        script = read_code(text[start:end], syntaxes()["typescript" if _TYPED.search(tag) else "javascript"])
        code = joined(code, script, start) if script else code
    return code
