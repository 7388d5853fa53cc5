"""How likely it is that a sentence of a source bears out what an answer claims, and what speaks against it.

Four things are looked at: how near the two are in meaning (cosine of their embeddings), how much of the claim's word
weight the sentence holds, whether it obliges, forbids or permits as the claim does, and whether it holds what the
claim makes a condition. A logistic regression weighs them; `manage.py evaluate contractnli --task fit` fits it. What
must not differ is no matter of weight: it is an objection.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analysis.alike import concepts, plain, roles
from analysis.amounts import amounts, scaled, unstated
from analysis.answer.evidence import Evidence, Sources
from analysis.denials import denied_otherwise
from analysis.force import Force, bearing, force_at
from analysis.words import Word, names, references

# Fitted on one half of the documents of ContractNLI's development side, judged on the other (docs/quality.md).
MEANING, SHARED, BEARING, UNMET, CONSTANT = 4.3, 4.9, 0.9, -0.8, -6.6

_VERB = re.compile(
    r"\b(?:shall|may|must|will|can|might|should|is|are|was|were|does|do|has|have)\b(?:\s+(?:only|not|never)\b)?",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:upon|after|before|if|in case|in the event|when|unless|until|without|during|within|following|provided)\b",
    re.IGNORECASE,
)
_ONLY = re.compile(r"\b(?:only|solely|exclusively)\b", re.IGNORECASE)
_ONLY_THIS = re.compile(r"\b(?:only|solely|exclusively|sole|exclusive|limited to|nothing but)\b", re.IGNORECASE)
_EITHER_WAY = re.compile(
    r"\b(?:whether or not|regardless of whether|irrespective of whether|even if not"
    r"|whether (?:marked|written|oral|orally|in writing)|not so (?:marked|designated|identified))\b",
    re.IGNORECASE,
)
_DENYING = (Force.FORBIDS, Force.DENIES, Force.FREES)


_WORD = re.compile(r"[^\W_]+")


class Objection(NamedTuple):
    """What speaks against a claim. contradicts: the source says otherwise, not merely less."""

    reason: str
    contradicts: bool = True


@dataclass(frozen=True)
class Claim:
    """A sentence of an answer, as it is compared.

    said, text: with the parties by their short names; text with phrases as words besides. action: the word for what is
    done. condition: the concepts of what it is made to depend on. weights: of its concepts, summing to 1.
    """

    said: str
    text: str
    weights: dict[str, float]
    action: Word | None
    force: Force
    condition: frozenset[str]
    amounts: Mapping[str, str]
    names: frozenset[str]
    references: frozenset[str]

    @property
    def stems(self) -> frozenset[str]:
        return frozenset(self.weights)

    @property
    def only(self) -> bool:
        """Return whether it claims that something is so of nothing else."""
        return bool(_ONLY.search(self.text))


def claim_of(sentence: str, sources: Sources) -> Claim:
    """Return the sentence as it is compared with the sources."""
    named = sources.parties.by_role(sentence)
    text = plain(named)
    held = concepts(named)
    total = sum(sources.weight(stem) for stem in {word.stem for word in held}) or 1.0
    action = _action(text, held)
    stated = amounts(sentence)
    of_amounts = {word.lower() for written in stated.values() for word in written.split()}
    condition = _CONDITION.search(text)
    depends = {word.stem for word in held if condition and word.start_char >= condition.end()} - roles()
    return Claim(
        named,
        text,
        {word.stem: sources.weight(word.stem) / total for word in held},
        action,
        force_at(text, action.start_char) if action else Force.STATES,
        frozenset(depends),
        stated,
        frozenset(names(named) - of_amounts),
        frozenset(references(sentence)),
    )


def _action(text: str, held: Sequence[Word]) -> Word | None:
    """Return the first word of content after the sentence's verb of mood that is neither a party nor an adverb."""
    verb = _VERB.search(text)
    doing = [word for word in held if word.stem not in roles() and text[word.end_char - 2 : word.end_char] != "ly"]
    return next((word for word in doing if not verb or word.start_char >= verb.end()), doing[0] if doing else None)


class Likeness(NamedTuple):
    """What is weighed. meaning: cosine. shared, unmet: shares of word weight. bearing: -1, 0 or 1."""

    meaning: float
    shared: float
    bearing: int
    unmet: float

    @property
    def score(self) -> float:
        """Return the logarithm of the odds that the claim is borne out."""
        return MEANING * self.meaning + SHARED * self.shared + BEARING * self.bearing + UNMET * self.unmet + CONSTANT

    @property
    def probability(self) -> float:
        return 1 / (1 + math.exp(-self.score))


