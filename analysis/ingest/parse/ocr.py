"""Reading a page from its image: RapidOCR (PP-OCRv4 models, in its wheel) on the processor."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.ingest.parse.ocr_spaces import edges, with_blanks
from analysis.ingest.parse.pdf_chars import Chars

_LINES_A_BATCH = 12
_LEAST_SCORE = 0.5
# Below this a line is read upside down as well; an upright line of print scores 0.9 and more.
_POOR_SCORE = 0.8
# Lines taller than wide say that the page lies on its side.
_SIDEWAYS_SHARE = 0.6


class Found(NamedTuple):
    """One recognised line.

    corners: float32[4, 2] in pixels, clockwise from the text's top left. score: in [0, 1]. edges: where its characters
    begin and end, as fractions of the line's length, one more than there are characters.
    """

    corners: NDArray[np.float32]
    text: str
    score: float
    edges: NDArray[np.float32]


def read_picture(picture: NDArray[np.uint8], beat: Callable[[], None]) -> Chars:
    """Return the characters that can be seen on a page's picture; each has its share of its line's box.

    picture: uint8[h, w, 3]. beat: called every few lines, since a dense page takes ten seconds of a slow processor and
    more of a busy one.
    """
    lines = _read_any_way_up(picture, beat)
    size = np.array([picture.shape[1], picture.shape[0]], np.float32)
    return _chars([line._replace(corners=line.corners / size) for line in lines])


@cache
def _engine() -> Any:
    from rapidocr_onnxruntime import RapidOCR

    # The engine's own default takes every core; the model server needs some too.
    return RapidOCR(intra_op_num_threads=2, inter_op_num_threads=1)


def _read(picture: NDArray[np.uint8], beat: Callable[[], None]) -> list[Found]:
    """Find the lines, then read them; those that make no sense are read upside down as well.

    The engine has a model that says which lines are upside down, and it is wrong about long ones: half of a dense page
    was turned round and lost.
    """
    corners, _ = _engine().auto_text_det(picture)
    beat()
    if corners is None:
        return []
    places = [np.array(each, np.float32) for each in corners]
    crops = _engine().get_crop_img_list(picture, corners)
    found = _read_lines(places, crops, beat)
    poor = [index for index, line in enumerate(found) if line is None or line.score < _POOR_SCORE]
    # Upside down, a line's top left is the page's bottom right.
    turned = _read_lines(
        [places[index][[2, 3, 0, 1]] for index in poor],
        [np.ascontiguousarray(crops[index][::-1, ::-1]) for index in poor],
        beat,
    )
    for index, line in zip(poor, turned, strict=True):
        found[index] = max((found[index], line), key=lambda each: each.score if each else 0.0)
    return [line for line in found if line and line.score >= _LEAST_SCORE and line.text.strip()]


def _read_lines(
    places: list[NDArray[np.float32]], crops: list[NDArray[np.uint8]], beat: Callable[[], None]
) -> list[Found | None]:
    """Read pictures of lines a few at a time, like lengths together: a batch is padded to its longest."""
    found: list[Found | None] = [None] * len(crops)
    order = sorted(range(len(crops)), key=lambda index: crops[index].shape[1] / max(1, crops[index].shape[0]))
    for first in range(0, len(order), _LINES_A_BATCH):
        batch = order[first : first + _LINES_A_BATCH]
        read, _ = _engine().text_rec([crops[index] for index in batch], return_word_box=True)
        for index, result in zip(batch, read, strict=True):
            found[index] = _line(places[index], crops[index], result)
        beat()
    return found


def _line(corners: NDArray[np.float32], picture: NDArray[np.uint8], result: Any) -> Found | None:
    """Make a line of what the engine returns: (text, score, [columns in all, words, columns of their letters])."""
    text, score, (columns, _, word_columns, *_) = result
    if not text:
        return None
    places = [(column + 0.5) / max(1.0, columns) for word in word_columns for column in word]
    if len(places) == len(text):
        text, places = with_blanks(text, places, picture)
    else:
        places = [(number + 0.5) / len(text) for number in range(len(text))]
    return Found(corners, text, float(score), edges(places))


def _read_any_way_up(picture: NDArray[np.uint8], beat: Callable[[], None]) -> list[Found]:
    upright = _read(picture, beat)
    if not upright or sum(map(_is_tall, upright)) < _SIDEWAYS_SHARE * len(upright):
        return upright
    turned = [_read_turned(picture, quarters, beat) for quarters in (1, 3)]
    return max([upright, *turned], key=lambda lines: sum(line.score * len(line.text) for line in lines))


def _is_tall(line: Found) -> bool:
    width, height = np.ptp(line.corners, axis=0)
    return bool(height > 1.5 * width)


def _read_turned(picture: NDArray[np.uint8], quarters: int, beat: Callable[[], None]) -> list[Found]:
    """Read the picture turned counter-clockwise by `quarters` (1 or 3); corners are those of the picture as it was."""
    height, width = picture.shape[:2]
    lines = _read(np.ascontiguousarray(np.rot90(picture, quarters)), beat)
    turned = []
    for line in lines:
        x, y = line.corners[:, 0], line.corners[:, 1]
        corners = np.stack([width - y, x] if quarters == 1 else [y, height - x], axis=1)
        turned.append(line._replace(corners=corners))
    return turned


def _chars(lines: list[Found]) -> Chars:
    codes: list[int] = []
    boxes: list[NDArray[np.float32]] = []
    for line in lines:
        codes += [*map(ord, line.text), ord("\n")]
        boxes += [_share(line.corners, line.edges), np.zeros((1, 4), np.float32)]
    placed = np.concatenate(boxes) if boxes else np.zeros((0, 4), np.float32)
    return Chars(np.array(codes, np.uint32), np.clip(placed, 0, 1), len(codes) - len(lines), 0)


def _share(corners: NDArray[np.float32], edges_: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float32[n, 4]: the line from `corners` cut at `edges_` along its direction."""
    steps = edges_[:, None]
    top = corners[0] + steps * (corners[1] - corners[0])
    bottom = corners[3] + steps * (corners[2] - corners[3])
    ends = np.stack([top[:-1], top[1:], bottom[:-1], bottom[1:]])
    return np.concatenate([ends.min(axis=0), ends.max(axis=0)], axis=1)
