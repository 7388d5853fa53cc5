"""The tree of a snapshot's files in words: every file where there is room, else folders with what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from analysis.repository.tree import Folder

Size = Callable[[str], int]


def listing(tree: Folder, *, limit: int, size: Size) -> str:
    """Return the tree in as much detail as fits `limit` by `size`, which is tokens; "" where not even its top does."""
    for text in (_lines(tree, files=True, depth=None), *(_lines(tree, files=False, depth=d) for d in (8, 4, 3, 2, 1))):
        # A token is seldom more than six characters: what is far too long is not counted.
        if len(text) <= limit * 6 and size(text) <= limit:
            return text
    return ""


def _lines(tree: Folder, *, files: bool, depth: int | None) -> str:
    return "\n".join(_of_folder(tree, files, depth, 0))


def _of_folder(folder: Folder, files: bool, depth: int | None, level: int) -> Iterator[str]:
    """Yield the folder's line, then those of its folders, indented."""
    indent = "  " * level
    held = " ".join(file.name for file in folder.files if file.read) if files else ""
    unread = folder.file_count - folder.read_count
    counts = f"{folder.read_count} read" + (f", {unread} not read" if unread else "")
    yield f"{indent}{folder.name or '.'}/ ({counts}){' ' if held else ''}{held}"
    if depth is None or level < depth:
        for below in folder.folders:
            yield from _of_folder(below, files, depth, level + 1)
