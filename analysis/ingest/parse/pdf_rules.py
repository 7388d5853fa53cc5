"""Lines that are drawn on a PDF page: under headers, over sums, around the cells of a table."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from itertools import pairwise, repeat

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from analysis.ingest.parse.pdf_chars import bind, to_fractions

# Pdfium counts a stroke wider by half of its width on either side.
_THICKEST = 2.5
_SHORTEST = 6.0
# A drawing has many more paths than the borders of any table, and paths with more corners.
_MOST_OBJECTS = 20_000
_MOST_CORNERS = 20_000  # of a page
_STROKED = range(2, 2_000)
_FILLED = range(6, 2_000)

Point = tuple[float, float]
Box = tuple[float, float, float, float]


def read_rules(page: pdfium.PdfPage) -> NDArray[np.float32]:
    """Return float32[n, 4], the lines across and down the page as fractions of it, origin top left."""
    handles, boxes = _paths(page)
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 1] - boxes[:, 3]
    # A path that is wide and high may be a frame, or all the lines of a table at once.
    several = [handles[number] for number in np.flatnonzero((width > _SHORTEST) & (height > _SHORTEST)).tolist()]
    corners = np.cumsum(np.fromiter(map(_count_segments, several), np.int64, len(several)))
    inner = [line for path in several[: np.searchsorted(corners, _MOST_CORNERS)] for line in _lines(path)]
    boxes = np.concatenate([boxes, np.array(inner, np.float32).reshape(-1, 4)])
    return to_fractions(page, boxes[_is_line(boxes)])


def _is_line(boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 1] - boxes[:, 3]
    lines: NDArray[np.bool_] = (np.minimum(width, height) < _THICKEST) & (np.maximum(width, height) > _SHORTEST)
    return lines


_get_object = bind("FPDFPage_GetObject", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_get_type = bind("FPDFPageObj_GetType", ctypes.c_int, ctypes.c_void_p)
_get_bounds = bind("FPDFPageObj_GetBounds", ctypes.c_int, *[ctypes.c_void_p] * 5)
_get_matrix = bind("FPDFPageObj_GetMatrix", ctypes.c_int, *[ctypes.c_void_p] * 2)
_get_draw_mode = bind("FPDFPath_GetDrawMode", ctypes.c_int, *[ctypes.c_void_p] * 3)
_count_segments = bind("FPDFPath_CountSegments", ctypes.c_int, ctypes.c_void_p)
_get_segment = bind("FPDFPath_GetPathSegment", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_get_segment_type = bind("FPDFPathSegment_GetType", ctypes.c_int, ctypes.c_void_p)
_get_point = bind("FPDFPathSegment_GetPoint", ctypes.c_int, *[ctypes.c_void_p] * 3)
_get_close = bind("FPDFPathSegment_GetClose", ctypes.c_int, ctypes.c_void_p)


def _paths(page: pdfium.PdfPage) -> tuple[list[int], NDArray[np.float32]]:
    """Return the page's paths, but not those in forms, and float32[n, 4] (left, top, right, bottom) in page space."""
    handle = ctypes.cast(page.raw, ctypes.c_void_p).value
    count = min(pdfium_c.FPDFPage_CountObjects(page), _MOST_OBJECTS)
    # A page may place each letter by itself, thousands of objects: loops without steps in Python.
    things = list(map(_get_object, repeat(handle), range(count)))
    types = np.fromiter(map(_get_type, things), np.int32, count)
    paths = [things[number] for number in np.flatnonzero(types == pdfium_c.FPDF_PAGEOBJ_PATH).tolist()]
    bounds = np.zeros((len(paths), 4), np.float32)  # left, bottom, right, top
    for path, start in zip(paths, range(bounds.ctypes.data, bounds.ctypes.data + bounds.nbytes, 16), strict=True):
        _get_bounds(path, start, start + 4, start + 8, start + 12)
    return paths, bounds[:, [0, 3, 2, 1]]


def _lines(path: int) -> Iterator[Box]:
    """Yield the boxes, in page space, of what may be lines: edges of what is stroked, and filled areas."""
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    _get_draw_mode(path, ctypes.addressof(fill), ctypes.addressof(stroke))
    if _count_segments(path) not in (_STROKED if stroke.value else _FILLED):
        return  # one area that is filled is a background
    for points in _outlines(path):
        if stroke.value:
            yield from (_box_of(edge) for edge in pairwise(points))
        else:
            yield _box_of(points)


def _box_of(points: tuple[Point, ...] | list[Point]) -> Box:
    across, up = [x for x, _ in points], [y for _, y in points]
    return min(across), max(up), max(across), min(up)


def _outlines(path: int) -> list[list[Point]]:
    """Return the corners of each part of a path in page space, the first one again at the end of a closed part."""
    matrix = (ctypes.c_float * 6)()
    _get_matrix(path, ctypes.addressof(matrix))
    a, b, c, d, e, f = matrix
    x, y = ctypes.c_float(), ctypes.c_float()
    outlines: list[list[Point]] = []
    for number in range(_count_segments(path)):
        segment = _get_segment(path, number)
        _get_point(segment, ctypes.addressof(x), ctypes.addressof(y))
        if not outlines or _get_segment_type(segment) == pdfium_c.FPDF_SEGMENT_MOVETO:
            outlines.append([])
        outlines[-1].append((a * x.value + c * y.value + e, b * x.value + d * y.value + f))
        if _get_close(segment):
            outlines[-1].append(outlines[-1][0])
    return outlines
