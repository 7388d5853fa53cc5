"""Aligns each sentence of an answer to the places in the sources that bear it out, or says that none does.

The language model's word is not taken for anything here: a citation is a span of canonical text that this stage
found, so its quote is there by construction, whichever model wrote the answer and whether or not it can cite.

A sentence is compared with the sources' sentences by the weight of the words they share (inverse document frequency
over the sources: Spärck Jones 1972) and, where wording differs, by the similarity of their embeddings. A greedy cover
(Nemhauser et al. 1978) takes up to three spans that together say what the sentence says. Then what must not differ is
compared exactly: numbers, names and negations.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from analysis.sentences import split_sentences
from analysis.types import Citation, CitedSentence, Source, Span
from analysis.words import Word, names, negated, quantities, references, words

Embed = Callable[[list[str]], "np.ndarray"]

MAX_CITATIONS = 3
CANDIDATES = 8  # evidence sentences whose meaning is compared, per answer sentence
# Chosen on ContractNLI (development side, 340 pairs): of entailed statements 59 % are supported, of statements on which
# the contract is silent 19 %. A stricter rule loses three true supports for each false one it removes.
ENOUGH_WEIGHT = 0.60  # share of the sentence's word weight that the evidence must carry together ...
ENOUGH_LEAD = 0.50  # ... and the first piece alone, so that no sentence is stitched from scattered words ...
ENOUGH_MEANING = 0.70  # ... or, when the wording differs, the cosine that the first piece must reach ...
LEAST_LEAD = 0.40  # ... with at least this share of the words
WORTH_CITING = 0.20  # a further span must add this share of the weight; a missing number counts for 0.15 of it
WIDEST_QUOTE = 320  # characters; a longer evidence sentence is narrowed to the clauses that matter

_MARKS = re.compile(r"[*_`#>]+|\[\d+\]|^\s*(?:[-•*+]|\(?\d{1,2}[.)])\s+", re.MULTILINE)
_HEADING = re.compile(r"^\s*(?:#{1,6}\s.*|\*\*[^*\n]+\*\*:?|[^\n.!?]{1,60}:)\s*$")
_ABSENT = r"mention|specif|state|contain|include|provide|address|say|appear|found|defin|disclos|indicat"  # stems
_ABSENCE = re.compile(
    rf"\b(?:(?:does|do|did|is|are|was|were)(?: not|n't) (?:\w+ )?(?:{_ABSENT})"
    r"|no (?:mention|information|such|explicit|specific|provision)"
    rf"|not (?:explicitly |clearly )?(?:found|(?:{_ABSENT})\w*ed)\b)",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(
    r"[;:]\s+|,\s+(?=and |or |but |provided |except |unless |which )|\s+(?=\((?:[a-z]|[ivx]+|\d+)\)\s)"
)


@dataclass(frozen=True)
class Evidence:
    """A sentence of a source: where it stands in the version's text, and its words."""

    version_id: int
    start_char: int
    end_char: int
    text: str
    stems: frozenset[str]


@dataclass(frozen=True)
class Cover:
    """The evidence taken for a sentence.

    lead, share: the claim's word weight in the first piece and in all of them; meaning: the first one's cosine.
    """

    pieces: list[Evidence]
    lead: float
    share: float
    meaning: float

    @property
    def enough(self) -> bool:
        """Return whether the evidence says what the sentence says, as far as wording shows it."""
        worded = self.lead >= ENOUGH_LEAD and self.share >= ENOUGH_WEIGHT
        return worded or (self.meaning >= ENOUGH_MEANING and self.lead >= LEAST_LEAD)


