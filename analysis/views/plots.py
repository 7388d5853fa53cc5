"""Plots as plain numbers for SVG: dots with their intervals, and curves over depths. Each has its table beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any

CURVE_WIDTH = 360
CURVE_HEIGHT = 160
# Room for what is written around the curves.
LEFT, RIGHT, ABOVE, BELOW = 56, 16, 12, 28
SERIES = 6  # as many kinds of line as the stylesheet has
# How far a whisker's end may be from its dot and still be told from it, in per cent of the scale.
ROUNDED = 2


@dataclass(frozen=True)
class Whisker:
    """A figure with its interval on a scale of 100 units."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """A line over depths: its points, and the polygon of its interval, as SVG has them. series: which kind of line."""

    label: str
    series: int
    points: str
    band: str
    dots: list[tuple[float, float, str]]


@dataclass(frozen=True)
class Chart:
    """Curves on one scale. ticks: (x, depth). lines: (y, share) of the grid."""

    title: str
    curves: list[Curve]
    ticks: list[tuple[float, int]]
    lines: list[tuple[float, str]]
    width: int = CURVE_WIDTH
    height: int = CURVE_HEIGHT

    @property
    def view_box(self) -> str:
        """The part of the plane that is shown: the curves and what is written around them."""
        return f"{-LEFT} {-ABOVE} {self.width + LEFT + RIGHT} {self.height + ABOVE + BELOW}"


def whisker(interval: Mapping[str, Any], top: float) -> Whisker:
    """Return a figure as {value, low, high} on a scale that ends at `top`."""
    value, low, high = (round(100 * _held(interval[end] / top), ROUNDED) for end in ("value", "low", "high"))
    return Whisker(value, low, high)


def charts(runs: Sequence[tuple[str, Mapping[str, Mapping[str, Any]]]], shares: Iterable[str]) -> list[Chart]:
    """Return a chart for each measure that is taken at several depths, with a curve for each run that has it.

    runs: label, and the figures by name. shares: the names of measures in [0, 1], in their order; those at a depth are
    called "recall@8".
    """
    depths: dict[str, list[int]] = {}
    for name in shares:
        stem, _, depth = name.rpartition("@")
        if stem and depth.isdecimal():
            depths.setdefault(stem, []).append(int(depth))
    return [_chart(stem, sorted(found), runs) for stem, found in depths.items() if len(found) > 1]


def _chart(stem: str, depths: Sequence[int], runs: Sequence[tuple[str, Mapping[str, Mapping[str, Any]]]]) -> Chart:
    curves = [_curve(label, number, stem, depths, figures) for number, (label, figures) in enumerate(runs)]
    lines = [(_y(share / 100), f"{share} %") for share in (0, 25, 50, 75, 100)]
    ticks = [(_x(depth, depths), depth) for depth in depths]
    return Chart(stem.replace("_", " "), [curve for curve in curves if curve.dots], ticks, lines)


def _curve(
    label: str, number: int, stem: str, depths: Sequence[int], figures: Mapping[str, Mapping[str, Any]]
) -> Curve:
    found = [(_x(depth, depths), depth, figures[f"{stem}@{depth}"]) for depth in depths if f"{stem}@{depth}" in figures]
    upper = [f"{x},{_y(each['high'])}" for x, _, each in found]
    lower = [f"{x},{_y(each['low'])}" for x, _, each in reversed(found)]
    dots = [(x, _y(each["value"]), f"{label}, {depth}: {100 * each['value']:.1f} %") for x, depth, each in found]
    return Curve(label, number % SERIES, " ".join(f"{x},{y}" for x, y, _ in dots), " ".join(upper + lower), dots)


def _x(depth: int, depths: Sequence[int]) -> float:
    """Return the place of a depth: each doubling is as far."""
    return round(CURVE_WIDTH * log2(depth / depths[0]) / log2(depths[-1] / depths[0]), ROUNDED)


def _y(share: float) -> float:
    return round(CURVE_HEIGHT * (1 - _held(share)), ROUNDED)


def _held(share: float) -> float:
    return min(1.0, max(0.0, share))
