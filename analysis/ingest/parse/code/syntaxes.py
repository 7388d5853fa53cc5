"""Which language a source file is in: the data of `syntaxes.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

_DATA = Path(__file__).with_name("syntaxes.toml")
_SHEBANG = re.compile(r"#!\s*(?:\S*/)?(?:env\s+(?:-\S+\s+)*)?(?:\S*/)?([\w+-]+?)[\d.]*(?:\s|$)")
# What a header says in C++ alone: a .h is C without it.
_CPP = re.compile(r"^\s*(?:class\s+\w|namespace\b|template\s*<|using\s+\w|(?:public|private|protected)\s*:)|::\w", re.M)
_HEAD_CHARACTERS = 20_000


@dataclass(frozen=True)
class Syntax:
    """A language of source files; see `syntaxes.toml` for the fields."""

    name: str
    title: str
    lexer: str
    endings: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    shebangs: tuple[str, ...] = ()
    grammar: str = ""
    queries: str = ""
    line_comments: tuple[str, ...] = ()
    block_comments: tuple[tuple[str, str], ...] = ()
    constructors: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    prose: bool = False


@cache
def syntaxes() -> Mapping[str, Syntax]:
    """Return the languages by name, in the order of the file."""
    entries = tomllib.loads(_DATA.read_text(encoding="utf-8"))["syntax"]
    return {entry["name"]: Syntax(**{key: _frozen(value) for key, value in entry.items()}) for entry in entries}


def syntax_of(path: str, head: str = "") -> str:
    """Return the name of the language that the file at `path` is in, "" if none is known. head: how it begins."""
    by_name, by_ending, by_shebang = _tables()
    name = PurePosixPath(path).name.lower()
    stem = name.partition(".")[0]
    found = by_name.get(name) or _by_ending(name, by_ending) or by_name.get(stem, "")
    if not found and (shebang := _SHEBANG.match(head)):
        found = by_shebang.get(shebang[1].lower(), "")
    if found == "c" and name.endswith(".h") and _CPP.search(head[:_HEAD_CHARACTERS]):
        return "cpp"
    return found


def is_code(syntax: str) -> bool:
    """Whether a file in the language called `syntax` is source code and not prose."""
    return bool(syntax) and not syntaxes()[syntax].prose


def _by_ending(name: str, endings: Mapping[str, str]) -> str:
    dots = [at for at, char in enumerate(name) if char == "."]
    return next((endings[name[at:]] for at in dots if name[at:] in endings), "")


@cache
def _tables() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    languages = syntaxes().values()
    return (
        {name: language.name for language in languages for name in language.names},
        {ending: language.name for language in languages for ending in language.endings},
        {shebang: language.name for language in languages for shebang in language.shebangs},
    )


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