class Sources:
    """The sources' sentences, with the weight of every word and which sentences hold it."""

    def __init__(self, sources: list[Source]) -> None:
        self.evidence = [piece for source in sources for piece in _pieces(source)]
        self.holders: dict[str, list[int]] = defaultdict(list)
        for index, piece in enumerate(self.evidence):
            for stem in piece.stems:
                self.holders[stem].append(index)
        everything = "\n".join(source.text for source in sources)
        self.vocabulary = {word.lower() for word in re.findall(r"[^\W\d_][\w&.'’-]*", everything)}
        self.vocabulary |= {word.rstrip(".'’-").removesuffix("'s").removesuffix("’s") for word in self.vocabulary}
        self.pointers = references(everything) | quantities(everything)

    def weight(self, stem: str) -> float:
        """Return the inverse document frequency of a word; one that no source uses weighs as the rarest."""
        return math.log(1 + len(self.evidence) / (len(self.holders.get(stem, ())) or 1))

    def best(self, stems: frozenset[str], limit: int) -> list[int]:
        """Return the evidence that shares most word weight with `stems`, best first; shorter first among equals."""
        shared: Counter[int] = Counter()
        for stem in stems:
            for index in self.holders.get(stem, ()):
                shared[index] += self.weight(stem)  # type: ignore[assignment]  # Counter adds floats as well
        return sorted(shared, key=lambda index: (-shared[index], len(self.evidence[index].text), index))[:limit]


def cite(answer: str, sources: list[Source], *, embed: Embed | None = None) -> list[CitedSentence]:
    """Return the sentences of `answer` in order, each supported by spans of `sources`, unsupported, or neither.

    embed: texts to float32[n, dims] of unit length; the product's own embedder by default.
    """
    index = Sources(sources)
    spans = split_sentences(answer)
    return [_cite_sentence(answer, span, index, embed or _embed) for span in spans]


def _embed(texts: list[str]) -> np.ndarray:
    from analysis.ingest.embed import embed_passages

    return embed_passages(texts)


def _pieces(source: Source) -> Iterator[Evidence]:
    for span in split_sentences(source.text):
        text = source.text[span.start_char : span.end_char]
        stems = frozenset(word.stem for word in words(text))
        start = source.start_char + span.start_char
        yield Evidence(source.version_id, start, start + len(text), text, stems)


def _cite_sentence(answer: str, span: Span, sources: Sources, embed: Embed) -> CitedSentence:
    sentence = CitedSentence(span.start_char, span.end_char, None, [])
    raw = answer[span.start_char : span.end_char]
    claim = _MARKS.sub(" ", raw).strip()
    stems = frozenset(word.stem for word in words(claim))
    if not stems or _HEADING.match(raw):
        return sentence
    if _ABSENCE.search(claim):
        return replace(sentence, supported=False, reason="Says that something is absent, which no quote can show.")
    cover = _cover(claim, stems, sources, embed)
    reason = _objection(claim, cover, sources)
    if reason:
        return replace(sentence, supported=False, reason=reason)
    score = round(min(1.0, max(cover.share, cover.meaning)), 3)
    citations = [_narrowed(piece, stems, claim, score) for piece in cover.pieces]
    return replace(sentence, supported=True, citations=citations)


def _cover(claim: str, stems: frozenset[str], sources: Sources, embed: Embed) -> Cover:
    """Return up to MAX_CITATIONS pieces of evidence that together carry most of the claim's words and numbers."""
    candidates = sources.best(stems, CANDIDATES)
    if not candidates:
        return Cover([], 0.0, 0.0, 0.0)
    pieces = [sources.evidence[index] for index in candidates]
    vectors = embed([claim, *(piece.text for piece in pieces)])
    cosines = vectors[1:] @ vectors[0]
    weights = {stem: sources.weight(stem) for stem in stems}
    total = sum(weights.values())
    wanted = quantities(claim)

    def gain(piece: Evidence, left: frozenset[str], numbers: set[str]) -> float:
        stated = numbers & quantities(piece.text)
        return sum(weights[stem] for stem in left & piece.stems) / total + 0.15 * len(stated)

    first = max(range(len(pieces)), key=lambda i: gain(pieces[i], stems, wanted) + float(cosines[i]))
    chosen, left, numbers = [pieces[first]], stems - pieces[first].stems, wanted - quantities(pieces[first].text)
    while left and len(chosen) < MAX_CITATIONS:
        more = [sources.evidence[i] for i in sources.best(left, CANDIDATES)]
        more = [piece for piece in more if piece not in chosen]
        best = max(more, key=lambda piece: gain(piece, left, numbers), default=None)
        if best is None or gain(best, left, numbers) < WORTH_CITING:
            break
        chosen.append(best)
        left, numbers = left - best.stems, numbers - quantities(best.text)
    lead = sum(weights[stem] for stem in stems & chosen[0].stems) / total
    share = 1 - sum(weights[stem] for stem in left) / total
    return Cover(chosen, lead, share, float(cosines[first]))


