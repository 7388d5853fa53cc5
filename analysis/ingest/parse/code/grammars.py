"""Grammars of tree-sitter with our queries, loaded where they are first needed; and trees, within limits.

The query of a language is `queries/LANGUAGE.scm`. What it captures, and how that is read: `symbols.py`.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Literal

from tree_sitter import Language, Node, Parser, Query, QueryCursor, Tree

from analysis.ingest.parse.code.syntaxes import syntaxes

_QUERIES = Path(__file__).with_name("queries")
_READ_BYTES = 1 << 16
# For each child of an error a query looks at all that follow: 100,000 of them take half a minute.
_MOST_ERROR_CHILDREN = 10_000
# So it does for each node at all that it stands in. No person nests deeper.
_DEEPEST = 2_000

Matches = list[tuple[int, dict[str, list[Node]]]]


@dataclass(frozen=True)
class Grammar:
    """A parser of one language and what is looked for in its trees."""

    language: Language
    query: Query

    def parse(self, source: bytes, *, deadline: float) -> Tree | None:
        """Return the tree of `source`; None where that takes longer than until `deadline`, of `time.process_time`."""
        # Slices: what is read at a time is copied.
        view = memoryview(source)
        parser = Parser(self.language)
        try:
            return parser.parse(
                lambda at, _: view[at : at + _READ_BYTES].tobytes(),
                encoding="utf8",
                progress_callback=lambda _at, _broken: time.process_time() > deadline,
            )
        except ValueError:
            return None

    def matches(self, tree: Tree, source: bytes) -> Matches:
        """Return what the query finds in the tree of `source`: the number of the pattern, and the nodes by capture.

        `(#like? @name "^--")` in a query holds where the words of that node match. The predicates of tree-sitter itself
        would fetch their words through the reader that `parse` was given, a hundred times slower.
        """

        def holds(
            predicate: str,
            args: list[tuple[str, Literal["capture", "string"]]],
            pattern_index: int,
            captures: dict[str, list[Node]],
        ) -> bool:
            (capture, _), (words, _) = args
            return all(re.search(words.encode(), source[slice(*node.byte_range)]) for node in captures[capture])

        cursor = QueryCursor(self.query)
        cursor.set_max_start_depth(_DEEPEST)
        return cursor.matches(tree.root_node, holds)


@cache
def grammar(syntax: str) -> Grammar | None:
    """Return the grammar of the language called `syntax`, None if it has none."""
    entry = syntaxes()[syntax]
    if not entry.grammar:
        return None
    package, _, function = entry.grammar.partition(".")
    language = Language(getattr(import_module(package), function)())
    queries = _QUERIES / f"{entry.queries or entry.name}.scm"
    return Grammar(language, Query(language, queries.read_text(encoding="utf-8")))


def is_hopeless(tree: Tree) -> bool:
    """Whether `tree` has an error so wide that looking for anything in it would take too long."""
    cursor = tree.walk()
    while node := cursor.node:
        if node.is_error and node.child_count > _MOST_ERROR_CHILDREN:
            return True
        if node.has_error and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return False
    return False
