"""Tracked changes: insertions are the text, deletions are not, and each is on record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from analysis.ingest.parse.wordml import attribute
from analysis.types import Warning

KINDS = {"ins": "insertion", "del": "deletion", "moveFrom": "move from", "moveTo": "move to"}
_LEFT_OUT = {"del", "moveFrom"}
_MOST_CHANGES = 2000


@dataclass
class Changes:
    """The record of a document's tracked changes, in order."""

    entries: list[dict[str, str]] = field(default_factory=list)
    count: Counter[str] = field(default_factory=Counter)
    authors: dict[str, None] = field(default_factory=dict)

    def note(self, element: Any, kind: str, text: str) -> None:
        """Record the change `element` (w:ins, w:del, ...) of `text`; one that goes on in the next run is one entry."""
        if not text.strip():
            return
        author, date = attribute(element, "author"), attribute(element, "date")
        entry = {"kind": KINDS[kind], "author": author, "date": date}
        last = self.entries[-1] if self.entries else {}
        if {**last, "text": ""} == {**entry, "text": ""} and len(last["text"]) < 5000:
            last["text"] += text
            return
        self.count[kind] += 1
        if author:
            self.authors[author] = None
        if len(self.entries) < _MOST_CHANGES:
            self.entries.append({**entry, "text": text})

    def warning(self) -> list[Warning]:
        """Return which text won, as a sentence; nothing when nothing was tracked."""
        if not self.count:
            return []
        taken = self.count["ins"] + self.count["moveTo"]
        left_out = self.count["del"] + self.count["moveFrom"]
        who = f" by {', '.join(list(self.authors)[:5])}" if self.authors else ""
        return [
            Warning(
                "tracked_changes",
                f"This document has tracked changes{who}. They were read as accepted: "
                f"{_of(taken, 'insertion')} in the text, {_of(left_out, 'deletion')} left out.",
            )
        ]


def leaves_out(kind: str) -> bool:
    """Whether a change of this kind takes its text out of the document."""
    return kind in _LEFT_OUT


def _of(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
