"""Checklists: kinds of clause to look for, as data. The built-in one is checklists/contract.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from analysis.errors import UserError
from analysis.review.phrases import PhraseError, Phrases

BUILT_IN = "contract"
_FOLDER = Path(__file__).parent / "checklists"


class ValueKind(StrEnum):
    """What a clause comes to, beside its words."""

    TITLE = "title"
    PARTIES = "parties"
    DATE = "date"
    TERM = "term"  # a date, or a duration from which it is worked out
    DURATION = "duration"
    AMOUNT = "amount"
    PERCENTAGE = "percentage"
    JURISDICTION = "jurisdiction"
    YES = "yes"  # that it is there is all


@dataclass(frozen=True)
class Clause:
    """A kind of clause. The phrases are explained on top of checklists/contract.toml.

    opening: it stands only at the beginning of a contract. needs_value: a sentence without a value of its kind is none.
    """

    id: str
    title: str
    asks: str
    value: ValueKind
    names: Phrases
    cues: Phrases
    hints: Phrases
    against: Phrases
    headings: Phrases
    examples: tuple[str, ...]
    opening: bool = False
    needs_value: bool = False


@dataclass(frozen=True)
class Checklist:
    """Kinds of clause in the order in which they are shown."""

    id: str
    title: str
    clauses: tuple[Clause, ...]

    @cached_property
    def by_id(self) -> Mapping[str, Clause]:
        return {clause.id: clause for clause in self.clauses}


@cache
def built_in() -> Checklist:
    """Return the checklist that comes with Lectern."""
    return read_checklist((_FOLDER / f"{BUILT_IN}.toml").read_text())


def read_checklist(text: str) -> Checklist:
    """Return the checklist that the TOML `text` describes. Raises UserError bad_checklist, which says what is wrong."""
    try:
        data = tomllib.loads(text)
        clauses = tuple(_clause(row) for row in data["clause"])
        checklist = Checklist(data["id"], data["title"], clauses)
    except (tomllib.TOMLDecodeError, PhraseError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"This checklist cannot be read: {error}", code="bad_checklist") from error
    if len(checklist.by_id) < len(clauses):
        raise UserError("Two clauses of this checklist have the same id.", code="bad_checklist")
    return checklist


def _clause(row: dict[str, Any]) -> Clause:
    phrases = {name: Phrases(row.get(name, [])) for name in ("names", "cues", "hints", "against", "headings")}
    return Clause(
        row["id"], row["title"], row["asks"], ValueKind(row["value"]), **phrases, examples=tuple(row["examples"]),
        opening=row.get("place") == "opening", needs_value=row.get("needs_value", False),
    )  # fmt: skip
