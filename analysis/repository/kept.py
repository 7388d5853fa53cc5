"""Results that are worked out once for a snapshot: what is ready does not change any more."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

from analysis.models import Snapshot

Result = TypeVar("Result")

SNAPSHOTS_KEPT = 16  # by each process, for each function


def once_ready(function: Callable[[Snapshot], Result]) -> Callable[[Snapshot], Result]:
    """Return `function`, which keeps in memory what it gave for the snapshots it was last asked for.

    A snapshot that is still being read in is worked out every time. Results are shared: they must not be changed.
    """
    kept = lru_cache(SNAPSHOTS_KEPT)(function)  # a snapshot is hashed by its key, which is never given twice

    @wraps(function)
    def reading(snapshot: Snapshot) -> Result:
        return kept(snapshot) if snapshot.ready else function(snapshot)

    return reading
