"""The graph of imports, and the diagram of modules."""

from __future__ import annotations

from analysis.repository.modules import Link, imports_of, module_map
from tests.analysis.repository.rows import add_imports, make_rows, version_at
from tests.conftest import Cast

FILES = {
    "app/__init__.py": "",
    "app/main.py": "x\n" * 10,
    "app/core/__init__.py": "",
    "app/core/engine.py": "x\n" * 40,
    "app/core/parts.py": "x\n" * 20,
    "app/web/__init__.py": "",
    "app/web/views.py": "x\n" * 30,
    "tests/test_engine.py": "x\n" * 90,
    "README.md": "# App\n",
}
IMPORTS = {
    "app/main.py": [(".web", ("views",)), ("requests", ())],
    "app/web/views.py": [("app.core.engine", ("Engine",)), ("requests.adapters", ())],
    "app/core/engine.py": [(".parts", ("Part",)), ("os", ())],
    "app/core/parts.py": [("app.web.views", ("render",)), ("numpy", ())],
    "tests/test_engine.py": [("app.core", ("engine",))],
}


def test_imports_are_edges_between_files_and_names_of_others(cast: Cast) -> None:
    snapshot = make_rows(cast, FILES)
    for path, imports in IMPORTS.items():
        add_imports(version_at(snapshot, path), *imports)
    graph = imports_of(snapshot)
    assert graph.targets == {
        "app/main.py": {"app/web/views.py"},
        "app/web/views.py": {"app/core/engine.py"},
        "app/core/engine.py": {"app/core/parts.py"},
        "app/core/parts.py": {"app/web/views.py"},
        "tests/test_engine.py": {"app/core/engine.py"},
    }
    assert graph.importers("app/core/engine.py") == {"app/web/views.py", "tests/test_engine.py"}
    assert [(each.name, each.files) for each in graph.dependencies] == [
        ("requests", ("app/main.py", "app/web/views.py")),
        ("numpy", ("app/core/parts.py",)),
    ]


def test_a_diagram_has_layers_and_names_cycles(cast: Cast) -> None:
    snapshot = make_rows(cast, FILES)
    for path, imports in IMPORTS.items():
        add_imports(version_at(snapshot, path), *imports)
    drawn = module_map(snapshot, limit=5)
    assert [(module.path, module.file_count, module.layer, module.cycle) for module in drawn.modules] == [
        ("app/main.py", 1, 1, 0),
        ("tests/test_engine.py", 1, 1, 0),
        ("app/__init__.py", 1, 0, 0),
        ("app/core", 3, 0, 1),
        ("app/web", 2, 0, 1),
    ]
    assert drawn.links == (
        Link("app/core", "app/web", 1),
        Link("app/main.py", "app/web", 1),
        Link("app/web", "app/core", 1),
        Link("tests/test_engine.py", "app/core", 1),
    )
    assert drawn.cycles == (("app/core", "app/web"),)


def test_a_diagram_never_has_more_modules_than_fit(cast: Cast) -> None:
    snapshot = make_rows(cast, FILES)
    for limit in range(1, 12):
        drawn = module_map(snapshot, limit=limit)
        assert len(drawn.modules) <= limit
        assert sum(module.file_count for module in drawn.modules) == 8
    whole = module_map(snapshot, limit=25)
    assert [module.path for module in whole.modules if module.folder] == []


def test_a_diagram_of_a_folder_keeps_to_it(cast: Cast) -> None:
    snapshot = make_rows(cast, FILES)
    assert {module.path for module in module_map(snapshot, "app/core").modules} == {
        "app/core/__init__.py",
        "app/core/engine.py",
        "app/core/parts.py",
    }
    assert module_map(snapshot, "none").modules == ()
    assert module_map(snapshot, limit=0).modules[0].path == ""


def test_packages_that_are_folders_are_reached_through_them(cast: Cast) -> None:
    snapshot = make_rows(
        cast, {"go.mod": "module m.example/x\n", "cmd/main.go": "\n", "store/a.go": "\n", "store/b.go": "\n"}
    )
    add_imports(version_at(snapshot, "cmd/main.go"), ("m.example/x/store", ()))
    graph = imports_of(snapshot)
    assert graph.targets == {"cmd/main.go": {"store"}}
    assert graph.reaches("cmd/main.go", "store/b.go")
    assert graph.importers("store/a.go") == {"cmd/main.go"}
    assert module_map(snapshot, limit=2).links == (Link("cmd/main.go", "store", 1),)
