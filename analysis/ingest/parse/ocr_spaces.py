"""Blanks between words of a recognised line, from the gaps in its picture.

The recogniser was trained on Chinese and English together and often runs English words into one; the picture shows
where they part.
"""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

# Shares of a line's height. A blank of common fonts is 0.2 of it and more, the gap between two letters below 0.1.
_LEAST_BLANK = 0.16
# A gap is a blank when it is nearly as wide as those that the recogniser saw in the same line.
_LIKE_SEEN = 0.7


def with_blanks(text: str, places: list[float], picture: NDArray[np.uint8]) -> tuple[str, list[float]]:
    """Return the line with the blanks that its picture shows, and where each character stands.

    places: the middle of each character, as a fraction of the line's width, ascending. picture: uint8[h, w, 3].
    """
    gaps = _gaps(picture)
    em = picture.shape[0] / picture.shape[1]
    least = max(_LEAST_BLANK * em, _least_seen(text, places, gaps))
    chars = list(zip(text, places, strict=True))
    for start, end in gaps:
        middle = (start + end) / 2
        index = sum(place < middle for _, place in chars)
        if not 0 < index < len(chars):
            continue
        before, after = chars[index - 1][0], chars[index][0]
        apart = " " not in (before, after) and not (is_wide(before) and is_wide(after) and end - start < em)
        if apart and end - start >= least:
            chars.insert(index, (" ", middle))
    return "".join(char for char, _ in chars), [place for _, place in chars]


def is_wide(char: str) -> bool:
    """Whether the character fills a square of its own, as Chinese ones do: narrow ink in it leaves gaps beside it."""
    return unicodedata.east_asian_width(char) in "WF"


def edges(places: list[float]) -> NDArray[np.float32]:
    """Return float32[n + 1]: characters end half-way to the next; the first and last fill the line."""
    return np.array([0.0, *((one + other) / 2 for one, other in pairwise(places)), 1.0], np.float32)


def _gaps(picture: NDArray[np.uint8]) -> list[tuple[float, float]]:
    """Return the stretches without ink between the line's first and last, as fractions of its width."""
    grey = picture.mean(axis=2)
    middle = (float(grey.min()) + float(grey.max())) / 2
    ink = grey < middle if np.median(grey) >= middle else grey > middle
    inked = np.flatnonzero(ink.any(axis=0))
    jumps = np.flatnonzero(np.diff(inked) > 1)
    width = picture.shape[1]
    return [(float(inked[jump] + 1) / width, float(inked[jump + 1]) / width) for jump in jumps]


def _least_seen(text: str, places: list[float], gaps: list[tuple[float, float]]) -> float:
    blanks = [place for char, place in zip(text, places, strict=True) if char == " "]
    seen = [end - start for start, end in gaps if any(start <= blank <= end for blank in blanks)]
    return _LIKE_SEEN * float(np.median(seen)) if seen else 0.0
