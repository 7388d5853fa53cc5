"""What ranking hands on: candidates with the odds of each of their sentences."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.answer.retrieve.candidates import Candidates
from analysis.answer.retrieve.words import Floats


@dataclass(frozen=True)
class Ranked:
    """The candidates with the measures of each sentence and its log odds."""

    found: Candidates
    measures: dict[str, Floats]
    scores: Floats
