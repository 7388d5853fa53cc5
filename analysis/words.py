"""What a text says, reduced to what can be compared: content words, quantities, names and negations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import snowballstemmer

_WORD = re.compile(r"[^\W_]+(?:['’.&-][^\W_]+)*%?|%")
# Scripts without spaces between words are compared by pairs of characters.
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_STOP = frozenset(
    "a an the this that these those it its is are was were be been being am do does did has have had having of "
    "in on at to for from by with as and or if then than so but into onto upon under over which who whom whose "
    "what when where how there here such any all each every either some shall will would may might can could "
    "should must also only other own same will i you he she we they them their his her our your my me us about "
    "between during per via both more most very just up out off again further once after before document "
    "contract agreement section clause article states stated states says said according provides provided "
    "specified following includes include including respectively herein hereof hereto hereunder thereof thereto "
    "hereby".split()
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
_ORDINAL = re.compile(r"^(\d+)(?:st|nd|rd|th)$", re.IGNORECASE)
_REFERENCE = re.compile(
    r"\b(?:section|sections|article|articles|clause|clauses|paragraph|schedule|exhibit|appendix|annex|page|pages|item|no|§+)"
    r"\.?\s*(?:\(?[\w.]+\)?(?:\([\w]+\))*)",
    re.IGNORECASE,
)


class Word(NamedTuple):
    """A word of a text: its stem and where it stands."""

    stem: str
    start_char: int
    end_char: int


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    return str(snowballstemmer.stemmer("english").stemWord(word))


def words(text: str) -> list[Word]:
    """Return the content words of `text` in order: stemmed, lower-case, without function words and negations."""
    return [Word(_stem(word), start, end) for word, start, end in _plain(text) if word not in _IGNORED]


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


def quantities(text: str) -> set[str]:
    """Return the numbers that `text` states, in digits: "thirty (30) days" and "30 days" both give {"30"}.

    Numbers that only point somewhere ("Section 4.2", "page 3") are left out; see `references`.
    """
    text = _REFERENCE.sub(" ", text)
    found = {_canonical(match[0]) for match in _DIGITS.finditer(text)}
    return found | set(_spelled(text))


def references(text: str) -> set[str]:
    """Return the numbers by which `text` points at parts of a document ("4.2" of "Section 4.2")."""
    return {number[0].rstrip(".") for match in _REFERENCE.finditer(text) for number in _DIGITS.finditer(match[0])}


def _canonical(digits: str) -> str:
    plain = digits.replace(",", "")
    if plain.count(".") == 1:
        plain = plain.rstrip("0").rstrip(".")
    return plain.lstrip("0") or "0"


def _spelled(text: str) -> Iterator[str]:
    """Yield numbers written in words, "one hundred twenty" as "120"."""
    total = current = 0
    inside = False
    for word in [*re.findall(r"[A-Za-z]+|[^\sA-Za-z-]", text.lower()), ""]:
        if word in _UNITS or word in _TENS:
            current += _UNITS.get(word, 0) + _TENS.get(word, 0)
            inside = True
        elif inside and word in _SCALES:
            total, current = (total, current * 100) if word == "hundred" else (total + current * _SCALES[word], 0)
        elif inside and word == "and" and current % 100 == 0 and current:
            continue
        elif inside:
            yield str(total + current)
            total = current = 0
            inside = False


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


def negated(text: str) -> set[str]:
    """Return the stems that a negation governs: the first three content words after "not", "no", "without", ..."""
    governed: set[str] = set()
    reach = 0
    for word, _, _ in _plain(text):
        if word in NEGATORS or word.endswith("n't"):
            reach = 3
        elif reach and word not in _STOP:
            governed.add(_stem(word))
            reach -= 1
    return governed
