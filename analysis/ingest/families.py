"""What families of embedding models want of a text: the data of `embedder_families.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_DATA = Path(__file__).with_name("embedder_families.toml")


@dataclass(frozen=True)
class Family:
    """query, passage: put before such a text. max_tokens: what a text may have; 0 where only the model itself knows."""

    query: str = ""
    passage: str = ""
    max_tokens: int = 0


@cache
def family_of(name: str) -> Family | None:
    """Return the family of the model called `name`, by whatever path or address; None if it is not known."""
    for entry in tomllib.loads(_DATA.read_text(encoding="utf-8"))["family"]:
        if entry["matches"] in name.lower():
            return Family(entry.get("query", ""), entry.get("passage", ""), entry.get("max_tokens", 0))
    return None
