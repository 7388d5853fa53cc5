"""Skeletons: heads and what comments say first, in whole lines."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from analysis.ingest.parse.code import read_code
from analysis.ingest.parse.code.syntaxes import syntaxes
from analysis.repository.skeleton import head_of, skeleton
from analysis.types import ParsedSymbol

SOURCE = '''"""Letters.

All about them.
"""

import os


LIMIT = {
    "weight": 20,
}


@frozen
class Letter(
    Mail,
):
    """A letter.

    It has a stamp.
    """

    def __init__(self, text: str) -> None:  # noqa
        self.text = text

    def send(self): return self.text
'''

SKELETON = '''"""Letters.
LIMIT = {
class Letter(
    Mail,
):
    """A letter.
    def __init__(self, text: str) -> None:  # noqa
    def send(self): return self.text
'''


def symbols_of(text: str) -> tuple[ParsedSymbol, ...]:
    code = read_code(text, syntaxes()["python"])
    assert code is not None
    return code.symbols


def test_skeleton_reads_as_code():
    spans = skeleton(SOURCE, symbols_of(SOURCE))
    assert "".join(SOURCE[slice(*span)] for span in spans) == SKELETON


def test_head_is_where_the_signature_stands():
    for symbol in symbols_of(SOURCE):
        assert " ".join(SOURCE[slice(*head_of(SOURCE, symbol))].split()) == symbol.signature


def test_a_file_without_definitions_shows_its_first_lines_and_headings():
    lines = [f"line {n}\n" for n in range(30)]
    lines[20] = "## Usage\n"
    text = "".join(lines)
    assert "".join(text[slice(*span)] for span in skeleton(text, [])) == "".join(lines[:12]) + "## Usage\n"


def test_a_line_without_an_end_does_not_come_whole():
    text = "x = [" + "1," * 10_000 + "]\n"
    assert sum(end - start for start, end in skeleton(text, symbols_of(text))) < 500


@given(st.text("ab(): \n\tdefclass🙂=", min_size=1, max_size=400))
def test_spans_are_in_order_and_apart(text):
    spans = skeleton(text, symbols_of(text))
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(left.end_char < right.start_char for left, right in pairwise(spans))
