"""Search terms: the same for what is indexed and what is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.lexical import CODE, TERM_MAX_CHARACTERS, terms


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("The Suppliers' warranties", "en", ["supplier", "warranti"]),
        ("SWA’s and SWA's", "en", ["swa", "swa"]),
        ("Section 4.2(b), EUR 1,000.50", "en", ["section", "4.2", "b", "eur", "1,000.50"]),
        ("non-disclosure", "", ["non", "disclosur"]),
        ("Die Kündigungen der Verträge", "de", ["kundig", "vertrag"]),
        ("保密信息", "zh", ["保密", "密信", "信息"]),
        ("甲方ABC公司", "zh", ["甲方", "abc", "公司"]),
        ("法", "zh", ["法"]),
        ("ﬁnal Ｆｅｅ", "en", ["final", "fee"]),
        ("____ *** the of", "en", []),
    ],
)
def test_terms(text: str, language: str, found: list[str]):
    assert [term.text for term in terms(text, language)] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("parse_url", ["parseurl", "pars", "url"]),
        ("parseURL", ["parseurl", "pars", "url"]),
        ("ParseUrl PARSE_URL", ["parseurl", "pars", "url"] * 2),
        ("HTTPAdapter", ["httpadapter", "http", "adapt"]),
        ("Session.request", ["session", "request"]),
        ("self.__init__", ["init"]),
        ("the request's non-empty headers", ["request", "nonempty", "non", "empti", "header"]),
        ("sha256 v1.2 0x1F", ["sha256", "v1", "2", "0x1f"]),
        ("def f(x, y): return None", []),
        ("法律 url", ["法律", "url"]),
    ],
)
def test_names_in_code_are_found_whole_and_by_their_words(text: str, found: list[str]):
    assert [term.text for term in terms(text, CODE)] == found


@pytest.mark.parametrize("asked", ["parse_url", "parseURL", "parse url", "How are URLs parsed?", "`urls.parse_url()`"])
def test_whichever_way_a_name_is_asked_for_it_meets_what_is_indexed(asked: str):
    indexed = {term.text for term in terms("def parse_url(text: str) -> Url:", CODE)}
    assert {"pars", "url"} <= indexed & {term.text for term in terms(asked, CODE)}


@given(st.text(max_size=120), st.sampled_from(["", "en", "de", "zh", "xx", CODE]))
def test_terms_are_made_of_the_characters_they_point_at(text: str, language: str):
    found = list(terms(text, language))
    assert all(0 <= term.start_char < term.end_char <= len(text) for term in found)
    assert all(0 < len(term.text) <= TERM_MAX_CHARACTERS for term in found)
    assert [term.start_char for term in found] == sorted(term.start_char for term in found)
