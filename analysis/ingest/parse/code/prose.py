"""Prose among the sources: the sections of Markdown and reStructuredText, as headings and as symbols."""

from __future__ import annotations

import re
from collections.abc import Iterable

from analysis.ingest.parse.code.symbols import NAME_CHARACTERS, PATH_CHARACTERS, SIGNATURE_CHARACTERS
from analysis.ingest.parse.headings import Found, close_sections, markdown_headings
from analysis.types import PATH_SEPARATOR, ParsedHeading, ParsedSymbol

# A title with a line of marks under it, and perhaps one above.
_MARKS = r"[=\-~^\"'`#*+:.]"
_UNDERLINED = re.compile(
    rf"^(?P<over>(?P<line>{_MARKS})(?P=line){{2,}}[ \t]*\n)?(?P<title>[^\s.:].*)\n"
    rf"(?P<under>(?P<mark>{_MARKS})(?P=mark){{2,}})[ \t]*$",
    re.M,
)


def headings_of(text: str, syntax: str) -> list[ParsedHeading]:
    """Return the headings of a prose file in the order of the text; none where its syntax has no marks for them."""
    if syntax == "markdown":
        return markdown_headings(text)
    return close_sections(_rst_headings(text), len(text)) if syntax == "rst" else []


def _rst_headings(text: str) -> list[Found]:
    """Return the underlined titles; a kind of line stands for the level at which it comes first."""
    levels: dict[tuple[bool, str], int] = {}
    found = []
    for match in _UNDERLINED.finditer(text):
        title = match["title"].strip()
        if len(match["under"]) >= len(title):
            level = levels.setdefault((bool(match["over"]), match["mark"]), len(levels) + 1)
            start = match.start("title")
            found.append(Found(level, "", title, start, start + len(title)))
    return found


def sections(text: str, headings: Iterable[ParsedHeading]) -> tuple[ParsedSymbol, ...]:
    """Return the section that each heading opens."""
    found: list[ParsedSymbol] = []
    above: list[tuple[int, int]] = []
    for heading in headings:
        while above and above[-1][0] >= heading.level:
            above.pop()
        parent = above[-1][1] if above else None
        found.append(_section(text, heading, found[parent] if parent is not None else None, parent))
        above.append((heading.level, len(found) - 1))
    return tuple(found)


def _section(text: str, heading: ParsedHeading, around: ParsedSymbol | None, parent: int | None) -> ParsedSymbol:
    start = _line_start(text, heading.start_char)
    end = max(heading.end_char, _section_end(text, heading))
    # A title under which a line is drawn may take several lines.
    words = text[heading.start_char : heading.end_char].partition("\n")[0]
    name = words[:NAME_CHARACTERS]
    line = " ".join(text[start : heading.start_char + len(words)].split())
    return ParsedSymbol(
        kind="section",
        name=name,
        path=PATH_SEPARATOR.join(part for part in (around.path if around else "", name) if part)[:PATH_CHARACTERS],
        signature=line[:SIGNATURE_CHARACTERS],
        start_char=start,
        end_char=end,
        name_start_char=heading.start_char,
        name_end_char=heading.start_char + len(name),
        parent=parent,
    )


def _section_end(text: str, heading: ParsedHeading) -> int:
    """Return where the line of the next heading starts, for its words may stand behind marks."""
    end = heading.section_end_char
    return end if end >= len(text) else _line_start(text, end)


def _line_start(text: str, char: int) -> int:
    return text.rfind("\n", 0, char) + 1