def _objection(claim: str, cover: Cover, sources: Sources) -> str:
    """Return why `cover` does not bear out `claim`, in a sentence; "" when it does."""
    if not cover.pieces:
        return "Nothing in the sources says this."
    missing = sorted(quantities(claim) - set().union(*(quantities(piece.text) for piece in cover.pieces)))
    if missing:
        return f"The number {missing[0]} is not in the words that come nearest."
    stray = sorted(references(claim) - sources.pointers)
    if stray:
        return f"The sources have no {stray[0]} to point at."
    unknown = sorted(name for name in names(claim) if name not in sources.vocabulary)
    if unknown:
        return f"The name “{unknown[0]}” is not in the sources."
    if not cover.enough:
        return "No place in the sources says this closely enough."
    return _contradiction(claim, cover.pieces[0])


def _contradiction(claim: str, evidence: Evidence) -> str:
    """Return an objection when claim and evidence negate different things that both speak of."""
    claimed, stated = negated(claim), negated(evidence.text)
    spoken = frozenset(word.stem for word in words(claim)) & evidence.stems
    if stated and not claimed and _governs_core(stated & spoken, evidence.text, spoken):
        return "The nearest words in the sources say that this is not so."
    if claimed and not stated:
        return "The nearest words in the sources do not say “not”."
    return ""


def _governs_core(overlap: set[str], text: str, spoken: frozenset[str]) -> bool:
    """Return whether the negation bears on what is claimed: it governs most of the shared words of its clause."""
    if not overlap:
        return False
    clause = max(_clauses(text), key=lambda span: len(_stems(text, span) & spoken))
    inside = _stems(text, clause) & spoken
    return len(inside & negated(text[clause.start_char : clause.end_char])) * 2 >= max(1, len(inside))


def _stems(text: str, span: Span) -> set[str]:
    return {word.stem for word in words(text[span.start_char : span.end_char])}


def _clauses(text: str) -> list[Span]:
    cuts = [0, *(match.end() for match in _CLAUSE_END.finditer(text)), len(text)]
    return [Span(a, b) for a, b in itertools.pairwise(cuts) if text[a:b].strip()]


def _narrowed(piece: Evidence, stems: frozenset[str], claim: str, score: float) -> Citation:
    """Return the citation of `piece`, cut to the shortest run of its clauses that holds what it shares."""
    start, end = 0, len(piece.text)
    if end > WIDEST_QUOTE:
        wanted = [word for word in words(piece.text) if word.stem in stems]
        start, end = _run(_clauses(piece.text), wanted, piece.text, quantities(claim))
    quote = piece.text[start:end]
    lead = len(quote) - len(quote.lstrip())
    first = piece.start_char + start + lead
    return Citation(piece.version_id, first, first + len(quote.strip()), score)


def _run(clauses: list[Span], wanted: list[Word], text: str, numbers: set[str]) -> tuple[int, int]:
    """Return the shortest run of clauses that holds nearly all (90 %) of the distinct wanted words, and the numbers."""
    everything = {word.stem for word in wanted}
    target = max(1, math.ceil(0.9 * len(everything)))
    best = (0, len(text))
    for i, opening in enumerate(clauses):
        for closing in clauses[i:]:
            start, end = opening.start_char, closing.end_char
            if end - start >= best[1] - best[0]:
                break
            held = {word.stem for word in wanted if start <= word.start_char and word.end_char <= end}
            if len(held) >= target and numbers & quantities(text) <= quantities(text[start:end]):
                best = (start, end)
                break
    return best
