"""Figures in words, as pages and receipts say them."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor, log10
from typing import Any


def dollars(cost_usd: float) -> str:
    """Return a price as short as it can be said: "$0", "$0.0042", "$1.25"."""
    if cost_usd == 0:
        return "$0"
    return f"${cost_usd:.{max(2, 1 - floor(log10(cost_usd)))}f}"


def duration(seconds: float) -> str:
    """Return a time as it is spoken: "1.9 s", "48 s", "3 min 20 s", "1 h 5 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60:,} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def page_ranges(pages: Iterable[Any]) -> list[tuple[int, int]]:
    """Return (first, count) for pages given as numbers or as [first, last]."""
    ranges: list[tuple[int, int]] = []
    for entry in pages:
        first, last = (entry[0], entry[-1]) if isinstance(entry, list | tuple) else (entry, entry)
        if ranges and sum(ranges[-1]) == first:
            ranges[-1] = (ranges[-1][0], ranges[-1][1] + last - first + 1)
        else:
            ranges.append((first, last - first + 1))
    return ranges


def range_words(pages: Iterable[Any]) -> str:
    """Return pages as they are printed on a receipt: "1-4, 7"."""
    words = [(first, first + count - 1) for first, count in page_ranges(pages)]
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in words)
