"""What changed between two snapshots: files, renames, lines, symbols."""

from __future__ import annotations

from analysis.models import Disposition
from analysis.repository.changed_symbols import SymbolChangeKind, changed_symbols
from analysis.repository.changes import changed_files, diff_of
from tests.analysis.repository.rows import add_symbols, make_rows, version_at
from tests.conftest import Cast

LONG = "".join(f"line {number}\n" for number in range(20))
CODE = "def a(x):\n    return 1\n\n\ndef b():\n    return 2\n\n\nclass C:\n    def m(self):\n        return 3\n"


def summary(changes: list) -> list[tuple[str, str | None, str | None, int, int]]:
    return [
        (change.kind, change.old and change.old.path, change.new and change.new.path, change.added, change.removed)
        for change in changes
    ]


def test_files_are_added_removed_changed_and_renamed(cast: Cast) -> None:
    old = make_rows(
        cast, {"keep.py": "k\n", "edit.py": "1\n2\n3\n", "gone.py": "bye\n", "moved.py": LONG, "far.py": LONG + "z\n"}
    )
    new = make_rows(
        cast,
        {
            "keep.py": "k\n",
            "edit.py": "1\ntwo\n3\n4\n",
            "new.py": "a\nb\n",
            "lib/moved.py": LONG,
            "lib/near.py": (LONG + "z\n").replace("line 7\n", "line seven\n"),
        },
        repository=old.repository,
    )
    found = changed_files(old, new)
    assert summary(found) == [
        ("changed", "edit.py", "edit.py", 2, 1),
        ("removed", "gone.py", None, 0, 1),
        ("renamed", "moved.py", "lib/moved.py", 0, 0),
        ("renamed", "far.py", "lib/near.py", 1, 1),
        ("added", None, "new.py", 2, 0),
    ]
    assert [change.similarity for change in found] == [1.0, 1.0, 1.0, 0.952, 1.0]
    assert changed_files(old, new) is found
    assert changed_files(new, new) == []


def test_a_file_that_only_a_rule_leaves_out_has_not_changed(cast: Cast) -> None:
    old = make_rows(cast, {"a.py": "a\n", "b.py": "b\n"})
    new = make_rows(cast, {"a.py": "a\n"}, repository=old.repository)
    digest = old.files.get(path="b.py").digest
    new.files.create(path="b.py", disposition=Disposition.EXCLUDED, digest=digest, size_bytes=2)
    old.files.create(path="logo.png", disposition=Disposition.BINARY, size_bytes=10)
    new.files.create(path="logo.png", disposition=Disposition.BINARY, size_bytes=11)
    assert summary(changed_files(old, new)) == [("changed", "logo.png", "logo.png", 0, 0)]


def test_each_of_several_equal_files_moves_once(cast: Cast) -> None:
    old = make_rows(cast, {"a/x.py": LONG, "b/y.py": LONG})
    new = make_rows(cast, {"c/y.py": LONG, "c/x.py": LONG, "c/z.py": LONG}, repository=old.repository)
    assert summary(changed_files(old, new)) == [
        ("renamed", "a/x.py", "c/x.py", 0, 0),
        ("renamed", "b/y.py", "c/y.py", 0, 0),
        ("added", None, "c/z.py", 20, 0),
    ]


def test_a_diff_of_versions_or_of_one_alone(cast: Cast) -> None:
    old = make_rows(cast, {"a.py": "1\n2\n"})
    new = make_rows(cast, {"a.py": "1\n3\n"}, repository=old.repository)
    before, after = version_at(old, "a.py"), version_at(new, "a.py")
    assert [(line.mark, line.text) for line in diff_of(before, after).hunks[0].lines] == [
        (" ", "1"),
        ("-", "2"),
        ("+", "3"),
    ]
    assert (diff_of(None, after).added, diff_of(before, None).removed) == (2, 2)


def test_symbols_are_added_removed_declared_or_filled_otherwise(cast: Cast) -> None:
    old = make_rows(cast, {"a.py": CODE, "gone.py": "def g():\n    pass\n"})
    new_code = (
        CODE.replace("a(x)", "a(x, y=1)").replace("return 3", "return 4").replace("def b():\n    return 2\n\n\n", "")
    )
    new = make_rows(
        cast, {"a.py": new_code + "\n\nclass D:\n    def n(self):\n        pass\n"}, repository=old.repository
    )
    add_symbols(version_at(old, "a.py"), "a", "b", "C", "C.m")
    add_symbols(version_at(old, "gone.py"), "g")
    add_symbols(version_at(new, "a.py"), "a", "C", "C.m", "D", "D.n")
    found = changed_symbols(changed_files(old, new))
    assert [(change.kind, change.path, change.old_line, change.new_line) for change in found] == [
        (SymbolChangeKind.SIGNATURE, "a", 1, 1),
        (SymbolChangeKind.BODY, "C.m", 10, 6),
        (SymbolChangeKind.ADDED, "D", None, 10),
        (SymbolChangeKind.REMOVED, "b", 5, None),
        (SymbolChangeKind.REMOVED, "g", 1, None),
    ]
    assert (found[0].old_signature, found[0].new_signature) == ("def a(x)", "def a(x, y=1)")


def test_a_symbol_that_only_moved_has_not_changed(cast: Cast) -> None:
    old = make_rows(cast, {"a.py": CODE})
    new = make_rows(cast, {"a.py": "import os\n\n\n" + CODE}, repository=old.repository)
    add_symbols(version_at(old, "a.py"), "a", "b", "C", "C.m")
    add_symbols(version_at(new, "a.py"), "a", "b", "C", "C.m")
    assert changed_symbols(changed_files(old, new)) == []
