"""Aligns each sentence of an answer to the places in the sources that bear it out, or says that none does.

The language model's word is not taken for anything here: a citation is a span of canonical text that this stage
found, so its quote is there by construction, whichever model wrote the answer and whether or not it can cite.

A sentence is compared with the sources' sentences that share most of its word weight (inverse document frequency over
the sources: Spärck Jones 1972). The likeliest of them that nothing speaks against is cited (`likeness`), and a greedy
cover (Nemhauser et al. 1978) adds up to two more for what it does not say. Amounts, dates, names and section numbers
must be there exactly. What is said about source code is judged by its lines instead (`cite_code`).
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from analysis.alike import concepts
from analysis.amounts import amounts, unstated
from analysis.answer.cite_code import claim_about_code, judge_code
from analysis.answer.code_evidence import CodeSources
from analysis.answer.evidence import Evidence, Sources
from analysis.answer.likeness import Claim, Likeness, Objection, claim_of, likeness, objection
from analysis.answer.parties import parties_of
from analysis.sentences import split_sentences
from analysis.types import Citation, CitedSentence, Identity, Source, Span
from config.traces import traced

Embed = Callable[[list[str]], "np.ndarray"]

MAX_CITATIONS = 3
CANDIDATES = 10  # evidence sentences whose meaning is compared, per answer sentence
# What is said in the source's own words is borne out however far its embedding is: the first piece must carry two
# thirds of the words, so that no sentence is stitched from scattered words, and all pieces together four fifths.
ENOUGH_LEAD = 0.65
ENOUGH_WEIGHT = 0.80
# How much likelier, in log odds, a sentence that speaks against a claim must be than the one that bears it out.
DECIDEDLY = 1.0
WORTH_AMOUNT = 0.7  # in log odds, for each amount of the claim that a sentence states
WORTH_CITING = 0.20  # a further span must add this share of the weight; a missing amount counts for 0.15 of it
WIDEST_QUOTE = 320  # characters; a longer evidence sentence is narrowed to the clauses that matter

_NOT_SHOWN = "Says that something is absent, which no quote can show."
_MARKS = re.compile(r"[*_`#>]+|\[\d+\]|^\s*(?:[-•*+]|\(?\d{1,2}[.)])\s+", re.MULTILINE)
_HEADING = re.compile(r"^\s*(?:#{1,6}\s.*|\*\*[^*\n]+\*\*:?|[^\n.!?]{1,60}:)\s*$")
_ABSENT = r"mention|specif|state|contain|include|provide|address|say|appear|found|defin|disclos|indicat"  # stems
_ABSENCE = re.compile(
    rf"\b(?:(?:does|do|did|is|are|was|were)(?: not|n't) (?:\w+ )?(?:{_ABSENT})"
    r"|no (?:mention|information|such|explicit|specific|provision)"
    rf"|not (?:explicitly |clearly )?(?:found|(?:{_ABSENT})\w*ed)\b)"
    # German and Chinese
    r"|\b(?:enth(?:ält|alten)|erwähn(?:t|en)|regel(?:t|n)|sag(?:t|en)|nenn(?:t|en)|steh(?:t|en)|finde[nt]\w*|beantworte[nt])\b"
    r"[^.]{0,80}\b(?:nicht|nichts|kein\w*)\b|\bnicht (?:erwähnt|geregelt|enthalten|angegeben|genannt|beantwortet)\b"
    r"|(?:没有|沒有|未(?:有|能)?)(?:明确|明確)?(?:提及|提到|规定|規定|说明|說明|约定|約定|包含|载明|载有|回答|涉及)",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(
    r"[;:]\s+|,\s+(?=and |or |but |provided |except |unless |which )|\s+(?=\((?:[a-z]|[ivx]+|\d+)\)\s)"
)


class Verdict(StrEnum):
    """How the sources stand to a sentence."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"  # a place in them says otherwise
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class Compared:
    """A sentence of a source, how it compares with a claim, and what speaks against resting the claim on it."""

    piece: Evidence
    likeness: Likeness
    objection: Objection | None
    stated: frozenset[str]

    @property
    def rank(self) -> float:
        return self.likeness.score + WORTH_AMOUNT * len(self.stated)


@dataclass(frozen=True)
class Judgement:
    """Whether the sources bear out a claim. pieces: what it rests on. reason: why not, for people."""

    verdict: Verdict
    pieces: tuple[Evidence, ...] = ()
    reason: str = ""
    score: float = 0.0


