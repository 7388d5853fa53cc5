"""Names in source code and the words that they are made of: `parseURL`, `parse_url` and "parse url" have the same."""

from __future__ import annotations

import re
from functools import lru_cache

# A run of capitals is a word, with a plural's s too, as is one capital with what follows; figures stay with the word
# before them.
_WORD = re.compile(r"[A-Z]{2,}s(?![^\W\d_A-Z])|[A-Z]{2,}(?![^\W\d_A-Z])\d*|[A-Z]?[^\W\d_A-Z]+\d*|[A-Z]+\d*|\d+")
_HUMP = re.compile(r"[^\W\d_A-Z][A-Z]|[A-Z]{2}[^\W\d_A-Z]")
_BRACKETS = re.compile(r"\(.*\)$")


@lru_cache(maxsize=100_000)
def words_of(identifier: str) -> tuple[str, ...]:
    """Return the words of an identifier as they stand in it: of "HTTPAdapter_v2" HTTP, Adapter and v2."""
    return tuple(match[0] for match in _WORD.finditer(identifier))


def has_code_shape(word: str) -> bool:
    """Return whether only source code has such a word: one with an underscore inside, a hump, or a call's brackets.

    A path or a name with its class, `a.b`, has code's shape where one of its parts has.
    """
    plain = _BRACKETS.sub("", word)
    return plain != word or "_" in plain.strip("_.") or plain.startswith("__") or bool(_HUMP.search(plain))
