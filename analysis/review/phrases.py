"""Phrases that mark a clause, as a person writes them into a checklist, and what they match.

govern* ... (law|laws)      "*" is the rest of a word, "..." some words in between, "(a|b)" either
(automatically|) renew*     an empty alternative: the word may be missing
non-compete                 a hyphen is a hyphen, a space or nothing
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from analysis.types import Span

GAP_CHARACTERS = 100
_SIGN = re.compile(r"\s*\.\.\.\s*|\s+|[()|*-]|[^\s()|*.-]+|\.")
_EDGE = r"(?:(?<!\w)|(?!\w))"  # no word goes on here
_MEANINGS = {
    "...": rf"{_EDGE}.{{0,{GAP_CHARACTERS}}}?{_EDGE}",
    # White space, quotes, a comma, brackets; nothing beside a missing word. Taken for good: several in a row, with
    # words missing between them, would share out a hostile run of such signs in every possible way.
    " ": rf"(?:(?:[^\w%]|_){{1,6}}+|{_EDGE})",
    "(": "(?:",
    ")": ")",
    "|": "|",
    "*": r"\w*",
    "-": r"[\s-]?",
}
_INNERMOST = re.compile(r"\([^()]*\)")
_LETTERS = re.compile(r"\w+")


class PhraseError(ValueError):
    """A phrase that cannot be read, such as one with a bracket left open."""


@dataclass(frozen=True)
class Phrase:
    """One phrase. certain: what each text that it stands in holds, in lower case; looked for first, which is fast."""

    pattern: re.Pattern[str]
    certain: str

    def stands_in(self, text: str, lower: str) -> bool:
        """Return whether the phrase stands in `text`, which is `lower` in lower case."""
        return self.certain in lower and self.pattern.search(text) is not None


class Phrases:
    """Some phrases, ready to be looked for together."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._phrases = [phrase_of(phrase) for phrase in phrases]

    def count(self, text: str) -> int:
        """Return how many of the phrases stand in `text`."""
        lower = text.lower()
        return sum(1 for phrase in self._phrases if phrase.stands_in(text, lower))

    def places(self, text: str) -> list[Span]:
        """Return where the phrases stand in `text`, the first place of each."""
        lower = text.lower()
        found = (phrase.pattern.search(text) for phrase in self._phrases if phrase.stands_in(text, lower))
        return [Span(*match.span()) for match in found if match]

    def whole(self, text: str) -> bool:
        """Return whether `text` is one of the phrases and nothing else."""
        return any(phrase.pattern.fullmatch(text) for phrase in self._phrases)


@lru_cache(maxsize=4096)
def phrase_of(phrase: str) -> Phrase:
    """Return the phrase, read. Raises PhraseError."""
    expression = "".join(_meaning(sign) for sign in _SIGN.findall(phrase.strip()))
    try:
        pattern = re.compile(f"{_EDGE}{expression}{_EDGE}", re.IGNORECASE | re.DOTALL)
    except re.error as error:
        raise PhraseError(f"“{phrase}” cannot be read: {error}.") from error
    return Phrase(pattern, _certain(phrase))


def _meaning(sign: str) -> str:
    bare = sign.strip() or " "
    return _MEANINGS.get(bare, re.escape(bare))


def _certain(phrase: str) -> str:
    """Return the longest run of letters outside brackets."""
    while _INNERMOST.search(phrase):
        phrase = _INNERMOST.sub(" ", phrase)
    return max(_LETTERS.findall(phrase.lower()), key=len, default="")
