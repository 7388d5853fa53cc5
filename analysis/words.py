"""What a text says, reduced to what can be compared: content words, names and numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import snowballstemmer

from analysis import numerals

_WORD = re.compile(r"[^\W_]+(?:['’.&-][^\W_]+)*%?|%")
# Scripts without spaces between words are compared by pairs of characters.
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
# Of words alone only these show that they are German; the others are stemmed alike in what is compared, if not rightly.
_GERMAN = re.compile(r"[äöüß]|.{4}(?:ungen|ung|keit|heit)$")
_STOP = frozenset(
    "a an the this that these those it its is are was were be been being am do does did has have had having of "
    "in on at to for from by with as and or if then than so but into onto upon under over which who whom whose "
    "what when where how there here such any all each every either some shall will would may might can could "
    "should must also only other own same will i you he she we they them their his her our your my me us about "
    "between during per via both more most very just up out off again further once after before document "
    "contract agreement section clause article states stated states says said according provides provided "
    "specified following includes include including respectively herein hereof hereto hereunder thereof thereto "
    "hereby "
    # German, without those that are English words too ("die", "war", "hat")
    "der das dem den des und oder ist sind wird werden ein eine einer eines einem einen zu zum zur im auf aus bei beim "
    "mit nach von vom vor für über unter durch als auch sich sie ihm ihn dass wenn wie welche welcher welches "
    "dieser diese dieses".split()
)
NEGATORS = frozenset(
    "not no never neither nor without cannot none nothing nobody n't isn't aren't doesn't don't didn't won't "
    "wasn't weren't shan't mustn't can't couldn't shouldn't nicht "
    "kein keine keinen keiner nie ohne 不 未 無 无 非".split()
)
_IGNORED = _STOP | NEGATORS
_UNITS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
}
_TENS = {word: 10 * n for n, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_DIGITS = re.compile(r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)*")
_SPELLED_WORD = "|".join(sorted([*_UNITS, *_TENS], key=len, reverse=True))
_SPELLED = re.compile(
    rf"\b(?:{_SPELLED_WORD})(?:(?:(?<=hundred)\s+and\s+|(?<=thousand)\s+and\s+|[\s-]+)"
    rf"(?:{_SPELLED_WORD}|{'|'.join(_SCALES)})){{0,15}}\b",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"(?:\b(?:section|sections|article|articles|clause|clauses|paragraph|schedule|exhibit|appendix|annex|page|pages|item|no"
    r"|artikel|anlage|anhang|ziffer|ziff|absatz|abs|satz|nr|seite)|(?<!§)§++)"
    r"\.?\s*(?:\(?[\w.]+\)?(?:\([\w]+\))*)|第\s?\d+\s?[条條章节節款项項页頁]",
    re.IGNORECASE,
)


class Word(NamedTuple):
    """A word of a text: its stem and where it stands."""

    stem: str
    start_char: int
    end_char: int


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Return the word's stem. word: in lower case."""
    language = "german" if _GERMAN.search(word) else "english"
    return str(snowballstemmer.stemmer(language).stemWord(word))


def words(text: str) -> list[Word]:
    """Return the content words of `text` in order: stemmed, lower-case, without function words and negations."""
    return [Word(stem(word), start, end) for word, start, end in _plain(text) if word not in _IGNORED]


def _plain(text: str) -> Iterator[tuple[str, int, int]]:
    for match in _WORD.finditer(text):
        word = match[0].lower().replace("’", "'").removesuffix("'s")
        if _WIDE.search(word):
            yield from (
                (word[i : i + 2], match.start() + i, match.start() + i + 2) for i in range(max(1, len(word) - 1))
            )
        elif word.endswith("%"):
            yield from ((part, match.start(), match.end()) for part in (word[:-1], "percent") if part)
        elif "-" in word:
            yield from ((part, match.start(), match.end()) for part in word.split("-") if part)
        else:
            yield word, match.start(), match.end()


def without_references(text: str) -> str:
    """Return `text` without the numbers that only point somewhere ("Section 4.2", "page 3")."""
    return _REFERENCE.sub(" ", text)


def references(text: str) -> set[str]:
    """Return the numbers by which `text` points at parts of a document ("4.2" of "Section 4.2")."""
    return {number[0].rstrip(".") for match in _REFERENCE.finditer(text) for number in _DIGITS.finditer(match[0])}


def in_digits(text: str) -> str:
    """Return `text` with the numbers that it writes in words in digits: "one hundred twenty days" as "120 days"."""
    text = numerals.in_digits(text)
    return _SPELLED.sub(lambda match: str(_value(match[0])), text)


def _value(spelled: str) -> int:
    total = current = 0
    for word in re.findall(r"[a-z]+", spelled.lower()):
        if word == "hundred":
            current = (current or 1) * 100
        elif word in _SCALES:
            total, current = total + (current or 1) * _SCALES[word], 0
        else:
            current += _UNITS.get(word, 0) + _TENS.get(word, 0)
    return total + current


def names(text: str) -> set[str]:
    """Return the words that `text` writes as names: capitalised or all capitals, and not merely opening a sentence."""
    found = set()
    for match in re.finditer(r"[^\W\d_][\w&.'’-]*", text):
        word = match[0].rstrip(".'’-")
        before = text[: match.start()].rstrip(" \"'“”‘’([*_")
        opens = not before or before[-1] in ".!?:;\n-•"
        if word[:1].isupper() and not opens and word.lower() not in _STOP and len(word) > 1:
            found.add(word.lower().removesuffix("'s").removesuffix("’s"))
    return found
