"""Canonical text to what it says about itself: facts that are found once and that search, answers and pages then use.

Each fact has a module here and a field of `Understanding`. The stage reads text only, so a change of the code costs no
parsing: raise `UNDERSTANDING_VERSION`, and documents are understood again from the text that is kept.
"""

from __future__ import annotations

from analysis.ingest.understand.identity import identity_of
from analysis.ingest.understand.language import language_of
from analysis.types import Understanding

UNDERSTANDING_VERSION = 2


def understand(text: str) -> Understanding:
    """Return the facts of a canonical text."""
    return Understanding(language=language_of(text), identity=identity_of(text))
