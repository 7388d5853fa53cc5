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
NOT_FOUND = (
    "There is no git repository at this address, or it may not be read: a private one needs a token, and the token "
    "must be allowed to read it."
)
NO_HOST = "There is no server of that name."
NO_ANSWER = "The server does not answer."
NOT_TRUSTED = "The server cannot prove that it is the one it says it is: its certificate is not trusted."
PRIVATE = "This address is inside a private network, from which nothing is fetched here."
PUBLIC = "This workspace keeps its text in the house, and this address is outside it."
LEADS_AWAY = "The server leads on to an address from which nothing is fetched here."
NO_COMMIT = "This names no commit."
UNCHANGED = "Nothing has changed: the newest version is of the same commit."
GIT_FAILED = "The server did not send the repository as git servers do. Please try again later, or upload an archive."
LARGE_FILES = "Kept in Git LFS; only a pointer is here: {:,}."


def unknown_rules(names: Iterable[str]) -> str:
    return f"There are no rules called {', '.join(sorted(names))}: there are include, exclude and most_bytes."


def no_ref(ref: str) -> str:
    if not ref:
        return "The repository is empty: it has no commit yet."
    return f"There is no branch, no tag and no commit {ref!r} in the repository."


def timed_out(seconds: int) -> str:
    return f"Fetching the repository took longer than {max(1, seconds // 60):,} minutes and was stopped."


def too_many(most_files: int) -> str:
    return f"It has more than {most_files:,} files."


def unpacks_too_large(most_bytes: int) -> str:
    return f"It unpacks to more than {most_bytes >> 20:,} MiB."
