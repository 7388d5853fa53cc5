"""What a single file states, found in its text alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class FactKind(StrEnum):
    """What a fact is about."""

    ENTRY = "entry"  # where the program starts
    COMMAND = "command"  # how it is installed, run, tested, built
    DEPENDENCY = "dependency"
    LICENCE = "licence"


@dataclass(frozen=True)
class Stated:
    """A fact and the characters of the file's text that state it.

    role: of an entry point, what makes it one; of a command, what it is for (install, run, test, build, check, deploy,
    other); of a dependency, when it is needed. words: the fact itself: "pip install requests", "urllib3>=1.26", "MIT".
    """

    kind: FactKind
    role: str
    words: str
    start_char: int
    end_char: int


ROLES = (
    ("test", re.compile(r"\b(tests?|testing|pytest|tox|nox|coverage|spec|e2e)\b", re.IGNORECASE)),
    (
        "install",
        re.compile(r"\b(install\w*|setup|set up|requirements|bootstrap|prerequisites|build from source)\b", re.I),
    ),
    ("build", re.compile(r"\b(build\w*|compile|bundle|dist|package|release)\b", re.IGNORECASE)),
    ("check", re.compile(r"\b(lint\w*|format\w*|fmt|check|type-?check|mypy|ruff|pre-commit)\b", re.IGNORECASE)),
    ("deploy", re.compile(r"\b(deploy\w*|docker|publish)\b", re.IGNORECASE)),
    (
        "run",
        re.compile(
            r"\b(run\w*|usage|use|start\w*|serve\w*|quick\s?start|getting started|dev|develop\w*|demo|example)\b", re.I
        ),
    ),
)


def role_of(words: str) -> str | None:
    """Return what a heading or a target's name says that commands are for, None if it does not say."""
    words = words.replace("_", " ").replace(":", " ")
    return next((role for role, pattern in ROLES if pattern.search(words)), None)


def line_around(text: str, start_char: int, end_char: int | None = None) -> tuple[int, int]:
    """Return the span of the whole lines around `text[start_char:end_char]`, without the last line break."""
    start = text.rfind("\n", 0, start_char) + 1
    end = text.find("\n", max(start_char, (end_char or start_char) - 1))
    return start, len(text) if end < 0 else end


def on_line(kind: FactKind, role: str, words: str, text: str, char: int) -> Stated:
    """Return the fact with the line around `char`."""
    return Stated(kind, role, " ".join(words.split()), *line_around(text, char))


def section_start(text: str, header: str) -> int | None:
    """Return where the body of a TOML or INI section begins, None if there is none."""
    found = re.search(rf"^\s*\[{re.escape(header)}\][^\n]*$", text, re.MULTILINE)
    return found.end() if found else None


def section_end(text: str, start_char: int) -> int:
    """Return where the next section begins."""
    found = re.compile(r"^\s*\[", re.MULTILINE).search(text, start_char)
    return found.start() if found else len(text)


def keys_in(text: str, header: str) -> Iterator[tuple[str, str, int]]:
    """Yield (key, value as written, where it stands) of each plain line of a TOML or INI section."""
    start = section_start(text, header)
    if start is None:
        return
    pattern = re.compile(r"^[ \t]*[\"']?([\w.@/+-]+)[\"']?[ \t]*=[ \t]*([^\n]+)$", re.MULTILINE)
    for found in pattern.finditer(text, start, section_end(text, start)):
        yield found[1], found[2].strip(), found.start(1)
