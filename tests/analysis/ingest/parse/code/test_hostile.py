"""Broken and hostile source: what can be had, in bounded time, and never at the cost of the files beside it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.ingest.parse.code import read_code
from analysis.ingest.parse.code.syntaxes import syntaxes
from analysis.ingest.sandbox import parse_sources
from tests.analysis.ingest.parse.code.sources import outline, parsed

HOSTILE = {
    "brackets.py": "(" * 100_000,
    "nested.json": "[" * 100_000 + "]" * 100_000,
    "line.js": "var a = " + "b + " * 60_000 + "c;",
    "quotes.py": "'" * 100_000,
    "calls.rs": "fn f() { " + "g(" * 20_000 + ")" * 20_000 + " }",
    "noise.c": "".join(chr(n) for n in range(1, 256)) * 400,
}


def test_a_syntax_error_costs_no_more_than_where_it_stands(tmp_path):
    document = parsed(tmp_path, "a.py", "def first(): pass\n\ndef broken(:\n\ndef last(): pass\n")
    assert {("function", "first", "def first()"), ("function", "last", "def last()")} <= set(outline(document))


def test_bytes_that_are_no_text_become_marks_and_offsets_hold(tmp_path):
    document = parsed(tmp_path, "a.py", b"x = '\x00\x00'\r\ndef caf\xc3\xa9(): pass\r\n")
    assert document.text == "x = '\ufffd\ufffd'\ndef café(): pass\n"
    assert [path for _, path, _ in outline(document)] == ["x", "café"]


def test_text_in_an_old_encoding_is_read(tmp_path):
    document = parsed(tmp_path, "a.py", "# Größe\ndef größe(): pass\n".encode("cp1252"))
    assert outline(document) == [("function", "größe", "def größe()")]


def test_what_is_hostile_is_read_in_time_and_the_rest_beside_it(tmp_path):
    files = {"good.py": "def good(): pass\n", **HOSTILE, "last.py": "def last(): pass\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    started = time.monotonic()
    documents = parse_sources({name: tmp_path / name for name in files})
    assert time.monotonic() - started < 60
    assert {name: document.text for name, document in documents.items()} == files
    assert [outline(documents[name]) for name in ("good.py", "last.py")] == [
        [("function", "good", "def good()")],
        [("function", "last", "def last()")],
    ]
    assert [warning.code for warning in documents["brackets.py"].warnings] == ["code_too_hard"]


def test_a_file_that_ends_the_child_is_read_as_text(tmp_path, monkeypatch):
    # The child has no memory for the tree of this one, which takes a hundred times its size.
    monkeypatch.setattr("analysis.ingest.sandbox.env.parse_memory_bytes", 250 << 20)
    (tmp_path / "large.json").write_text("[" + "1,\n" * 600_000 + "1]")
    (tmp_path / "small.py").write_text("def small(): pass\n")
    documents = parse_sources({name: tmp_path / name for name in ("large.json", "small.py")})
    assert [w.code for w in documents["large.json"].warnings] == ["code_too_hard"]
    assert outline(documents["small.py"]) == [("function", "small", "def small()")]


@pytest.mark.parametrize("name", [name for name, syntax in syntaxes().items() if syntax.grammar])
def test_any_text_can_be_taken_for_any_language(name):
    syntax = syntaxes()[name]

    @settings(max_examples=25)
    @given(st.text("abc(){}[]<>:;=.\"'#/*\\-\n\t @$é🙂", max_size=120))
    def check(text):
        code = read_code(text, syntax)
        assert code is not None
        for symbol in code.symbols:
            assert text[symbol.name_start_char : symbol.name_end_char] == symbol.name
            assert 0 <= symbol.start_char <= symbol.end_char <= len(text)
        for used, places in code.uses.items():
            assert all(text.startswith(used, place) for place in places)

    check()
