"""What texts say, in comparable form, and where their sentences end."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.sentences import split_sentences
from analysis.words import in_digits, names, references


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("one hundred twenty dollars", "120 dollars"),
        ("two hundred and fifty thousand", "250000"),
        ("forty-two and seven", "42 and 7"),
        ("nine tenths; someone", "9 tenths; someone"),
    ],
)
def test_numbers_in_words_become_digits(text, digits):
    assert in_digits(text) == digits


def test_references_are_numbers_that_point():
    assert references("see Section 4.2(b) and Article 12, within 30 days") == {"4.2", "12"}


def test_names_are_capitalised_words_inside_a_sentence():
    assert names("The Acme Inc. shall pay Bob. Then Licensee pays.") == {"acme", "inc", "bob", "licensee"}


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
