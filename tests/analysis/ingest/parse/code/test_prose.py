"""Notebooks by cell, and prose by section."""

from __future__ import annotations

import json

from tests.analysis.ingest.parse.code.sources import outline, parsed


def notebook(*cells: dict, language: str = "python") -> str:
    return json.dumps({"nbformat": 4, "metadata": {"language_info": {"name": language}}, "cells": list(cells)})


def test_a_notebook_is_the_sources_of_its_cells(tmp_path):
    cells = (
        {"cell_type": "markdown", "source": ["# Weights\n", "All of them."]},
        {"cell_type": "code", "source": "import os\ndef weigh(x):\n    return x\n", "outputs": [{"text": "secret"}]},
        {"cell_type": "code", "source": "%matplotlib inline\ny = weigh(1)", "outputs": []},
    )
    document = parsed(tmp_path, "a.ipynb", notebook(*cells))
    assert document.text == (
        "# %% [1] markdown\n# Weights\nAll of them.\n\n"
        "# %% [2] code\nimport os\ndef weigh(x):\n    return x\n\n"
        "# %% [3] code\n%matplotlib inline\ny = weigh(1)\n\n"
    )
    assert outline(document) == [("function", "weigh", "def weigh(x)"), ("constant", "y", "y = weigh(1)")]
    assert [document.text[slice(*cell)].split("\n")[0] for cell in document.code.cells] == [
        "# %% [1] markdown",
        "# %% [2] code",
        "# %% [3] code",
    ]
    assert [document.text[at : at + 8] for at in document.code.uses["weigh"]] == ["weigh(1)"]
    assert [each.module for each in document.code.imports] == ["os"]
    assert (document.kind, document.code.syntax) == ("code", "notebook")
    assert [warning.code for warning in document.warnings] == ["notebook_outputs"]


def test_what_is_no_notebook_is_text(tmp_path):
    for text in ("{", "[]", '{"cells": 1}', "[" * 100_000, '{"cells": [{"source": 5}]}'):
        document = parsed(tmp_path, "a.ipynb", text)
        assert document.code.symbols == ()
        assert document.text in (text, "# %% [1] cell\n\n")


def test_halves_of_pairs_in_a_notebook_do_not_reach_the_text(tmp_path):
    document = parsed(tmp_path, "a.ipynb", '{"cells": [{"cell_type": "code", "source": "x = \'\\ud800\\u0000\'"}]}')
    assert document.text == "# %% [1] code\nx = '?\ufffd'\n\n"


def test_markdown_by_section(tmp_path):
    text = "# Post\n\nAll about it.\n\n## Send\n\nStamp it.\n\nWait\n----\n\nSome days.\n\n# End\n"
    document = parsed(tmp_path, "README.md", text)
    assert (document.kind, document.code.syntax) == ("markdown", "")
    assert outline(document) == [
        ("section", "Post", "# Post"),
        ("section", "Post > Send", "## Send"),
        ("section", "Post > Wait", "Wait"),
        ("section", "End", "# End"),
    ]
    assert [document.text[s.start_char : s.end_char] for s in document.code.symbols][1:3] == [
        "## Send\n\nStamp it.\n\n",
        "Wait\n----\n\nSome days.\n\n",
    ]
    assert [symbol.parent for symbol in document.code.symbols] == [None, 0, 0, None]
    assert [heading.title for heading in document.headings] == ["Post", "Send", "Wait", "End"]


def test_restructured_text_by_section(tmp_path):
    text = "====\nPost\n====\n\nAll.\n\nSend\n----\n\nStamp it.\n\nNo title\n--\n"
    document = parsed(tmp_path, "index.rst", text)
    assert (document.kind, document.code.syntax) == ("text", "")
    assert outline(document) == [("section", "Post", "Post"), ("section", "Post > Send", "Send")]


NAMES = ("Makefile", "LICENSE", "notes", "Dockerfile.dev")


def test_files_without_a_grammar_are_source_or_prose_by_their_name(tmp_path):
    kinds = {
        name: parsed(tmp_path, name, "all: build\n") for name in ("Makefile", "LICENSE", "notes", "Dockerfile.dev")
    }
    assert {name: (d.kind, d.code.syntax) for name, d in kinds.items()} == {
        "Makefile": ("code", "makefile"),
        "LICENSE": ("text", ""),
        "notes": ("text", ""),
        "Dockerfile.dev": ("code", "dockerfile"),
    }
