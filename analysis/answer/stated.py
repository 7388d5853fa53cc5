"""What Lectern itself states in an answer, line by line, each with the place that it is taken from if there is one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from analysis.answer import masked
from analysis.answer.stream import Writer
from analysis.types import Source, Span

MOST_LINES = 40  # of a list; how many more there are is said


@dataclass(frozen=True)
class Line:
    """A line of a list in Markdown, without its dash. source: what bears it out; None for what Lectern has counted."""

    words: str
    source: Source | None = None


@dataclass
class Said:
    """Where in an answer Lectern's own words stand, and what it quotes, with its place; see `run.Written`."""

    own: list[Span] = field(default_factory=list)
    quoted: list[tuple[Span, Source]] = field(default_factory=list)

    def say(self, writer: Writer, words: str) -> None:
        """Append words that no source has to bear out."""
        self.own.append(writer.say(words))

    def list(self, writer: Writer, lines: Sequence[Line], *, most: int = MOST_LINES) -> None:
        """Append the lines as a list, the first of them at the end of what is written."""
        for line in lines[:most]:
            span = writer.say(f"- {line.words}\n")
            if line.source is None:
                self.own.append(span)
            else:
                self.quoted.append((span, line.source))
        if len(lines) > most:
            self.say(writer, f"- and {len(lines) - most:,} more\n")

    @property
    def sources(self) -> Iterable[Source]:
        return (source for _, source in self.quoted)


def code(words: str) -> str:
    """Return the words as code in Markdown, on one line."""
    return f"`{' '.join(words.replace('`', chr(39)).split())}`"


def masked_sources(places: Iterable[tuple[str, str, int, Span]]) -> list[Source]:
    """Return sources of (document id, path, version id, span), their texts masked and read a version at a time."""
    held = list(places)
    texts = masked.texts(version_id for _, _, version_id, _ in held)
    return [
        Source(document_id, path, version_id, *span, texts.get(version_id, "")[slice(*span)])
        for document_id, path, version_id, span in held
    ]
