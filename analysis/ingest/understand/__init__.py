"""Canonical text to what it says about itself: facts that are found once and that search, answers and pages then use.

Each fact has a module here and a field of `Understanding`. The stage reads text only, so a change of the code costs no
parsing: raise `UNDERSTANDING_VERSION`, and documents are understood again from the text that is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from analysis.ingest.understand.identity import identity_of
from analysis.ingest.understand.language import language_of
from analysis.ingest.understand.references import find_references
from analysis.ingest.understand.terms import find_terms
from analysis.ingest.understand.uses import undefined_terms, with_uses
from analysis.types import ParsedHeading, Understanding

UNDERSTANDING_VERSION = 4


def understand(text: str, headings: Sequence[ParsedHeading] = ()) -> Understanding:
    """Return the facts of a canonical text. headings: the text's, in order."""
    terms = find_terms(text, headings)
    return Understanding(
        language=language_of(text),
        identity=identity_of(text),
        terms=tuple(with_uses(text, terms)),
        undefined_terms=tuple(undefined_terms(text, terms)),
        references=tuple(find_references(text, headings, terms)),
    )
