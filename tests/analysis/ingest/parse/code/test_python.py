"""Python: names, kinds, paths, heads, spans, uses and imports, exactly."""

from __future__ import annotations

from tests.analysis.ingest.parse.code.sources import outline, parsed, taken

SOURCE = '''"""Notices that go out by post."""

import os, sys as system
from __future__ import annotations
from ..post import (stamp, Letter as Mail)
from .rules import *

# How many go out at once.
LIMIT = 10
low, high = 1, 2


@register("post")
# Sorted by street.
class Größe𝒳(Base):
    """A round of the postman.

    It ends at night.
    """

    street: str = ""

    def __init__(self, letters,
                 limit: int = LIMIT) -> None:
        def weigh(letter): return letter.weight
        self.letters = sorted(letters, key=weigh)

    @property
    def heaviest(self):  # the last one
        return self.letters[-1]


async def deliver(round): return stamp(round)
'''


def test_definitions_with_their_paths_and_heads(tmp_path):
    assert outline(parsed(tmp_path, "post/rounds.py", SOURCE)) == [
        ("constant", "LIMIT", "LIMIT = 10"),
        ("constant", "low", "low, high = 1, 2"),
        ("constant", "high", "low, high = 1, 2"),
        ("class", "Größe𝒳", "class Größe𝒳(Base)"),
        ("field", "Größe𝒳.street", 'street: str = ""'),
        ("constructor", "Größe𝒳.__init__", "def __init__(self, letters, limit: int = LIMIT) -> None"),
        ("function", "Größe𝒳.__init__.weigh", "def weigh(letter)"),
        ("method", "Größe𝒳.heaviest", "def heaviest(self)"),
        ("function", "deliver", "async def deliver(round)"),
    ]


def test_decorators_and_comments_belong_to_what_they_stand_before(tmp_path):
    document = parsed(tmp_path, "a.py", SOURCE)
    spans = {s.path: document.text[s.start_char : s.end_char] for s in document.code.symbols}
    assert spans["LIMIT"] == "# How many go out at once.\nLIMIT = 10"
    assert spans["Größe𝒳"].startswith('@register("post")\n# Sorted by street.\nclass')
    assert spans["Größe𝒳.heaviest"].startswith("@property\n")
    assert spans["deliver"] == "async def deliver(round): return stamp(round)"


def test_documentation_and_what_stands_in_what(tmp_path):
    document = parsed(tmp_path, "a.py", SOURCE)
    by_path = {symbol.path: symbol for symbol in document.code.symbols}
    docs = {path: document.text[slice(*symbol.doc)] for path, symbol in by_path.items() if symbol.doc}
    assert docs["Größe𝒳"].startswith('"""A round of the postman.')
    assert docs["LIMIT"] == "# How many go out at once."
    parents = [s.parent and document.code.symbols[s.parent].path for s in document.code.symbols]
    assert parents == [None] * 4 + ["Größe𝒳", "Größe𝒳", "Größe𝒳.__init__", "Größe𝒳", None]


def test_uses_are_all_but_the_definitions_own_names(tmp_path):
    document = parsed(tmp_path, "a.py", SOURCE)
    uses = document.code.uses
    assert "self" not in uses
    assert {name for name in uses if all(document.text.startswith(name, at) for at in uses[name])} == set(uses)
    assert [document.text[at - 6 : at] for at in uses["LIMIT"]] == ["int = "]
    assert len(uses["stamp"]) == 2
    assert len(uses["letters"]) == 4


def test_imports_as_they_are_written(tmp_path):
    assert taken(parsed(tmp_path, "a.py", SOURCE)) == [
        ("os", ()),
        ("sys", ()),
        ("__future__", ("annotations",)),
        ("..post", ("stamp", "Letter")),
        (".rules", ()),
    ]
