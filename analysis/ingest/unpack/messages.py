"""What people are told about archives and git servers."""

from __future__ import annotations

from collections.abc import Iterable

UNSUPPORTED = "A repository comes in as a ZIP or tar archive (.zip, .tar, .tar.gz, .tar.bz2, .tar.xz). This is none."
DAMAGED = "The archive is damaged, or was cut off while it was sent. Please make it again, and send it once more."
ENCRYPTED = "The archive is protected by a password. Please unpack it, and send the files without one."
NO_TEXT = "There is no source code and no text in it: every file is binary, empty, or left out by a rule."
EMPTY = "There are no files in it."
BAD_PATTERNS = "Rules are lists of patterns as in a .gitignore file, one a line."
BAD_SIZE = "The largest file that is read must be between 1 byte and {} MiB."

OUTSIDE = "Left out, because the name leads out of the archive: {:,}."
SPECIAL = "Left out, because it is a device or a pipe and no file: {:,}."
TWICE = "More than once in the archive, where the last one counts: {:,}."
GUESSED_NAMES = "The name is not written in UTF-8 and was guessed: {:,}."
LONG_NAMES = "Left out, because the path is longer than 1,000 characters: {:,}."
LOCKED = "Protected by a password and not read: {:,}."
BROKEN = "Damaged and not read: {:,}."
SUBMODULES = "Another repository (a submodule), which is not fetched; add it by itself: {:,}."
LARGE_FILES = "Kept in Git LFS; only a pointer is here: {:,}."


def unknown_rules(names: Iterable[str]) -> str:
    return f"There are no rules called {', '.join(sorted(names))}: there are include, exclude and most_bytes."


def too_many(most_files: int) -> str:
    return f"It has more than {most_files:,} files."


def unpacks_too_large(most_bytes: int) -> str:
    return f"It unpacks to more than {most_bytes >> 20:,} MiB."
