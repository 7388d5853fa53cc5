"""What texts say, in comparable form, and where their sentences end."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.sentences import split_sentences
from analysis.words import names, negated, quantities, references, words


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("thirty (30) days", {"30"}),
        ("$1,000,000.00", {"1000000"}),
        ("one hundred twenty dollars and 5%", {"120", "5"}),
        ("two hundred and fifty thousand", {"250000"}),
        ("Section 4.2 of page 9", set()),
        ("version 1.2.3", {"1.2.3"}),
        ("October 1,1996", {"1", "1996"}),
    ],
)
def test_quantities(text, numbers):
    assert quantities(text) == numbers


def test_references_are_numbers_that_point():
    assert references("see Section 4.2(b) and Article 12, within 30 days") == {"4.2", "12"}


def test_names_are_capitalised_words_inside_a_sentence():
    assert names("The Acme Inc. shall pay Bob. Then Licensee pays.") == {"acme", "inc", "bob", "licensee"}


def test_negation_governs_what_follows():
    governed = negated("Licensee shall not sublicense the Software")
    assert {word.stem for word in words("sublicensed")} <= governed
    assert {word.stem for word in words("Licensee")} & governed == set()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Acme Inc. pays U.S. $5.00 to J. Smith. It ends.", ["Acme Inc. pays U.S. $5.00 to J. Smith.", "It ends."]),
        ("1. Term. It begins on Jan. 1, 2020.", ["1. Term.", "It begins on Jan. 1, 2020."]),
        ("as follows:\n(a) one; and\n(b) two.", ["as follows:", "(a) one; and", "(b) two."]),
        ("TITLE\n\nBody text", ["TITLE", "Body text"]),
        ("乙方应付款。甲方接受。", ["乙方应付款。", "甲方接受。"]),
    ],
)
def test_sentences(text, sentences):
    assert [text[a:b] for a, b in split_sentences(text)] == sentences


@given(st.text())
def test_sentences_hold_every_character_that_is_not_space(text):
    spans = split_sentences(text)
    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(text.split())
    assert all(a < b for a, b in spans)
    assert all(left.end_char <= right.start_char for left, right in itertools.pairwise(spans))
