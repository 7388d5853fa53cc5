"""The measures of retrieval, extraction and classification, each a plain function of one question or of many.

Ranks count from 1. What the literature leaves open is said where it is decided, and each function has a test with
values that were worked out by hand.
"""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from analysis.types import Span

_PUNCTUATION = str.maketrans({**dict.fromkeys(".,;:", None), "/": " "})


class Place(NamedTuple):
    """A stretch of one of several documents: of characters, or of lines where both sides count lines; half-open."""

    document: str
    start: int
    end: int


class PrecisionRecall(NamedTuple):
    """Shares in [0, 1]: of what was returned that is right, and of what is right that was returned."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Their harmonic mean; 0 when both are 0."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


class Scored(NamedTuple):
    """A prediction: how sure it is, and whether it is right."""

    score: float
    right: bool


def character_scores(returned: Sequence[Place], gold: Sequence[Place], ks: Iterable[int]) -> dict[int, PrecisionRecall]:
    """Return precision and recall by character of the first `k` places, for each k (arXiv:2408.10343).

    A character counts once, however many places hold it. Precision is 0 when nothing was returned, recall is 1 when
    nothing was to be found.
    """
    wanted = _merged(gold)
    return {k: _overlap_scores(_merged(returned[:k]), wanted) for k in ks}


def words_of(text: str) -> set[str]:
    """Return the words as CUAD's own script has them: lower case, without `.,;:`, a slash as a space."""
    return set(text.lower().translate(_PUNCTUATION).split())


def word_jaccard(one: str, other: str) -> float:
    """Return the share of both texts' words that are in both, in [0, 1]; 0 when neither has any."""
    left, right = words_of(one), words_of(other)
    return len(left & right) / len(left | right) if left or right else 0.0


def span_match(predicted: str, gold: str, *, least: float = 0.5) -> bool:
    """Return whether a predicted span is the gold one: word Jaccard of at least `least` (Hendrycks et al. 2021)."""
    return word_jaccard(predicted, gold) >= least


def reciprocal_rank(ranked: Iterable[Hashable], gold: Container[Hashable]) -> float:
    """Return 1 / rank of the first right one, 0 when none is. Its mean over questions is the MRR."""
    return next((1 / rank for rank, one in enumerate(ranked, start=1) if one in gold), 0.0)


def recall_at(ranked: Iterable[Hashable], gold: Iterable[Hashable], k: int) -> float:
    """Return the share of `gold` among the first `k` different ones; 1 when there is nothing to be found.

    Of documents, pages or files, several hits of one count as one rank.
    """
    wanted = set(gold)
    first = list(dict.fromkeys(ranked))[:k]
    return len(wanted.intersection(first)) / len(wanted) if wanted else 1.0


def precision_recall_curve(ranked: Iterable[Scored], positives: int) -> list[PrecisionRecall]:
    """Return precision and recall at each score from the highest down; predictions of one score come together.

    positives: how many there are to be found, predicted or not.
    """
    by_score = groupby(sorted(ranked, key=lambda one: -one.score), key=lambda one: one.score)
    curve, predicted, right = [], 0, 0
    for _, group in by_score:
        alike = list(group)
        predicted, right = predicted + len(alike), right + sum(one.right for one in alike)
        curve.append(PrecisionRecall(right / predicted, right / positives if positives else 0.0))
    return curve


def average_precision(ranked: Iterable[Scored], positives: int) -> float:
    """Return the area under the precision-recall curve as a sum of steps, which never flatters; 0 without positives."""
    area, before = 0.0, 0.0
    for point in precision_recall_curve(ranked, positives):
        area += point.precision * (point.recall - before)
        before = point.recall
    return area


def area_under_curve(ranked: Iterable[Scored], positives: int) -> float:
    """Return the AUPR as CUAD's paper has it: each precision is the best at this recall or above, in trapezia."""
    area, before = 0.0, PrecisionRecall(1.0, 0.0)
    for point in _never_rising(precision_recall_curve(ranked, positives)):
        area += (point.recall - before.recall) * (point.precision + before.precision) / 2
        before = point
    return area


def precision_at_recall(ranked: Iterable[Scored], positives: int, *, recall: float) -> float:
    """Return the best precision at which at least `recall` of the positives are found; 0 when that many never are."""
    curve = precision_recall_curve(ranked, positives)
    return max((point.precision for point in curve if point.recall >= recall), default=0.0)


def label_scores(pairs: Iterable[tuple[Hashable, Hashable]], label: Hashable) -> PrecisionRecall:
    """Return precision and recall of one label over (gold, predicted); 0 where it was never predicted or never gold."""
    pairs = list(pairs)
    right = sum(gold == predicted == label for gold, predicted in pairs)
    predicted_so = sum(predicted == label for _, predicted in pairs)
    gold_so = sum(gold == label for gold, _ in pairs)
    return PrecisionRecall(right / predicted_so if predicted_so else 0.0, right / gold_so if gold_so else 0.0)


def overlaps(spans: Iterable[Span], gold: Span) -> bool:
    """Return whether any of the spans shares a character with `gold`."""
    return any(span.start_char < gold.end_char and gold.start_char < span.end_char for span in spans)


def _merged(places: Iterable[Place]) -> list[Place]:
    """Return the places in order, those of a document that touch or overlap as one; empty ones are left out."""
    merged: list[Place] = []
    for place in sorted(place for place in places if place.start < place.end):
        last = merged[-1] if merged else None
        if last and last.document == place.document and place.start <= last.end:
            merged[-1] = last._replace(end=max(last.end, place.end))
        else:
            merged.append(place)
    return merged


def _overlap_scores(returned: Sequence[Place], gold: Sequence[Place]) -> PrecisionRecall:
    shared = sum(
        max(0, min(one.end, other.end) - max(one.start, other.start))
        for one in returned
        for other in gold
        if one.document == other.document
    )
    returned_size, gold_size = (sum(place.end - place.start for place in places) for places in (returned, gold))
    return PrecisionRecall(shared / returned_size if returned_size else 0.0, shared / gold_size if gold_size else 1.0)


def _never_rising(curve: Sequence[PrecisionRecall]) -> list[PrecisionRecall]:
    best, levelled = 0.0, []
    for point in reversed(curve):
        best = max(best, point.precision)
        levelled.append(point._replace(precision=best))
    return levelled[::-1]
