"""Names in source code."""

from __future__ import annotations

import pytest

from analysis.identifiers import has_code_shape, words_of


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("parse_url", ("parse", "url")),
        ("parseURL", ("parse", "URL")),
        ("HTTPAdapter_v2", ("HTTP", "Adapter", "v2")),
        ("__init__", ("init",)),
        ("MAX_SIZE", ("MAX", "SIZE")),
        ("sha256", ("sha256",)),
        ("größe_ändern", ("größe", "ändern")),
        ("parseURLs", ("parse", "URLs")),
        ("_", ()),
    ],
)
def test_words_of_a_name(name: str, words: tuple[str, ...]):
    assert words_of(name) == words


@pytest.mark.parametrize("word", ["parse_url", "parseUrl", "HTTPAdapter", "send()", "a.b_c", "__init__", "MAX_SIZE"])
def test_names_that_only_code_has(word: str):
    assert has_code_shape(word)


@pytest.mark.parametrize("word", ["Session", "HTTP", "e.g", "_emphasis_", "HTTPS", "word", "Inc."])
def test_words_that_prose_has_too(word: str):
    assert not has_code_shape(word)