@traced("cite", of=lambda cited: {"sentences": len(cited), "supported": sum(bool(each.supported) for each in cited)})
def cite(
    answer: str,
    sources: list[Source],
    *,
    identities: Mapping[int, Identity] | None = None,
    coded: Collection[int] = (),
    embed: Embed | None = None,
) -> list[CitedSentence]:
    """Return the sentences of `answer` in order, each supported by spans of `sources`, unsupported, or neither.

    identities: who the parties of the sources' versions are, by version id. coded: the versions that are source code.
    embed: texts to float32[n, dims] of unit length; the product's own embedder by default.
    """
    prose = [source for source in sources if source.version_id not in coded]
    index = Sources(prose, parties_of(identities or {}))
    code = CodeSources([source for source in sources if source.version_id in coded]) if coded else None
    return [
        _by_code(answer, span, index, code, embed or _embed)
        if code and code.units
        else _cite_sentence(answer, span, index, embed or _embed)
        for span in split_sentences(answer)
    ]


def says_absent(answer: str) -> bool:
    """Return whether all that the answer says is that something is not there."""
    spans = [span for span in split_sentences(answer) if not _HEADING.match(answer[span.start_char : span.end_char])]
    return bool(spans) and all(_ABSENCE.search(answer[start:end]) for start, end in spans)


def compare(claim: Claim, sources: Sources, embed: Embed | None = None) -> list[Compared]:
    """Return the sources' sentences that come near the claim, the likeliest to bear it out first."""
    pieces = [sources.evidence[index] for index in sources.best(claim.stems, CANDIDATES)]
    if not pieces:
        return []
    vectors = (embed or _embed)([claim.said, *(piece.text for piece in pieces)])
    cosines = vectors[1:] @ vectors[0]
    found = [_compared(claim, piece, cosine, sources) for piece, cosine in zip(pieces, cosines, strict=True)]
    return sorted(found, key=lambda each: -each.rank)


def judge(claim: Claim, found: list[Compared], sources: Sources) -> Judgement:
    """Return whether the claim is borne out by what comes near it, `found`."""
    if not found:
        return _unsupported("Nothing in the sources says this.")
    if strange := _strange(claim, sources):
        return _unsupported(strange)
    free = next((each for each in found if each.objection is None), None)
    pieces = _cover(claim, free.piece, sources) if free else []
    near = free if free and (free.likeness.score >= 0 or _worded(claim, pieces)) else None
    against = next((each for each in found if each.objection), None)
    if against and against.objection and _speaks_against(against, claim, near):
        verdict = Verdict.CONTRADICTED if against.objection.contradicts else Verdict.UNSUPPORTED
        return Judgement(verdict, (against.piece,), against.objection.reason)
    if missing := unstated(claim.amounts, {amount for piece in pieces for amount in piece.amounts}):
        return _unsupported(f"“{claim.amounts[missing[0]]}” is not in the words that come nearest.")
    if near is None:
        return _unsupported("No place in the sources says this closely enough.")
    return Judgement(Verdict.SUPPORTED, tuple(pieces), score=near.likeness.probability)


def _strange(claim: Claim, sources: Sources) -> str:
    """Return what the claim speaks of that no source does, in a sentence; "" if there is nothing."""
    if stray := [number for number in sorted(claim.references) if not sources.holds_number(number)]:
        return f"The sources have no {stray[0]} to point at."
    if unknown := [name for name in sorted(claim.names) if not sources.knows(name)]:
        return f"The name “{unknown[0]}” is not in the sources."
    return ""


def _embed(texts: list[str]) -> np.ndarray:
    from analysis.ingest.embed import embed_passages

    return embed_passages(texts)


def _cite_sentence(answer: str, span: Span, sources: Sources, embed: Embed) -> CitedSentence:
    sentence = CitedSentence(span.start_char, span.end_char, None, [])
    raw = answer[span.start_char : span.end_char]
    claim = claim_of(_MARKS.sub(" ", raw).strip(), sources)
    if not claim.weights or _HEADING.match(raw):
        return sentence
    if _ABSENCE.search(claim.text):
        return replace(sentence, supported=False, reason=_NOT_SHOWN)
    judged = judge(claim, compare(claim, sources, embed), sources)
    if judged.verdict is not Verdict.SUPPORTED:
        return replace(sentence, supported=False, reason=judged.reason)
    score = round(max(judged.score, _share(claim, judged.pieces)), 3)
    pieces = [*judged.pieces, *_who_is_who(raw, judged.pieces, sources)]
    return replace(sentence, supported=True, citations=[_narrowed(piece, claim, score) for piece in pieces])


def _by_code(answer: str, span: Span, prose: Sources, code: CodeSources, embed: Embed) -> CitedSentence:
    """Return the sentence as lines of code bear it out, or else as the other sources do."""
    sentence = CitedSentence(span.start_char, span.end_char, None, [])
    raw = answer[span.start_char : span.end_char]
    claim = claim_about_code(raw, code)
    if not claim.weights or _HEADING.match(raw):
        return sentence
    if _ABSENCE.search(raw):
        return replace(sentence, supported=False, reason=_NOT_SHOWN)
    judged = judge_code(claim, code)
    if judged.citations:
        return replace(sentence, supported=True, citations=list(judged.citations))
    other = _cite_sentence(answer, span, prose, embed) if prose.evidence else sentence
    if other.supported or (other.reason and not claim.names):
        return other
    return replace(sentence, supported=False, reason=judged.reason)


