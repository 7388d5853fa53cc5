"""What phrases of a checklist match, and what they do not."""

from __future__ import annotations

import pytest

from analysis.review.phrases import PhraseError, Phrases, phrase_of

CASES = [
    ("govern* ... (law|laws)", "This is governed by the laws of Utah.", True),
    ("govern* ... (law|laws)", "The laws that govern this", False),
    ("govern* ... (law|laws)", "governed " + "x" * 120 + " law", False),
    ("(automatically|) renew* for", "It renews for a year", True),
    ("(automatically|) renew* for", "it automatically renews for a year", True),
    ("renew* for", "prerenew for", False),
    ("non-compete", "a non-compete clause", True),
    ("non-compete", "a noncompete clause", True),
    ("non-compete", "NON COMPETE", True),
    ("favo(u|)red", "most favored", True),
    ("favo(u|)red", "most favoured", True),
    ("is (a|) party", "it is party to", True),
    ("is (a|) party", "it is a party to", True),
    ("is (a|) party", "it is aparty to", False),
    ("(percent|%) of", "5% of sales", True),
    ("(percent|%) of", "5 percent of sales", True),
    ("as of", 'as "of"', True),
    ("no. 5", "no. 5", True),
    ("no. 5", "nox 5", False),
    ("(sale of ... (assets|stock)|merger)", "a sale of all its assets", True),
    ("(sale of ... (assets|stock)|merger)", "a sale of wine", False),
    ("law", "", False),
]


@pytest.mark.parametrize(("phrase", "text", "stands"), CASES)
def test_a_phrase_stands_in_a_text(phrase: str, text: str, stands: bool) -> None:
    assert Phrases([phrase]).count(text) == stands


def test_each_phrase_counts_once_and_a_whole_text_may_be_one() -> None:
    phrases = Phrases(["law", "governing law", "assign*"])
    assert phrases.count("Governing law. The law of Utah is the law.") == 2
    assert phrases.whole("Governing Law")
    assert phrases.whole("Assignment")
    assert not phrases.whole("Governing Law and Jurisdiction")


@pytest.mark.parametrize("phrase", ["(law|laws", "law)"])
def test_a_phrase_with_a_lone_bracket_is_refused(phrase: str) -> None:
    with pytest.raises(PhraseError, match="cannot be read"):
        phrase_of(phrase)
