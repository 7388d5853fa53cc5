"""Lines that are drawn across a PDF page: under headers, over sums."""

from __future__ import annotations

import ctypes

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from analysis.ingest.parse.pdf_chars import bind, to_fractions

# Pdfium counts a stroke wider by half of its width on either side.
_THICKEST = 2.5
_SHORTEST = 10.0
# A drawing has many more paths than the borders of any table.
_MOST_OBJECTS = 20_000


def read_rules(page: pdfium.PdfPage) -> NDArray[np.float32]:
    """Return float32[n, 4], the lines across the page as fractions of it, origin top left."""
    boxes = _path_boxes(page)
    thin = (boxes[:, 2] - boxes[:, 0] > _SHORTEST) & (boxes[:, 1] - boxes[:, 3] < _THICKEST)
    return to_fractions(page, boxes[thin])


_get_object = bind("FPDFPage_GetObject", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_get_type = bind("FPDFPageObj_GetType", ctypes.c_int, ctypes.c_void_p)
_get_bounds = bind("FPDFPageObj_GetBounds", ctypes.c_int, *[ctypes.c_void_p] * 5)


def _path_boxes(page: pdfium.PdfPage) -> NDArray[np.float32]:
    """Return float32[n, 4] (left, top, right, bottom) of the page's paths, but not of those in forms, in page space."""
    handle = ctypes.cast(page.raw, ctypes.c_void_p).value
    count = min(pdfium_c.FPDFPage_CountObjects(page), _MOST_OBJECTS)
    things = (_get_object(handle, number) for number in range(count))
    paths = [thing for thing in things if _get_type(thing) == pdfium_c.FPDF_PAGEOBJ_PATH]
    bounds = np.zeros((len(paths), 4), np.float32)  # left, bottom, right, top
    for path, start in zip(paths, range(bounds.ctypes.data, bounds.ctypes.data + bounds.nbytes, 16), strict=True):
        _get_bounds(path, start, start + 4, start + 8, start + 12)
    return bounds[:, [0, 3, 2, 1]]
