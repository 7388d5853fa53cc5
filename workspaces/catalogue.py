"""The texts that are to be translated, as they stand in templates, Python and the checklists.

GNU gettext is not needed: Django's own reader of templates and Python's syntax tree find them.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.utils.translation.template import templatize

ROOMS = ("analysis", "config", "local", "workspaces")
CALLS = ("gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy", "_")
_STRING = r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
# What `templatize` leaves of a template: its texts as calls, everything else crossed out.
_IN_TEMPLATE = re.compile(rf"\b(?:gettext|ngettext|_)\(\s*u?{_STRING}(?:\s*,\s*u?{_STRING})?")
CHECKLISTS = "analysis/review/checklists"


class Text(NamedTuple):
    """A text to translate. plural: its form for several, "" if there is none. place: the file it stands in first.

    context: what tells it from the same words with another meaning, mostly "".
    """

    text: str
    plural: str
    place: str
    context: str = ""


def texts(root: Path | None = None) -> dict[tuple[str, str], Text]:
    """Return every text to translate by (context, text), in the order of the files it stands in."""
    root = root or settings.BASE_DIR
    found: dict[tuple[str, str], Text] = {}
    for each in [*_of_templates(root), *_of_python(root), *_of_checklists(root)]:
        known = found.get((each.context, each.text))
        if known is None or (each.plural and not known.plural):
            found[each.context, each.text] = each
    return found


def _of_templates(root: Path) -> Iterator[Text]:
    for path in sorted((root / "templates").rglob("*.*")):
        for match in _IN_TEMPLATE.finditer(templatize(path.read_text(encoding="utf-8"))):
            text, plural = (ast.literal_eval(part) if part else "" for part in match.groups())
            yield Text(text, plural, path.relative_to(root).as_posix())


def _of_python(root: Path) -> Iterator[Text]:
    for path in (path for room in ROOMS for path in sorted((root / room).rglob("*.py"))):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in CALLS:
                words = [
                    arg.value for arg in call.args[:2] if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
                ]
                if words:
                    yield _called(call.func.id, words, path.relative_to(root).as_posix())


def _called(name: str, words: list[str], place: str) -> Text:
    if name.startswith("p"):
        return Text(words[1], "", place, context=words[0])
    return Text(words[0], words[1] if name.startswith("n") else "", place)


def _of_checklists(root: Path) -> Iterator[Text]:
    for path in sorted((root / CHECKLISTS).glob("*.toml")):
        checklist = tomllib.loads(path.read_text(encoding="utf-8"))
        for words in (each[key] for each in checklist["clause"] for key in ("title", "asks")):
            yield Text(words, "", path.relative_to(root).as_posix())
