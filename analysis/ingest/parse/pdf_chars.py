"""A PDF page's characters and their boxes, straight from pdfium's text page."""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

# What pdfium writes for a hyphen at a line's end, which it joins to the next line.
LINE_END_HYPHEN = 0x02
_SOFT_HYPHEN = 0xAD
_REPLACEMENT = 0xFFFD
_DEVICE_UNITS = 1_000_000
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
# Symbol fonts put their bullets into the private use area.
_BULLETS = {0xF0B7: 0x2022, 0xF0A7: 0x25AA, 0xF0D8: 0x27A2, 0xF0FC: 0x2713, 0xF0A8: 0x25A1, 0xF06F: 0x25A1}
_SPACES = (0x09, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
_DROPPED = (*range(0x00, 0x02), *range(0x03, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, 0x200B, 0x2060, 0xFEFF)


@dataclass(frozen=True)
class Chars:
    """Characters in pdfium's order, line breaks included.

    codes: uint32[n], Unicode. boxes: float32[n, 4], fractions of the page as displayed, origin top left.
    unmapped: how many glyphs had no Unicode value, of `glyphs` in all.
    """

    codes: NDArray[np.uint32]
    boxes: NDArray[np.float32]
    glyphs: int
    unmapped: int


def read_chars(page: pdfium.PdfPage) -> Chars:
    """Return the characters of `page`, cleaned: no control characters, no ligatures, one kind of space."""
    text_page = page.get_textpage()
    try:
        count = max(0, text_page.count_chars())
        handle = ctypes.cast(text_page.raw, ctypes.c_void_p).value
        codes = _codes(handle, count)
        boxes = to_fractions(page, _loose_boxes(handle, count))
    finally:
        text_page.close()
    return _clean(codes, boxes)


def bind(name: str, result: Any, *arguments: Any) -> Callable[..., int]:
    """Return pdfium's function `name` for calls by the thousand."""
    # A second handle on the same function: plain integers for pointers make a call twice as fast as checked types.
    address = ctypes.cast(getattr(pdfium_c, name), ctypes.c_void_p).value or 0
    return ctypes.PYFUNCTYPE(result, *arguments)(address)


_get_unicode = bind("FPDFText_GetUnicode", ctypes.c_uint, ctypes.c_void_p, ctypes.c_int)
_get_loose_box = bind("FPDFText_GetLooseCharBox", ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


def _codes(handle: int | None, count: int) -> NDArray[np.uint32]:
    return np.fromiter(map(_get_unicode, repeat(handle), range(count)), np.uint32, count)


def _loose_boxes(handle: int | None, count: int) -> NDArray[np.float32]:
    """Return float32[n, 4] (left, top, right, bottom) in page space: font height, so that a line's boxes agree."""
    boxes = np.zeros((count, 4), np.float32)
    start = boxes.ctypes.data
    calls = map(_get_loose_box, repeat(handle), range(count), range(start, start + 16 * count, 16))
    deque(calls, maxlen=0)
    return boxes


def to_fractions(page: pdfium.PdfPage, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return boxes of page space (left, top, right, bottom) as fractions of the displayed page.

    pdfium itself maps three points, so rotation, crop box and user unit are as they are when it draws.
    """
    origin, right, up = (_device_point(page, x, y) for x, y in ((0, 0), (1000, 0), (0, 1000)))
    x_axis, y_axis = (right - origin) / 1000, (up - origin) / 1000
    first = origin + boxes[:, 0:1] * x_axis + boxes[:, 1:2] * y_axis
    second = origin + boxes[:, 2:3] * x_axis + boxes[:, 3:4] * y_axis
    placed = np.concatenate([np.minimum(first, second), np.maximum(first, second)], axis=1)
    return placed.astype(np.float32)


def _device_point(page: pdfium.PdfPage, x: float, y: float) -> NDArray[np.float64]:
    device_x, device_y = ctypes.c_int(), ctypes.c_int()
    pdfium_c.FPDF_PageToDevice(page, 0, 0, _DEVICE_UNITS, _DEVICE_UNITS, 0, x, y, device_x, device_y)
    return np.array([device_x.value, device_y.value], np.float64) / _DEVICE_UNITS


def _clean(codes: NDArray[np.uint32], boxes: NDArray[np.float32]) -> Chars:
    drawn = codes > 0x20
    unmapped = int(np.count_nonzero((codes == 0) | (codes == _REPLACEMENT) | (codes >= 0xFFFE) & (codes < 0x10000)))
    codes, boxes = _join_surrogates(codes, boxes)
    codes = codes.copy()
    codes[np.isin(codes, _SPACES)] = 0x20
    for private, public in _BULLETS.items():
        codes[codes == private] = public
    blank = codes == 0x20
    keep = ~(blank & np.append(False, blank[:-1])) if len(codes) else blank
    keep &= ~np.isin(codes, _DROPPED) & ~_inner_soft_hyphens(codes) & (codes < 0x110000)
    keep &= ~((codes >= 0xD800) & (codes < 0xE000)) & ~((codes >= 0xFFFE) & (codes < 0x10000))
    # What stands wholly outside of the visible page cannot be seen, and so cannot be quoted.
    inside = (boxes[:, 2] > 0) & (boxes[:, 0] < 1) & (boxes[:, 3] > 0) & (boxes[:, 1] < 1)
    keep &= inside | (codes <= 0x20)
    codes, boxes = _split_ligatures(codes[keep], boxes[keep])
    return Chars(codes, np.clip(np.nan_to_num(boxes), 0, 1), int(np.count_nonzero(drawn)) + unmapped, unmapped)


def _inner_soft_hyphens(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Soft hyphens that no line break follows; the others join two lines later on."""
    following = np.append(codes[1:], 0)
    inner: NDArray[np.bool_] = (codes == _SOFT_HYPHEN) & (following != 0x0D) & (following != 0x0A)
    return inner


def _join_surrogates(
    codes: NDArray[np.uint32], boxes: NDArray[np.float32]
) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    high = (codes >= 0xD800) & (codes < 0xDC00)
    pair = high[:-1] & (codes[1:] >= 0xDC00) & (codes[1:] < 0xE000) if len(codes) else high
    if not pair.any():
        return codes, boxes
    first = np.flatnonzero(pair)
    codes = codes.copy()
    codes[first] = 0x10000 + ((codes[first] - 0xD800) << 10) + (codes[first + 1] - 0xDC00)
    return np.delete(codes, first + 1), np.delete(boxes, first + 1, axis=0)


def _split_ligatures(
    codes: NDArray[np.uint32], boxes: NDArray[np.float32]
) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """Write "fi" for the one glyph; its letters share the glyph's box in equal widths."""
    places = np.flatnonzero((codes >= 0xFB00) & (codes <= 0xFB06))
    if not len(places):
        return codes, boxes
    repeats = np.ones(len(codes), np.int64)
    repeats[places] = [len(_LIGATURES[int(code)]) for code in codes[places]]
    starts = np.cumsum(repeats) - repeats
    new_codes, new_boxes = np.repeat(codes, repeats), np.repeat(boxes, repeats, axis=0)
    for place in places:
        letters = _LIGATURES[int(codes[place])]
        edges = np.linspace(boxes[place, 0], boxes[place, 2], len(letters) + 1)
        at = slice(starts[place], starts[place] + len(letters))
        new_codes[at] = [ord(letter) for letter in letters]
        new_boxes[at, 0], new_boxes[at, 2] = edges[:-1], edges[1:]
    return new_codes, new_boxes