def likeness(claim: Claim, piece: Evidence, cosine: float) -> Likeness:
    """Return how a sentence of a source compares with a claim."""
    shared = sum(weight for stem, weight in claim.weights.items() if stem in piece.stems)
    depends = sum(claim.weights[stem] for stem in claim.condition) or 1.0
    unmet = sum(claim.weights[stem] for stem in claim.condition - piece.stems) / depends
    return Likeness(float(cosine), shared, _bearing(claim, piece), unmet)


def _bearing(claim: Claim, piece: Evidence) -> int:
    return max((bearing(claim.force, stated) for stated in _forces(claim, piece)), default=0)


def _forces(claim: Claim, piece: Evidence) -> list[Force]:
    """Return what the sentence says of the claim's action, for each time that it speaks of it."""
    if claim.action is None:
        return []
    return [force_at(piece.plain, word.start_char) for word in piece.words if word.stem == claim.action.stem]


def objection(claim: Claim, piece: Evidence, sources: Sources) -> Objection | None:
    """Return what speaks against resting the claim on this sentence, however alike they are."""
    forces = _forces(claim, piece)
    if forces and all(bearing(claim.force, stated) < 0 for stated in forces):
        return Objection(_clash(claim.force, forces[0]))
    if denied_otherwise(claim.text, piece.plain):
        return Objection("Of this and the nearest words in the sources one says “not”.")
    if claim.only and not (Force.LIMITS in forces if forces else _ONLY_THIS.search(piece.plain)):
        return Objection("The nearest words in the sources do not say “only”.")
    if claim.force in (Force.OBLIGES, Force.STATES) and _EITHER_WAY.search(piece.plain):
        return Objection("The nearest words in the sources leave it open whether this is so.")
    if claim.force is Force.OBLIGES and forces and set(forces) == {Force.PERMITS}:
        return Objection("The nearest words in the sources say that this may be done, not that it must.", False)
    return _other_column(claim, piece) or _other_party(claim, piece, sources)


def _clash(claimed: Force, stated: Force) -> str:
    if claimed in _DENYING:
        return "The nearest words in the sources do not say “not”."
    if stated is Force.FREES:
        return "The nearest words in the sources say that this need not be."
    if claimed is Force.PERMITS:
        return "The nearest words in the sources do not allow this."
    return "The nearest words in the sources say that this is not so."


def _other_party(claim: Claim, piece: Evidence, sources: Sources) -> Objection | None:
    """Return an objection where the source has another party do what is claimed."""
    if claim.action is None:
        return None
    claimed = sources.parties.subject(claim.text, claim.action.start_char)
    places = [word.start_char for word in piece.words if word.stem == claim.action.stem]
    stated = [sources.parties.subject(piece.plain, place) for place in places]
    if not claimed or not stated or any(not subject or subject & claimed for subject in stated):
        return None
    return Objection(f"In the nearest words in the sources it is {_either(stated[0])}, not {_either(claimed)}.")


def _other_column(claim: Claim, piece: Evidence) -> Objection | None:
    """Return an objection where a row has the claimed figure under a header that the claim speaks of less than another.

    Only for a claim with one figure of the row: of several, which belongs to which header is for the reader to see.
    """
    row = piece.row
    if row is None:
        return None
    stated = [at for at, (figure, _) in enumerate(row.figures) if _states(claim, figure, row.scale)]
    if len({row.figures[at][0] for at in stated}) != 1:
        return None
    said = frozenset(word.lower() for word in _WORD.findall(claim.said))
    fits = [len(row.over(at) & said) for at in range(len(row.figures))]
    if max(fits) <= max(fits[at] for at in stated):
        return None
    return Objection(f"In the nearest row this figure stands under “{row.figures[stated[0]][1]}”.")


def _states(claim: Claim, figure: str, scale: float) -> bool:
    known = amounts(figure)
    both = {*known, *(scaled(amount, scale) for amount in known)}
    return len(unstated(claim.amounts, both)) < len(unstated(claim.amounts, ()))


def _either(roles: frozenset[str]) -> str:
    return " or ".join(f"“{role}”" for role in sorted(roles))
