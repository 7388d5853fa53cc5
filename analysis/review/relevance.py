"""Which sentences of a text answer a question, each with a probability that means the same in every document.

A question about a kind of clause that the built-in checklist knows is scored as that clause, any other one by its own
words and meaning.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from analysis.review.checklist import Clause, built_in
from analysis.review.scoring import clause_probabilities, question_probabilities
from analysis.review.sentences import Meaning, Sentences, embed, sentences_in
from analysis.types import RelevantSpan, Source

# Cosine of question and clause, and what a name of the clause in the question adds, once or twice.
NAME_SHARE = 0.2
MOST_NAMES = 2
# A question is about a clause from here on. Of 82 questions made from CUAD's categories 79 find theirs, three another;
# of 100 about merger agreements, none of them about a clause of the checklist, none finds one.
LEAST_ALIKE = 0.6


def relevant_in(question: str, source: Source, meaning: Meaning | None = None) -> list[RelevantSpan]:
    """Return the sentences of a part, as spans of its version; see `ranked`. meaning: texts to vectors."""
    sentences = sentences_in(source.text, [], meaning or embed)
    found = ranked(question, sentences, meaning)
    return [
        RelevantSpan(source.start_char + s.start_char, source.start_char + s.end_char, s.probability) for s in found
    ]


def ranked(question: str, sentences: Sentences, meaning: Meaning | None = None) -> list[RelevantSpan]:
    """Return the sentences with the probability that they answer `question`, the most probable first."""
    probabilities = relevance(question, sentences, meaning or embed)
    order = np.argsort(-probabilities, kind="stable")
    placed = [(sentences.spans[i], float(probabilities[i])) for i in order]
    return [RelevantSpan(span.start_char, span.end_char, probability) for span, probability in placed]


def relevance(question: str, sentences: Sentences, meaning: Meaning) -> NDArray[np.float64]:
    """Return for each sentence how probable it is, in [0, 1], that it answers the question."""
    clause = clause_asked(question, meaning)
    if clause is not None:
        return clause_probabilities(clause, sentences, meaning)
    return question_probabilities(question, sentences, meaning)


def clause_asked(question: str, meaning: Meaning) -> Clause | None:
    """Return the clause of the built-in checklist that the question is about, None if it is about none."""
    clauses = built_in().clauses
    named = np.array([min(clause.names.count(question), MOST_NAMES) for clause in clauses])
    if not named.any():
        return None
    alike = (_asks(meaning) @ meaning([question])[0]).max(axis=1) + NAME_SHARE * named
    best = int(np.where(named > 0, alike, 0.0).argmax())
    return clauses[best] if alike[best] >= LEAST_ALIKE else None


@cache
def _asks(meaning: Meaning) -> NDArray[np.float32]:
    """Return float32[clauses, 2, dims]: each clause's title and what it asks."""
    clauses = built_in().clauses
    titles, asks = meaning([c.title for c in clauses]), meaning([c.asks for c in clauses])
    return np.stack([titles, asks], axis=1)
