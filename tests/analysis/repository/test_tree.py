"""The tree of a snapshot: folders, sums, dispositions."""

from __future__ import annotations

from analysis.models import Disposition
from analysis.repository.tree import FileNode, aside, file_at, folded, folder_at, tree_of
from tests.analysis.repository.rows import make_rows
from tests.conftest import Cast

FILES = {
    "README.md": "# Sample\n",
    "src/app/main.py": "a = 1\nb = 2\n",
    "src/app/util.py": "c = 3\n",
    "src/Zeta.py": "z\n",
}


def test_folders_hold_the_sums_of_all_below(cast: Cast) -> None:
    snapshot = make_rows(cast, FILES)
    snapshot.files.create(path="src/logo.png", disposition=Disposition.BINARY, size_bytes=1000, line_count=0)
    tree = tree_of(snapshot)
    assert (tree.path, tree.file_count, tree.read_count, tree.line_count) == ("", 5, 4, 5)
    assert [file.path for file in tree.files] == ["README.md"]
    source = folder_at(tree, "src")
    assert source is not None
    assert (source.name, source.file_count, source.line_count) == ("src", 4, 4)
    assert source.size_bytes == 1000 + sum(len(text) for path, text in FILES.items() if path.startswith("src"))
    assert source.dispositions == {Disposition.READ: 3, Disposition.BINARY: 1}
    assert [file.name for file in source.files] == ["logo.png", "Zeta.py"]
    assert [file.path for file in tree.walk()] == [
        "README.md",
        "src/logo.png",
        "src/Zeta.py",
        "src/app/main.py",
        "src/app/util.py",
    ]


def test_a_path_leads_to_its_file_or_nowhere(cast: Cast) -> None:
    snapshot = make_rows(cast, FILES)
    found = file_at(snapshot, "src/app/main.py")
    assert found is not None
    assert (found.line_count, found.version_id) == (2, snapshot.files.get(path="src/app/main.py").version_id)
    assert file_at(snapshot, "src/app") is None
    assert file_at(snapshot, "src/none/main.py") is None
    assert folder_at(tree_of(snapshot), "src/none") is None


def test_a_path_of_many_parts_is_a_tree_like_any_other() -> None:
    path = "/".join(["a"] * 499) + "/b.py"
    tree = folded([FileNode(path, size_bytes=3)])
    assert (tree.file_count, tree.size_bytes) == (1, 3)
    assert [file.path for file in tree.walk()] == [path]


def test_a_ready_snapshot_is_read_once(cast: Cast, django_assert_num_queries) -> None:
    snapshot = make_rows(cast, FILES)
    with django_assert_num_queries(1):
        assert tree_of(snapshot) is tree_of(snapshot)
    snapshot.status = "ingesting"
    with django_assert_num_queries(2):
        tree_of(snapshot), tree_of(snapshot)


def test_what_is_beside_the_program() -> None:
    assert all(aside(path) for path in ("tests/a.py", "src/test_a.py", "a/docs/b.md", "web/a.spec.ts", "pkg/a_test.go"))
    assert not any(aside(path) for path in ("src/a.py", "latest/a.py", "contest.py", "src/testing_tools.py"))
