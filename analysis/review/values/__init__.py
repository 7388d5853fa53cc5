"""Values that clauses state, in one form each: what a sentence says, and where in it.

    dates       "the 22nd day of August 2005"     2005-08-22
    durations   "thirty (30) days"                P30D (ISO 8601)
    amounts     "US$ 1,000,000.00"                1000000 USD;  "ten percent (10%)"  10 %
    places      "the laws of the State of Utah"   US-UT (ISO 3166)

What cannot be read with certainty is left out: a wrong date is worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from analysis.review.checklist import ValueKind
from analysis.review.values.amounts import amounts, percentages
from analysis.review.values.dates import dates
from analysis.review.values.durations import durations
from analysis.review.values.places import places
from analysis.types import ClauseValue

Reader = Callable[[str], list[ClauseValue]]


def _dates_then_durations(text: str) -> list[ClauseValue]:
    return dates(text) or durations(text)


_READERS: Mapping[ValueKind, Reader] = {
    ValueKind.DATE: dates,
    ValueKind.TERM: _dates_then_durations,
    ValueKind.DURATION: durations,
    ValueKind.AMOUNT: amounts,
    ValueKind.PERCENTAGE: percentages,
    ValueKind.JURISDICTION: places,
}


def values_of(kind: ValueKind, text: str) -> list[ClauseValue]:
    """Return the values of the kind that `text` states, in order; spans count from its start."""
    reader = _READERS.get(kind)
    return reader(text) if reader else []
