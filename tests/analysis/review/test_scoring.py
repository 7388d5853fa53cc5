"""Features of sentences worked out by hand, and the probabilities that they come to."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.review.checklist import Clause, ValueKind, built_in
from analysis.review.phrases import Phrases
from analysis.review.relevance import clause_asked, ranked, relevance
from analysis.review.scoring import clause_features, clause_probabilities, probabilities, question_features, word_shares
from analysis.review.sentences import embed, sentences_in
from analysis.types import ParsedHeading
from tests.analysis.review.meanings import word_vectors

TEXT = (
    "9. GOVERNING LAW\n\n"
    "This Agreement is governed by the laws of the State of Utah.\n\n"
    "10. NOTICES\n\n"
    "Notices are sent by post. Yes."
)
LAW_AT, NOTICES_AT = TEXT.index("9."), TEXT.index("10.")
HEADINGS = [
    ParsedHeading(1, "9", "GOVERNING LAW", LAW_AT, LAW_AT + 16, NOTICES_AT),
    ParsedHeading(1, "10", "NOTICES", NOTICES_AT, NOTICES_AT + 11, len(TEXT)),
]
LAW = "This Agreement is governed by the laws of the State of Utah."
CLAUSE = Clause(
    id="law",
    title="Law",
    asks="Which law applies?",
    value=ValueKind.JURISDICTION,
    names=Phrases(["law"]),
    cues=Phrases(["govern* ... law*", "laws of"]),
    hints=Phrases(["state"]),
    against=Phrases(["post"]),
    headings=Phrases(["governing law"]),
    examples=(LAW,),
)


def test_sentences_that_say_nothing_are_left_out_and_titles_are_those_of_the_sections() -> None:
    sentences = sentences_in(TEXT, HEADINGS, word_vectors)
    assert [TEXT[start:end] for start, end in sentences.spans] == [
        "9. GOVERNING LAW",
        LAW,
        "10. NOTICES",
        "Notices are sent by post.",
    ]
    assert sentences.titles == [("GOVERNING LAW",)] * 2 + [("NOTICES",)] * 2


def test_a_title_may_run_into_its_sentence() -> None:
    text = "4.2 Assignment and Transfer. No party may assign it. Bees live here.\n\nTERM: It lasts for years."
    assert sentences_in(text, [], word_vectors).titles[1:] == [("Assignment and Transfer",), (), ("TERM",)]


def test_what_is_looked_at_of_a_clause() -> None:
    sentences = sentences_in(TEXT, HEADINGS, word_vectors)
    rows = clause_features(CLAUSE, sentences, word_vectors)
    # meaning, a cue, a second cue, hints, against, heading, log of the content words
    assert rows[1].tolist() == pytest.approx([1, 1, 1, 1, 0, 1, math.log(4)], abs=1e-6)
    assert rows[3][1:].tolist() == pytest.approx([0, 0, 0, 1, 0, math.log(3)])


def test_what_is_looked_at_of_a_question() -> None:
    sentences = sentences_in(TEXT, HEADINGS, word_vectors)
    rows = question_features(LAW, sentences, word_vectors)
    assert rows[1][:2].tolist() == pytest.approx([1, 1], abs=1e-6)
    assert rows[1][0] > rows[3][0]
    assert question_features("governing law", sentences, word_vectors)[:, 2].tolist() == pytest.approx([1, 1, 0, 0])


def test_rare_words_of_the_question_weigh_more() -> None:
    stems = [frozenset({"good", "sold"}), frozenset({"good"}), frozenset({"ostrich"})]
    # "ostrich goods": log(1 + 3/1) for the one, log(1 + 3/2) for the other.
    ostrich, goods = math.log(4), math.log(2.5)
    total = ostrich + goods
    assert word_shares("ostrich goods", stems) == pytest.approx([goods / total, goods / total, ostrich / total])


def test_probabilities_are_the_logistic_function() -> None:
    found = probabilities(np.array([[0.0, 1.0], [2.0, 0.0]]), np.array([1.0, math.log(3), -2.0]))
    assert found.tolist() == pytest.approx([3 / (3 + math.e**2), 0.5])


def test_a_question_about_a_known_clause_is_scored_as_that_clause() -> None:
    clause = clause_asked("Which law governs this contract?", word_vectors)
    assert clause is built_in().by_id["governing-law"]
    assert clause_asked("Who painted the office green?", word_vectors) is None
    sentences = sentences_in(TEXT, HEADINGS, word_vectors)
    best = ranked("What is the governing law?", sentences, word_vectors)[0]
    assert TEXT[best.start_char : best.end_char] == LAW
    assert 0.8 < best.probability < 0.95
    assert relevance("Is there an insurance duty?", sentences, word_vectors).max() < 0.1


def test_a_text_without_sentences_has_nothing_relevant() -> None:
    sentences = sentences_in(" \n ", [], word_vectors)
    assert ranked("Which law governs this?", sentences, word_vectors) == []
    assert ranked("Who painted it?", sentences, word_vectors) == []


def test_a_plain_choice_of_law_is_known_without_a_heading_and_a_place_of_incorporation_is_none() -> None:
    text = (
        "This Affiliate Agreement shall be governed by the laws of the State of Delaware.\n\n"
        "The Supplier is a corporation organized and existing under the laws of the State of Florida."
    )
    chosen, incorporated = clause_probabilities(built_in().by_id["governing-law"], sentences_in(text, [], embed), embed)
    assert chosen > 0.3
    assert incorporated < 0.02
