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


def mean_interval(values: Sequence[float], clusters: Sequence[Hashable]) -> Interval:
    """Return the mean of `values` with its interval; clusters[i] is what values[i] belongs to.

    Raises ValueError when there are none.
    """
    groups = _grouped(values, clusters)
    sums = np.array([sum(group) for group in groups], np.float64)
    sizes = np.array([len(group) for group in groups], np.float64)
    means = [sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1) for drawn in _draws(len(groups), DRAWS)]
    return _interval(float(sums.sum() / sizes.sum()), np.concatenate(means), values, clusters)


def difference_interval(one: Sequence[float], other: Sequence[float], clusters: Sequence[Hashable]) -> Interval:
    """Return how much greater the mean of `other` is, paired: one[i] and other[i] are of the same question."""
    return mean_interval([b - a for a, b in zip(one, other, strict=True)], clusters)


def statistic_interval(
    statistic: Callable[[Sequence[T]], float], trials: Sequence[T], clusters: Sequence[Hashable]
) -> Interval:
    """Return a figure that is no mean over `trials`, such as an area under a curve, with its interval."""
    groups = _grouped(trials, clusters)
    drawn = (row for rows in _draws(len(groups), STATISTIC_DRAWS) for row in rows)
    figures = [statistic([trial for index in row for trial in groups[index]]) for row in drawn]
    return _interval(statistic(trials), np.array(figures), trials, clusters)


def _grouped(values: Sequence[T], clusters: Sequence[Hashable]) -> list[list[T]]:
    """Return the values of each cluster; of a single cluster each value, so that it too has an interval."""
    if not values:
        raise ValueError("Without trials there is no figure.")
    if len(set(clusters)) == 1:
        return [[value] for value in values]
    groups: dict[Hashable, list[T]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        groups.setdefault(cluster, []).append(value)
    return list(groups.values())


def _draws(groups: int, times: int) -> Iterator[NDArray[np.int64]]:
    """Yield int64[some, groups], `times` rows altogether: which groups each draw has, with replacement."""
    random = np.random.default_rng(SEED)
    at_once = max(1, DRAWN_AT_ONCE // groups)
    for start in range(0, times, at_once):
        yield random.integers(0, groups, (min(at_once, times - start), groups))


def _interval(
    value: float, drawn: NDArray[np.float64], trials: Sequence[object], clusters: Sequence[Hashable]
) -> Interval:
    outside = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(drawn, [outside, 100 - outside])
    return Interval(value, float(low), float(high), len(trials), len(set(clusters)))
