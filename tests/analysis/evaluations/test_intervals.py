"""Bootstrap intervals: the figure exact, the interval where theory has it, and the same each time."""

from __future__ import annotations

import math

import pytest

from analysis.evaluations.intervals import difference_interval, mean_interval, statistic_interval


def test_of_independent_trials_the_interval_is_that_of_the_normal_distribution() -> None:
    values = [1.0] * 60 + [0.0] * 140
    found = mean_interval(values, range(200))
    error = 1.96 * math.sqrt(0.3 * 0.7 / 200)
    assert (found.value, found.trials, found.clusters) == (pytest.approx(0.3), 200, 200)
    assert found.low == pytest.approx(0.3 - error, abs=0.012)
    assert found.high == pytest.approx(0.3 + error, abs=0.012)
    assert mean_interval(values, range(200)) == found


def test_trials_on_one_document_are_drawn_together() -> None:
    values = [1.0] * 60 + [0.0] * 140
    apart, together = mean_interval(values, range(200)), mean_interval(values, [index // 20 for index in range(200)])
    assert together.clusters == 10
    # Ten documents of which three are right: sqrt(20) times as wide.
    assert (together.high - together.low) / (apart.high - apart.low) == pytest.approx(math.sqrt(20), rel=0.12)


def test_documents_of_different_size_weigh_what_they_hold() -> None:
    assert mean_interval([1.0, 0.0, 0.0, 0.0], ["a", "b", "b", "b"]).value == 0.25
    assert mean_interval([1.0, 0.0, 0.0, 0.0], ["a", "b", "b", "b"])[1:3] == (0.0, 1.0)


def test_questions_on_a_single_document_have_an_interval_too() -> None:
    found = mean_interval([1.0, 0.0] * 50, ["only"] * 100)
    assert found.clusters == 1
    assert found.low < 0.45 < 0.55 < found.high


def test_categories_count_alike_where_asked() -> None:
    values, kinds = [1.0, 1.0, 1.0, 0.0], ["nda", "nda", "nda", "lease"]
    found = mean_interval(values, "abcd", kinds)
    assert found.value == 0.5
    # Three draws in ten have no lease and so 1; one of leases alone, with 0, comes once in 256.
    assert (found.low, found.high) == (0.5, 1.0)
    assert mean_interval(values, "abcd").value == 0.75


def test_a_difference_is_that_of_the_same_question() -> None:
    one = [0.0, 1.0] * 50
    better = [value / 2 + 0.25 for value in one]
    assert difference_interval(one, better, range(100))[0] == pytest.approx(0.0)
    steady = difference_interval(one, [value + 0.1 for value in one], range(100))
    assert steady[:3] == pytest.approx((0.1, 0.1, 0.1))


def test_a_figure_that_is_no_mean() -> None:
    found = statistic_interval(max, [1, 2, 3, 4], "abcd")
    assert (found.value, found.high) == (4, 4)
    assert found.low < 4


def test_without_trials_there_is_no_figure() -> None:
    with pytest.raises(ValueError, match="Without trials"):
        mean_interval([], [])
