"""Text to search terms, the same for what is indexed and for what is asked: words by their stems, CJK by pairs.

Source code is read as names: `parse_url` is the whole name, whichever way its words are joined, and each of its words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import snowballstemmer

from analysis.identifiers import words_of

# Raised when the same text would give other terms: postings of another version are built again.
ANALYZER_VERSION = 3
# A longer word is a key, a hash or a string of underscores' neighbours; its beginning tells it from others.
TERM_MAX_CHARACTERS = 40
UNKNOWN_READ_AS = "en"
# What stands for a natural language where the text is source code. Its words are English.
CODE = "code"

_WIDE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# Numbers keep their points, so that "4.2" is not "4" and "2"; scripts without spaces come as runs.
_TOKEN = re.compile(rf"\d+(?:[.,]\d+)+|[{_WIDE}]+|[^\W_{_WIDE}]+(?:['’](?:s\b)?)?", re.IGNORECASE)
# In source code a name keeps its underscores and hyphens.
_NAME = re.compile(rf"\d+(?:[.,]\d+)+|[{_WIDE}]+|[^\W{_WIDE}]+(?:-[^\W\d_{_WIDE}]+)*")
_IS_WIDE = re.compile(f"[{_WIDE}]")
_STEMMERS = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish", "fi": "finnish",
    "fr": "french", "hu": "hungarian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "nl": "dutch",
    "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish", "tr": "turkish",
}  # fmt: skip
# Words that say nothing about what a passage is about. Where a language has no list here, their frequency tells them.
_STOP = {
    "en": frozenset(
        "a an the this that these those it its is are was were be been being am do does did has have had having of in "
        "on at to for from by with as and or if then than so but into onto upon what when where which who whom whose "
        "how why there here i you he she we they them their his her our your my me us about between during per via "
        "can could may might must shall should will would any some such each all also not no s".split()
    ),
    "de": frozenset(
        "der die das den dem des ein eine einer eines einem einen und oder ist sind war wird werden wurde hat haben "
        "hatte zu zum zur im in am an auf aus bei mit nach von vom vor für über unter durch als auch es er sie wir ihr "
        "sich nicht kein keine dass wenn wie was wer wo welche welcher welches dieser diese dieses".split()
    ),
}
# Words that nearly every piece of code has, whatever it does.
_STOP_IN_CODE = frozenset("self cls def return elif none null nil true false".split())


class Term(NamedTuple):
    """A search term and the characters that it was made of."""

    text: str
    start_char: int
    end_char: int


def terms(text: str, language: str = "") -> Iterator[Term]:
    """Yield the terms of `text` in order, without stop words.

    language: ISO 639-1, or CODE; "" is read as English, and the words of a language without a stemmer stay as they are.
    """
    language = language or UNKNOWN_READ_AS
    if language == CODE:
        yield from _terms_of_code(text)
        return
    for match in _TOKEN.finditer(text):
        if _IS_WIDE.match(match[0]):
            yield from _pairs(unicodedata.normalize("NFKC", match[0]), match.start())
        elif term := term_of(match[0], language):
            yield Term(term, match.start(), match.end())


def _terms_of_code(text: str) -> Iterator[Term]:
    """Yield each name of the text, if it has several words, and each of its words."""
    for match in _NAME.finditer(text):
        start = match.start()
        if _IS_WIDE.match(match[0]):
            yield from _pairs(unicodedata.normalize("NFKC", match[0]), start)
        else:
            yield from (Term(term, start + at, start + end) for term, at, end in _terms_of_name(match[0]))


@lru_cache(maxsize=200_000)
def _terms_of_name(name: str) -> tuple[Term, ...]:
    words = words_of(name) if name[0].isalpha() or name[0] == "_" else (name,)
    found = [Term(whole_name(name), 0, len(name))] if len(words) > 1 else []
    at = 0
    for word in words:
        at = name.index(word, at)
        if term := _term_in_code(word):
            found.append(Term(term, at, at + len(word)))
        at += len(word)
    return tuple(found)


def whole_name(name: str) -> str:
    """Return the term for a name of several words as a whole: "parseurl" for parse_url and parseURL."""
    return unicodedata.normalize("NFKC", "".join(words_of(name))).lower()[:TERM_MAX_CHARACTERS]


def _term_in_code(word: str) -> str:
    """Return the word's stem, "" for a stop word and for a single letter."""
    if (len(word) == 1 and word.isascii() and word.isalpha()) or word.lower() in _STOP_IN_CODE:
        return ""
    return term_of(word, UNKNOWN_READ_AS)


def _pairs(run: str, start_char: int) -> Iterator[Term]:
    """Yield the pairs of neighbours in a run of characters; a single one as it is."""
    for at in range(max(1, len(run) - 1)):
        pair = run[at : at + 2]
        yield Term(pair, start_char + at, start_char + at + len(pair))


@lru_cache(maxsize=200_000)
def term_of(word: str, language: str) -> str:
    """Return what a word's forms have in common, "" for a stop word."""
    plain = unicodedata.normalize("NFKC", word).lower().replace("’", "'")
    plain = plain.removesuffix("'s").rstrip("'")[:TERM_MAX_CHARACTERS]
    if plain in _STOP.get(language, ()):
        return ""
    name = _STEMMERS.get(language)
    # A stemmer keeps its state between two steps: one that threads share would mix up their words.
    return str(snowballstemmer.stemmer(name).stemWord(plain)) if name else plain
