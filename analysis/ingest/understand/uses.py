"""Where defined terms are used, and which words are used like terms and defined nowhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from analysis.types import DefinedTerm, Span, UndefinedTerm

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*['’]?|[^\w\s]")
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ARTICLE = re.compile(r"(?:the|an?|this|der|die|das)\s+(?=\S)", re.IGNORECASE)
_PLURAL = re.compile(r"\s?\((?:s|es|ies|en|n)\)")
_MOST_TOKENS = 16
# Words in capitals within a sentence, led in by a word that goes with a thing and not with a name.
_LIKE_TERM = re.compile(
    r"(?<![\w.])(?:[Aa]ny|[Ee]ach|[Ss]uch|[Ee]very|[Aa]ll|[Nn]o|[Tt]he|[Aa]n?|[Ii]ts|[Tt]heir|other"
    r"|applicable|either)\s"
    r"(?P<term>[A-Z][a-z]+(?:-[A-Z][a-z]+)?(?:\s(?:of\s)?[A-Z][a-z]+(?:-[A-Z][a-z]+)?){0,3})"
    r"(?![\w’'-]|\s[A-Z]|\s(?:of|and|&)\s[A-Z]|\s(?:corporation|limited|general|law|company|court|statut))"
)
_TELLING = re.compile(r"(?:any|each|such|every|all|no|an?|other|either)\s\Z", re.IGNORECASE)
_LEAST_USES = 3
_LONGEST_CHARS = 120  # what is longer is no phrase that anybody wrote, and more than its column holds
# Names of laws, offices, places and parts of documents: they have no definition in any contract and need none.
_NAMES = frozenset(
    "act code rule regulation law court state commission department board congress office agency "
    "authority treasury exchange "
    "institute association bank university county city district union kingdom republic section article "
    "exhibit schedule "
    "annex appendix clause paragraph attachment recital table figure page part item chapter title form "
    "january february "
    "march april may june july august september october november december monday tuesday wednesday thursday friday "
    "saturday sunday internet christmas new inc llc ltd corporation corp english german federal national "
    "american european "
    "united states secretary president director chairman officer executive vice chief general counsel "
    "senior mr mrs ms dr "
    "preamble street avenue road suite floor north south east west".split()
)


class Use(NamedTuple):
    """A place where a term is used. key: of the term, see `key_of`."""

    start_char: int
    end_char: int
    key: str


def key_of(term: str) -> str:
    """Return what all forms of a term share: "the Affiliates’" and "Affiliate" are one."""
    return " ".join(_stem(token) for token in _TOKEN.findall(_plain(term))) or term.lower()


def _plain(term: str) -> str:
    """Return a term without the article before it and the plural in brackets after it: "the Affiliate(s)"."""
    bare = _PLURAL.sub("", term)
    article = _ARTICLE.match(bare)
    return bare[article.end() :] if article else bare


def _stem(token: str) -> str:
    """Return a word without plural and possessive endings, in small letters."""
    word = token.lower().replace("’", "'").rstrip("'").removesuffix("'s")
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@dataclass(frozen=True)
class _Entry:
    """A term to look for: its key, and whether it is written in capitals."""

    key: str
    capital: bool


class TermIndex:
    """Finds the uses of terms in a text in one pass, the longest term first."""

    def __init__(self, terms: Iterable[str]) -> None:
        self._entries: dict[tuple[str, ...], _Entry] = {}
        self._longest: dict[str, int] = {}
        wide = {}
        for term in terms:
            if _HAN.search(term):
                wide[term] = key_of(term)
            else:
                self._add(term)
        self._wide = wide
        longest_first = sorted(map(re.escape, wide), key=len, reverse=True)
        self._wide_pattern = re.compile("|".join(longest_first)) if wide else None

    def _add(self, term: str) -> None:
        key = key_of(term)
        stems = tuple(key.split(" "))
        entry = _Entry(key, not _plain(term)[:1].islower())
        former = self._entries.get(stems)
        if len(stems) <= _MOST_TOKENS and (former is None or former.capital):
            self._entries[stems] = entry
            self._longest[stems[0]] = max(len(stems), self._longest.get(stems[0], 0))

    def uses(self, text: str, start_char: int = 0, end_char: int | None = None) -> list[Use]:
        """Return the uses in `text[start_char:end_char]`, in order and without overlap."""
        end_char = len(text) if end_char is None else end_char
        found = list(self._spaced(text, start_char, end_char))
        if self._wide_pattern:
            found += [
                Use(*match.span(), self._wide[match[0]])
                for match in self._wide_pattern.finditer(text, start_char, end_char)
            ]
        return sorted(found)

    def _spaced(self, text: str, start_char: int, end_char: int) -> Iterator[Use]:
        tokens = [(match[0], match.start(), match.end()) for match in _TOKEN.finditer(text, start_char, end_char)]
        at = 0
        while at < len(tokens):
            use, taken = self._use_at(text, tokens, at)
            if use:
                yield use
            at += taken

    def _use_at(self, text: str, tokens: Sequence[tuple[str, int, int]], at: int) -> tuple[Use | None, int]:
        first = _stem(tokens[at][0])
        longest = self._longest.get(first, 0)
        if not longest:
            return None, 1
        stems = [first, *(_stem(token) for token, _, _ in tokens[at + 1 : at + longest])]
        for length in range(len(stems), 0, -1):
            entry = self._entries.get(tuple(stems[:length]))
            if entry is None or (entry.capital and tokens[at][0][0].islower()):
                continue
            start, end = tokens[at][1], tokens[at + length - 1][2]
            if "\n\n" not in text[start:end]:
                return Use(start, end, entry.key), length
        return None, 1


def with_uses(text: str, terms: Sequence[DefinedTerm]) -> list[DefinedTerm]:
    """Return the terms with how often each is used in `text`, the places where it is defined not counted."""
    defining = {term.start_char for term in terms} | {term.end_char for term in terms}
    uses = TermIndex(term.term for term in terms).uses(text)
    counts = Counter(use.key for use in uses if not defining & {use.start_char, use.end_char})
    return [replace(term, uses=counts[key_of(term.term)]) for term in terms]


def undefined_terms(text: str, terms: Sequence[DefinedTerm]) -> list[UndefinedTerm]:
    """Return the phrases that are used like terms and not defined, in the order of their first use."""
    defined = {key_of(term.term) for term in terms}
    words = {word for key in defined for word in key.split(" ")}
    places: dict[str, list[Span]] = {}
    telling: Counter[str] = Counter()
    for match in _LIKE_TERM.finditer(text):
        key = key_of(match["term"])
        if len(match["term"]) > _LONGEST_CHARS or key in defined or set(key.split(" ")) <= words or _is_name(key):
            continue
        places.setdefault(key, []).append(Span(*match.span("term")))
        telling[key] += _TELLING.search(text, match.start(), match.start("term")) is not None
    return [
        UndefinedTerm(" ".join(text[slice(*spans[0])].split()), *spans[0], uses=len(spans))
        for key, spans in sorted(places.items(), key=lambda item: item[1][0])
        if len(spans) >= _LEAST_USES and telling[key]
    ]


def _is_name(key: str) -> bool:
    """Whether a word of it is one of a law, an office or a month, or it is one word too common to be a term."""
    return any(word in _NAMES for word in key.split(" "))
