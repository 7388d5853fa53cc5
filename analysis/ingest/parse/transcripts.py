"""What a language model has read on page images, on its way into the child process; it loads no parser."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Transcripts:
    """What a language model has read on page images. texts: by page number. failed: pages that it could not read."""

    llm: str
    texts: dict[int, str] = field(default_factory=dict)
    failed: list[int] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` makes the same of, in the child process."""
        return {"llm": self.llm, "texts": self.texts, "failed": self.failed}

    @classmethod
    def from_json(cls, data: dict[str, Any] | None) -> Self | None:
        """Return the transcripts; None for None."""
        if data is None:
            return None
        return cls(data["llm"], {int(number): text for number, text in data["texts"].items()}, data["failed"])
