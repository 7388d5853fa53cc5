"""How far a figure may be off by the chance of which questions were asked: percentile bootstrap (Efron 1979).

Questions on one document fail together, so whole documents are drawn, not questions (the cluster bootstrap of Field and
Welsh, JRSS B 2007). Where all are on one document, questions are drawn after all, and the interval speaks for that
document only. Seeded: the same trials have the same interval.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
# A figure that is worked out anew for each draw takes longer than a mean.
STATISTIC_DRAWS = 400
SEED = 20261125
CONFIDENCE = 0.95
# Tens of thousands of trials drawn thousands of times would not fit into memory.
DRAWN_AT_ONCE = 1_000_000

T = TypeVar("T")


class Interval(NamedTuple):
    """A figure with where it would lie in 95 of 100 such samples. trials, clusters: how many there were."""

    value: float
    low: float
    high: float
    trials: int
    clusters: int


def mean_interval(
    values: Sequence[float], clusters: Sequence[Hashable], categories: Sequence[Hashable] | None = None
) -> Interval:
    """Return the mean of `values` with its interval; clusters[i] is what values[i] belongs to.

    categories: the mean of their means instead, so that each counts alike, however many values it has.
    Raises ValueError when there are no values.
    """
    rows = _numbered(_drawn_by(values, clusters))
    columns = _numbered(categories) if categories else np.zeros(len(values), np.int64)
    sums = np.zeros((rows.max() + 1, columns.max() + 1))
    sizes = np.zeros_like(sums)
    np.add.at(sums, (rows, columns), values)
    np.add.at(sizes, (rows, columns), 1)
    draws = _draws(len(sums), DRAWS, width=sums.shape[1])
    means = [_mean_of_means(sums[drawn].sum(axis=1), sizes[drawn].sum(axis=1)) for drawn in draws]
    value = float(_mean_of_means(sums.sum(axis=0, keepdims=True), sizes.sum(axis=0, keepdims=True))[0])
    return _interval(value, np.concatenate(means), values, clusters)


def difference_interval(
    one: Sequence[float],
    other: Sequence[float],
    clusters: Sequence[Hashable],
    categories: Sequence[Hashable] | None = None,
) -> Interval:
    """Return how much greater the mean of `other` is, paired: one[i] and other[i] are of the same question."""
    return mean_interval([b - a for a, b in zip(one, other, strict=True)], clusters, categories)


def statistic_interval(
    statistic: Callable[[Sequence[T]], float], trials: Sequence[T], clusters: Sequence[Hashable]
) -> Interval:
    """Return a figure that is no mean over `trials`, such as an area under a curve, with its interval."""
    members: dict[Hashable, list[T]] = {}
    for trial, group in zip(trials, _drawn_by(trials, clusters), strict=True):
        members.setdefault(group, []).append(trial)
    groups = list(members.values())
    drawn = (row for rows in _draws(len(groups), STATISTIC_DRAWS) for row in rows)
    figures = [statistic([trial for index in row for trial in groups[index]]) for row in drawn]
    return _interval(statistic(trials), np.array(figures), trials, clusters)


def _drawn_by(values: Sequence[object], clusters: Sequence[Hashable]) -> Sequence[Hashable]:
    """Return what each value is drawn together with: its cluster, or itself where all are of a single one."""
    if not values:
        raise ValueError("Without trials there is no figure.")
    return clusters if len(set(clusters)) > 1 else range(len(values))


def _numbered(names: Sequence[Hashable]) -> NDArray[np.int64]:
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], np.int64)


def _mean_of_means(sums: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return float64[draws] of float64[draws, categories]; a category that a draw has nothing of is left out."""
    held = sizes > 0
    means = np.divide(sums, sizes, out=np.zeros_like(sums), where=held)
    averaged: NDArray[np.float64] = means.sum(axis=1) / held.sum(axis=1)
    return averaged


def _draws(groups: int, times: int, *, width: int = 1) -> Iterator[NDArray[np.int64]]:
    """Yield int64[some, groups], `times` rows altogether: which groups each draw has, with replacement.

    width: how many numbers are looked up for each group, since they have to fit into memory together.
    """
    random = np.random.default_rng(SEED)
    at_once = max(1, DRAWN_AT_ONCE // (groups * width))
    for start in range(0, times, at_once):
        yield random.integers(0, groups, (min(at_once, times - start), groups))


def _interval(
    value: float, drawn: NDArray[np.float64], trials: Sequence[object], clusters: Sequence[Hashable]
) -> Interval:
    outside = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(drawn, [outside, 100 - outside])
    return Interval(value, float(low), float(high), len(trials), len(set(clusters)))
