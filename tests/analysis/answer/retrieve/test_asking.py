"""Queries: what is asked without what names a document, and the words that are added."""

from __future__ import annotations

import pytest

from analysis.answer.retrieve.asking import ADDED_WEIGHT, asking, query_terms, thesaurus, without_names

NAMES = {"suppli", "agreement", "acm", "boreali", "inc"}


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("Consider the Supply Agreement between Acme Inc. and Borealis; what is the notice period?",
         "what is the notice period?"),
        ("What is the notice period in the Acme supply agreement?", "What is the notice period in the"),
        ("Acme supply agreement notice period", "notice period"),
        ("notice period", "notice period"),
        ("Acme supply agreement", "Acme supply agreement"),
    ],
)  # fmt: skip
def test_names_are_taken_out_whatever_stands_between_them(query: str, left: str):
    assert without_names(query, query_terms(query, ["en"]), NAMES, ["en"]) == left


def test_a_lawyers_word_brings_those_that_contracts_use():
    weights = asking("What is the expiration date?", ["en"]).weights
    assert weights["expir"] == weights["date"] == 1.0
    assert weights["term"] == weights["until"] == ADDED_WEIGHT


def test_words_of_asking_are_not_looked_for():
    assert (
        asking("Please tell me whether this contract has warranties", ["en"]).weights.keys() & {"pleas", "tell"}
        == set()
    )
    assert asking("the of and", ["en"]).weights == {}


def test_a_concept_is_found_as_a_phrase():
    assert "refus" in asking("right of first refusal", ["en"]).weights
    assert "negoti" not in asking("He was the first to sign.", ["en"]).weights


def test_each_language_has_its_own_concepts():
    assert asking("Gerichtsstand", ["de"]).weights["gericht"] == ADDED_WEIGHT
    assert asking("Gerichtsstand", ["en"]).weights == {"gerichtsstand": 1.0}


@pytest.mark.parametrize("language", ["en", "de", "zh"])
def test_the_thesaurus_is_complete(language: str):
    concepts = thesaurus(language)
    assert len(concepts) >= 10
    assert all(concept.written and all(concept.asked) for concept in concepts)
