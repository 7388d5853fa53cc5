"""Where the words of a transcript stand on a page, from the words that OCR has read there with their boxes.

The two agree on most words: those anchor the rest. What lies between two anchors, misread by one of them, is laid over
what the other has there. Words that OCR has in another order, as in tables and columns, are found by likeness, and
lines that it has overlooked are put between their neighbours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from analysis.ingest.parse.pdf_write import PageText

_WORD = re.compile(r"\S+")
_LETTERS = re.compile(r"\W+")
# So much alike are two readings of the same words, by difflib's ratio.
_ALIKE = 0.6
# So many equal words in a row are the same place, wherever on the page each reading has them.
_SURE_WORDS = 4
_ROUNDS = 4


@dataclass(frozen=True)
class _Word:
    start: int
    end: int
    line: int
    plain: str


@dataclass(frozen=True)
class _Run:
    """Words `[first, last)` that have no partner yet, all on one line."""

    first: int
    last: int
    plain: str


def aligned_boxes(text: str, seen: PageText) -> NDArray[np.float32]:
    """Return float32[len(text), 4]: for each character of `text` a box of `seen`; no area where there is none."""
    boxes = np.zeros((len(text), 4), np.float32)
    words, others = _words(text), _words(seen.text)
    partners = _anchored(words, others)
    for index, partner in partners.items():
        _lay(words[index : index + 1], others[partner : partner + 1], boxes, seen)
    left = _runs(words, [index for index in range(len(words)) if index not in partners])
    taken = set(partners.values())
    right = _runs(others, [index for index in range(len(others)) if index not in taken])
    for run in left:
        # What OCR has between the same two anchors, unless something elsewhere is more like it.
        first, last = _gap(partners, run.first, run.last, len(others))
        between = [other for other in right if first <= other.first and other.last <= last]
        found = _most_alike(run, between) or _most_alike(run, right) or _as_long(run, between)
        if found is not None:
            right.remove(found)
            _lay(words[run.first : run.last], others[found.first : found.last], boxes, seen)
    _fill_lines(words, boxes)
    return boxes


def _anchored(words: list[_Word], others: list[_Word]) -> dict[int, int]:
    """Return for words of the one reading the equal word of the other, by index.

    Each round finds the stretches of words that both have in the same order, and leaves what stands in another order to
    the next: first long stretches, which cannot be mistaken, then shorter ones. Lone words count between two of these.
    """
    partners: dict[int, int] = {}
    left, right = list(range(len(words))), list(range(len(others)))
    for least in (*[_SURE_WORDS] * _ROUNDS, *[2] * _ROUNDS):
        mine, theirs = [words[i].plain for i in left], [others[i].plain for i in right]
        blocks = SequenceMatcher(None, mine, theirs, autojunk=False).get_matching_blocks()
        found = {left[a + k]: right[b + k] for a, b, size in blocks if size >= least for k in range(size)}
        partners |= found
        taken = set(found.values())
        left, right = [i for i in left if i not in found], [i for i in right if i not in taken]
    for stretch in _stretches(left):
        first, last = _gap(partners, stretch[0], stretch[-1] + 1, len(others))
        near = [i for i in right if first <= i < last]
        mine, theirs = [words[i].plain for i in stretch], [others[i].plain for i in near]
        for a, b, size in SequenceMatcher(None, mine, theirs, autojunk=False).get_matching_blocks():
            partners |= {stretch[a + k]: near[b + k] for k in range(size)}
    return partners


def _gap(partners: dict[int, int], first: int, last: int, count: int) -> tuple[int, int]:
    """Return what the other reading has between the partners of the words before `first` and from `last` on."""
    return partners.get(first - 1, -1) + 1, partners.get(last, count)


def _stretches(indices: list[int]) -> list[list[int]]:
    """Return ascending indices as stretches without a gap."""
    stretches: list[list[int]] = []
    for index in indices:
        if stretches and index == stretches[-1][-1] + 1:
            stretches[-1].append(index)
        else:
            stretches.append([index])
    return stretches


def _words(text: str) -> list[_Word]:
    words, line, at = [], 0, 0
    for match in _WORD.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        plain = _LETTERS.sub("", match.group()).casefold() or match.group()
        words.append(_Word(match.start(), match.end(), line, plain))
    return words


def _runs(words: list[_Word], indices: list[int]) -> list[_Run]:
    """Return the words at `indices` as runs that follow each other on one line."""
    groups: list[list[int]] = []
    for index in indices:
        if groups and index == groups[-1][-1] + 1 and words[index].line == words[index - 1].line:
            groups[-1].append(index)
        else:
            groups.append([index])
    return [_Run(group[0], group[-1] + 1, " ".join(words[index].plain for index in group)) for group in groups]


def _most_alike(run: _Run, others: list[_Run]) -> _Run | None:
    scored = [(SequenceMatcher(None, run.plain, other.plain, autojunk=False).ratio(), other) for other in others]
    score, best = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    return best if score >= _ALIKE else None


def _as_long(run: _Run, others: list[_Run]) -> _Run | None:
    return next((other for other in others if 0.5 < len(other.plain) / len(run.plain) < 2), None)


def _fill_lines(words: list[_Word], boxes: NDArray[np.float32]) -> None:
    """Give the words of lines that OCR has overlooked the room between the line above and the line below.

    The lines of a paragraph stand evenly: where the room is not that of so many lines, nothing is said.
    """
    lines = [list(group) for _, group in groupby(words, key=lambda word: word.line)]
    known = [_line_box(line, boxes) for line in lines]
    for missing in _stretches([number for number, box in enumerate(known) if box is None]):
        above = known[missing[0] - 1] if missing[0] else None
        below = known[missing[-1] + 1] if missing[-1] + 1 < len(lines) else None
        if above is None or below is None:
            continue
        pitch = (below.y0 - above.y0) / (len(missing) + 1)
        height = (above.y1 - above.y0 + below.y1 - below.y0) / 2
        if not 0.8 * height < pitch < 3 * height:
            continue
        for step, number in enumerate(missing, 1):
            top = above.y0 + step * pitch
            place = _LineBox(min(above.x0, below.x0), top, top + height, above.advance)
            _typeset(lines[number], place, boxes)


@dataclass(frozen=True)
class _LineBox:
    """Where a line stands. advance: the width of a character."""

    x0: float
    y0: float
    y1: float
    advance: float


def _line_box(line: list[_Word], boxes: NDArray[np.float32]) -> _LineBox | None:
    inked = boxes[line[0].start : line[-1].end]
    inked = inked[inked[:, 2] > inked[:, 0]]
    if not len(inked):
        return None
    x0, x1 = float(inked[:, 0].min()), float(inked[:, 2].max())
    # The middle of the tops and bottoms: a word that was laid wrong shall not stretch the line.
    y0, y1 = float(np.median(inked[:, 1])), float(np.median(inked[:, 3]))
    return _LineBox(x0, y0, y1, (x1 - x0) / (line[-1].end - line[0].start))


def _typeset(line: list[_Word], place: _LineBox, boxes: NDArray[np.float32]) -> None:
    for word in line:
        places = np.arange(word.start, word.end)
        x0 = place.x0 + (places - line[0].start) * place.advance
        y0, y1 = np.full(len(places), place.y0), np.full(len(places), place.y1)
        boxes[places] = np.clip(np.stack([x0, y0, x0 + place.advance, y1], axis=1), 0, 1)


def _lay(words: list[_Word], partners: list[_Word], boxes: NDArray[np.float32], seen: PageText) -> None:
    """Spread the partners' boxes over the words: letter by letter, or in proportion where they are not as many."""
    places = np.concatenate([np.arange(word.start, word.end) for word in words])
    source = np.concatenate([np.arange(word.start, word.end) for word in partners])
    if len(places) == len(source):
        boxes[places] = seen.boxes[source]
        return
    edges = np.linspace(0, len(source), len(places) + 1)
    for place, low, high in zip(places, edges[:-1], edges[1:], strict=True):
        boxes[place] = _slice(seen.boxes[source], float(low), float(high))


def _slice(boxes: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """Return the box of the stretch from `low` to `high`, counted in characters of a line that runs to the right."""
    first, last = int(low), min(len(boxes) - 1, max(int(low), int(np.ceil(high)) - 1))
    (x0, y0, x1, y1), (u0, v0, u1, v1) = boxes[first], boxes[last]
    start = x0 + (low - first) * (x1 - x0)
    end = u0 + (high - last) * (u1 - u0)
    if v0 >= y1 or end <= start:  # the stretch runs over a line's end: it stands where it begins
        return np.array([start, y0, x1, y1], np.float32)
    return np.array([start, min(y0, v0), end, max(y1, v1)], np.float32)