def _compared(claim: Claim, piece: Evidence, cosine: float, sources: Sources) -> Compared:
    stated = frozenset(claim.amounts) - frozenset(unstated(claim.amounts, piece.amounts))
    return Compared(piece, likeness(claim, piece, cosine), objection(claim, piece, sources), stated)


def _unsupported(reason: str) -> Judgement:
    return Judgement(Verdict.UNSUPPORTED, reason=reason)


def _speaks_against(against: Compared, claim: Claim, free: Compared | None) -> bool:
    """Return whether what speaks against the claim is near enough, and decidedly nearer than what bears it out."""
    near = against.likeness.score >= 0 or _worded(claim, [against.piece])
    return near and (free is None or against.rank > free.rank + DECIDEDLY)


def _share(claim: Claim, pieces: tuple[Evidence, ...] | list[Evidence]) -> float:
    """Return the share of the claim's word weight that the pieces hold together."""
    held = frozenset().union(*(piece.stems for piece in pieces))
    return sum(weight for stem, weight in claim.weights.items() if stem in held)


def _worded(claim: Claim, pieces: list[Evidence]) -> bool:
    """Return whether the pieces say what is claimed in the claim's own words."""
    return bool(pieces) and _share(claim, pieces[:1]) >= ENOUGH_LEAD and _share(claim, pieces) >= ENOUGH_WEIGHT


def _cover(claim: Claim, first: Evidence, sources: Sources) -> list[Evidence]:
    """Return up to MAX_CITATIONS pieces of evidence, `first` first, that carry most of the claim."""
    chosen = [first]
    left, wanted = claim.stems - first.stems, unstated(claim.amounts, first.amounts)
    while left and len(chosen) < MAX_CITATIONS:
        more = [sources.evidence[i] for i in sources.best(left, CANDIDATES)]
        more = [piece for piece in more if piece not in chosen]
        best = max(more, key=lambda piece: _gain(claim, piece, left, wanted), default=None)
        if best is None or _gain(claim, best, left, wanted) < WORTH_CITING:
            break
        chosen.append(best)
        left, wanted = left - best.stems, unstated(wanted, best.amounts)
    return chosen


def _gain(claim: Claim, piece: Evidence, left: frozenset[str], wanted: list[str]) -> float:
    stated = len(wanted) - len(unstated(wanted, piece.amounts))
    return sum(claim.weights[stem] for stem in left & piece.own) + 0.15 * stated


def _who_is_who(sentence: str, pieces: tuple[Evidence, ...], sources: Sources) -> list[Evidence]:
    """Return where the sources say who a party is that the sentence names and the pieces call by its short name."""
    text = "\n".join(piece.text for piece in pieces)
    wanted = [(id, party) for id, party in sources.parties.named_in(sentence) if party.name not in text]
    found = [sources.at(id, party.start_char) for id, party in wanted]
    new = [piece for piece in dict.fromkeys(found) if piece is not None and piece not in pieces]
    return new[: MAX_CITATIONS - len(pieces)]


def _clauses(text: str) -> list[Span]:
    cuts = [0, *(match.end() for match in _CLAUSE_END.finditer(text)), len(text)]
    return [Span(a, b) for a, b in itertools.pairwise(cuts) if text[a:b].strip()]


def _narrowed(piece: Evidence, claim: Claim, score: float) -> Citation:
    """Return the citation of `piece`, cut to the shortest run of its clauses that holds what it shares."""
    start, end = 0, len(piece.text)
    if end > WIDEST_QUOTE:
        # `concepts` may shorten phrases, so its places would be off: a run is sought by whole clauses.
        start, end = _run(piece.text, claim)
    quote = piece.text[start:end]
    lead = len(quote) - len(quote.lstrip())
    first = piece.start_char + start + lead
    return Citation(piece.version_id, first, first + len(quote.strip()), score)


def _run(text: str, claim: Claim) -> tuple[int, int]:
    """Return the shortest run of clauses that holds nearly all (90 %) of what the text shares with the claim."""
    clauses = _clauses(text)
    shared = [frozenset(word.stem for word in concepts(text[a:b])) & claim.stems for a, b in clauses]
    target = max(1, math.ceil(0.9 * len(frozenset().union(*shared))))
    stated = frozenset(claim.amounts) - frozenset(unstated(claim.amounts, amounts(text)))
    best = (0, len(text))
    for i, opening in enumerate(clauses):
        for j in range(i, len(clauses)):
            start, end = opening.start_char, clauses[j].end_char
            if end - start >= best[1] - best[0]:
                break
            held = frozenset().union(*shared[i : j + 1])
            if len(held) >= target and not unstated(stated, amounts(text[start:end])):
                best = (start, end)
                break
    return best
