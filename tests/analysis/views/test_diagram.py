"""The drawing of modules: layers from top to bottom, ties that lead down, names that tell modules apart."""

from __future__ import annotations

from itertools import combinations

from analysis.repository.modules import Link, Module, ModuleMap
from analysis.views.diagram import BOX_HEIGHT, WIDTH, diagram_of


def module(path: str, layer: int, **more: int) -> Module:
    return Module(path, folder=not path.endswith(".py"), own=False, file_count=1, line_count=10, layer=layer, **more)


def test_what_imports_stands_above_what_it_rests_on() -> None:
    modules = (module("app/views.py", 2), module("app/models.py", 1), module("lib/models.py", 0), module("lib/db", 0))
    links = (
        Link("app/models.py", "lib/db", 3),
        Link("app/models.py", "lib/models.py", 1),
        Link("app/views.py", "app/models.py", 8),
    )
    drawn = diagram_of(ModuleMap(modules, links))
    assert drawn is not None
    boxes = {box.module.path: box for box in drawn.boxes}
    assert [box.label for box in drawn.boxes[:2]] == ["views.py", "app/models.py"]
    assert {boxes["lib/models.py"].label, boxes["lib/db"].label} == {"lib/models.py", "db/"}
    for arrow in drawn.arrows:
        assert boxes[arrow.link.source].y + BOX_HEIGHT < boxes[arrow.link.target].y
        assert not arrow.cycle
    assert [(tie.module.path, [link.target for link in tie.imports]) for tie in drawn.ties[:2]] == [
        ("app/views.py", ["app/models.py"]),
        ("app/models.py", ["lib/db", "lib/models.py"]),
    ]


def test_no_box_covers_another_and_none_leaves_the_drawing() -> None:
    modules = tuple(module(f"folder/with/a/rather/long/name_of_{number:02}.py", number // 20) for number in range(25))
    drawn = diagram_of(ModuleMap(modules))
    assert drawn is not None
    for box in drawn.boxes:
        assert box.x >= 0
        assert box.x + box.width <= WIDTH
        assert box.y + BOX_HEIGHT <= drawn.height
    for one, other in combinations(drawn.boxes, 2):
        assert one.y != other.y or one.x + one.width < other.x or other.x + other.width < one.x


def test_a_circle_is_dashed() -> None:
    modules = (module("a.py", 0, cycle=1), module("b.py", 0, cycle=1))
    drawn = diagram_of(ModuleMap(modules, (Link("a.py", "b.py", 1), Link("b.py", "a.py", 1)), (("a.py", "b.py"),)))
    assert drawn is not None
    assert [arrow.cycle for arrow in drawn.arrows] == [True, True]
    assert diagram_of(ModuleMap(modules[:1])) is None
