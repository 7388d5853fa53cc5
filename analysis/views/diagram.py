"""A repository's modules as a drawing: layers from top to bottom, what imports above what it rests on.

The layers come from `analysis.repository.modules`. Inside a layer, modules are put beside what they are tied to by the
barycentre rule (Sugiyama, Tagawa & Toda, IEEE Trans. SMC 11, 1981), without its dummy nodes: with at most 25 modules an
edge may pass behind a box, which is drawn over it.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.repository.modules import Link, Module, ModuleMap

CHARACTER, PADDING, BOX_HEIGHT = 7.4, 20.0, 40.0
LEAST_WIDTH, MOST_WIDTH = 96.0, 200.0
GAP, LAYER_GAP, ROW_GAP = 18.0, 46.0, 14.0
WIDTH, MARGIN = 900.0, 8.0
SWEEPS = 6
ARROW = 3.0  # what an arrow's head needs before the box it points to
LABEL_CHARACTERS = int((MOST_WIDTH - PADDING) / CHARACTER)


@dataclass(frozen=True)
class Box:
    """A module as it is drawn. label: its name, cut to fit. places: what it leads to."""

    module: Module
    label: str
    x: float
    y: float
    width: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def name_y(self) -> float:
        return self.y + 17

    @property
    def size_y(self) -> float:
        return self.y + 31


@dataclass(frozen=True)
class Arrow:
    """An edge as it is drawn. path: SVG path data from source to target."""

    link: Link
    path: str
    stroke: float
    cycle: bool


@dataclass(frozen=True)
class Tie:
    """A module in the table beside the drawing: what it imports, and what imports it."""

    module: Module
    imports: list[Link]
    imported_by: list[Link]


@dataclass(frozen=True)
class Diagram:
    """A drawing of a map, and the same as a table."""

    boxes: list[Box]
    arrows: list[Arrow]
    ties: list[Tie]
    height: float
    width: float = WIDTH


def diagram_of(modules: ModuleMap) -> Diagram | None:
    """Return the drawing of a map; None where there is nothing to see: fewer than two modules."""
    if len(modules.modules) < 2:
        return None
    boxes, height = _placed(_ordered(modules))
    by_path = {box.module.path: box for box in boxes}
    return Diagram(boxes, [_arrow(link, by_path) for link in modules.links], _ties(modules), height)


def _ordered(modules: ModuleMap) -> list[list[Module]]:
    """Return the layers from top to bottom, each in the order that keeps ties short."""
    layers: dict[int, list[Module]] = defaultdict(list)
    for module in modules.modules:
        layers[module.layer].append(module)
    ordered = [layers[layer] for layer in sorted(layers, reverse=True)]
    tied: dict[str, list[str]] = defaultdict(list)
    for link in modules.links:
        tied[link.source].append(link.target)
        tied[link.target].append(link.source)
    for sweep in range(SWEEPS):
        for layer in ordered if sweep % 2 == 0 else reversed(ordered):
            at = {module.path: (place + 0.5) / len(each) for each in ordered for place, module in enumerate(each)}
            layer.sort(key=lambda module: (_centre(module, tied, at), module.path))
    return ordered


def _centre(module: Module, tied: Mapping[str, Sequence[str]], at: Mapping[str, float]) -> float:
    places = [at[path] for path in tied[module.path]]
    return sum(places) / len(places) if places else at[module.path]


def _placed(layers: Sequence[Sequence[Module]]) -> tuple[list[Box], float]:
    """Return a box for each module, and the height of the drawing. A layer that is too wide takes several rows."""
    names = {path: _cut(name) for path, name in _names([module for layer in layers for module in layer]).items()}
    boxes, y = [], MARGIN
    for layer in layers:
        for row in _rows(layer, names):
            widths = [_width(names[module.path]) for module in row]
            x = (WIDTH - sum(widths) - GAP * (len(row) - 1)) / 2
            for module, width in zip(row, widths, strict=True):
                boxes.append(Box(module, names[module.path], round(x, 1), y, width))
                x += width + GAP
            y += BOX_HEIGHT + ROW_GAP
        y += LAYER_GAP - ROW_GAP
    return boxes, y - LAYER_GAP + MARGIN


def _rows(layer: Sequence[Module], names: Mapping[str, str]) -> list[list[Module]]:
    rows: list[list[Module]] = [[]]
    taken = 0.0
    for module in layer:
        width = _width(names[module.path]) + GAP
        if rows[-1] and taken + width - GAP > WIDTH - 2 * MARGIN:
            rows.append([])
            taken = 0.0
        rows[-1].append(module)
        taken += width
    return rows


def _names(modules: Sequence[Module]) -> dict[str, str]:
    """Return what the modules are called, by path: the last part of it, or the last two where that is not enough."""
    last = Counter(_end(module.path, 1) for module in modules)
    return {
        module.path: _end(module.path, 1 if last[_end(module.path, 1)] == 1 else 2)
        + ("/*" if module.own else "/" if module.folder else "")
        for module in modules
    }


def _end(path: str, parts: int) -> str:
    return "/".join(path.split("/")[-parts:]) or "."


def _cut(name: str) -> str:
    return name if len(name) <= LABEL_CHARACTERS else f"…{name[1 - LABEL_CHARACTERS :]}"


def _width(name: str) -> float:
    return min(MOST_WIDTH, max(LEAST_WIDTH, len(name) * CHARACTER + PADDING))


def _arrow(link: Link, boxes: Mapping[str, Box]) -> Arrow:
    source, target = boxes[link.source], boxes[link.target]
    cycle = bool(source.module.cycle) and source.module.cycle == target.module.cycle
    stroke = round(min(3.0, 0.9 + 0.5 * math.log2(link.imports)), 2)
    if source.y < target.y:
        y0, y1 = source.y + BOX_HEIGHT, target.y - ARROW
        bend = (y1 - y0) / 2
        return Arrow(link, _curve((source.middle, y0), (target.middle, y1), y0 + bend, y1 - bend), stroke, cycle)
    # Of a cycle: beside or above, so the edge leaves over the top and comes back from above.
    y0, y1 = source.y, target.y - ARROW
    lift = min(y0, y1) - 26
    return Arrow(link, _curve((source.middle, y0), (target.middle, y1), lift, lift), stroke, cycle)


def _curve(start: tuple[float, float], end: tuple[float, float], first: float, second: float) -> str:
    """Return a Bézier curve that leaves and arrives upright; first, second: the heights of what it is drawn towards."""
    (x0, y0), (x1, y1) = start, end
    return f"M{x0:.1f} {y0:.1f}C{x0:.1f} {first:.1f} {x1:.1f} {second:.1f} {x1:.1f} {y1:.1f}"


def _ties(modules: ModuleMap) -> list[Tie]:
    imports: dict[str, list[Link]] = defaultdict(list)
    imported_by: dict[str, list[Link]] = defaultdict(list)
    for link in sorted(modules.links, key=lambda link: -link.imports):
        imports[link.source].append(link)
        imported_by[link.target].append(link)
    return [Tie(module, imports[module.path], imported_by[module.path]) for module in modules.modules]
