"""Figures in words, as pages and receipts say them."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor, log10
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext_lazy

# What is counted in words, in the reader's language.
COUNTED = {
    "call": ngettext_lazy("%(shown)s call", "%(shown)s calls", "count"),
    "document": ngettext_lazy("%(shown)s document", "%(shown)s documents", "count"),
    "earlier question": ngettext_lazy("%(shown)s earlier question", "%(shown)s earlier questions", "count"),
    "file": ngettext_lazy("%(shown)s file", "%(shown)s files", "count"),
    "line": ngettext_lazy("%(shown)s line", "%(shown)s lines", "count"),
    "page": ngettext_lazy("%(shown)s page", "%(shown)s pages", "count"),
    "part": ngettext_lazy("%(shown)s part", "%(shown)s parts", "count"),
    "place": ngettext_lazy("%(shown)s place", "%(shown)s places", "count"),
    "token": ngettext_lazy("%(shown)s token", "%(shown)s tokens", "count"),
}


def dollars(cost_usd: float) -> str:
    """Return a price as short as it can be said: "$0", "$0.0042", "$1.25"."""
    if cost_usd == 0:
        return "$0"
    return f"${cost_usd:.{max(2, 1 - floor(log10(cost_usd)))}f}"


def duration(seconds: float) -> str:
    """Return a time as it is spoken: "1.9 s", "48 s", "3 min 20 s", "1 h 5 min"."""
    if seconds < 10:
        return f"{number_format(seconds, 1)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return gettext("%(hours)s h %(minutes)s min") % {"hours": intcomma(minutes // 60), "minutes": minutes % 60}
    return (gettext("%(minutes)s min %(rest)s s") % {"minutes": minutes, "rest": rest}) if minutes else f"{rest} s"


def counted(count: int, noun: str) -> str:
    """Return "1 page", "1,200 pages"; noun: one of `COUNTED`."""
    return str(COUNTED[noun] % {"count": count, "shown": intcomma(count)})


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
