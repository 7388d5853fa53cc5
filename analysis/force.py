"""What a sentence of a contract does to an action: oblige, forbid, permit, or allow it within limits.

"shall not disclose", "agrees not to disclose" and "no disclosure shall be made" forbid; "may disclose", "nothing herein
prevents disclosure" permit; "disclose only to", "shall not disclose except to" limit. Read from the words that stand
before and after the action in its sentence, in the order in which they govern it: a small automaton, no parser.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Force(StrEnum):
    """What is said of an action."""

    STATES = "states"  # that it is so
    DENIES = "denies"  # that it is not so
    OBLIGES = "obliges"
    FORBIDS = "forbids"
    PERMITS = "permits"
    LIMITS = "limits"  # allowed within limits, forbidden beyond them
    FREES = "frees"  # not obliged


_MODAL = r"(?:shall|may|must|will|can|could|should|would|might)"
# Of two that begin at the same place the first is taken; one that reaches further takes what stands within it along.
_OPERATORS = re.compile(
    rf"""
    (?P<free>\b(?:no|not\s+any|without(?:\s+any)?)\s+(?:obligation|duty)\b|\bneed\s+not\b
        |\bnot\s+(?:be\s+)?(?:required|obliged|obligated|bound)\b)
    |(?P<lift>\b(?:{_MODAL}|do|does)\s+not\s+(?:be\s+deemed\s+to\s+)?(?:apply|extend|include|cover)\b)
    |(?P<nothing>\bnothing\b[^;:]{{0,120}}?\b(?:{_MODAL}|is|are|does|grants?|gives?|confers?)\b)
    |(?P<forbid>\b(?:neither|no)\b[^,;:]{{0,100}}?\b{_MODAL}\b|\bnor\s+{_MODAL}\b
        |\b{_MODAL}\s+(?:\w+\s+){{0,2}}?(?:not|never|neither)\b|\bcannot\b|\b(?:can|wo)n?[’']t\b
        |\b(?:agree[sd]?|undertak(?:es?|en|ing)|covenants?)\s+(?:that\s+)?(?:\w+\s+){{0,2}}?not\b
        |\bnot\s+to\b|\b(?:refrain|abstain)\w*\s+from\b|\bforbidden\b|\bunder\s+no\s+circumstances\b)
    |(?P<hinder>\b(?:prevent|prohibit|restrict|preclud|forbid|restrain|limit)(?:s|ed|es|e|ing)?\b)
    |(?P<deny>\b(?:not|no)\b(?!\s+(?:less|later|more|fewer|limited|only|exceed\w*|earlier|so)\b)
        |\b\w+n[’']t\b|\bnor\b|\bnever\b|\bneither\b|\bnone\b)
    |(?P<proviso>\bprovided,?\s+(?:however,?\s+)?that\b)
    |(?P<except>\b(?:except|unless|save|other\s+than|excluding|but\s+only)\b)
    |(?P<only>\b(?:only|solely|exclusively)\b)
    |(?P<oblige>\b(?:shall|must|will)\b)
    |(?P<bind>\b(?:agrees?|undertakes?|covenants?|required|obliged|obligated|obligation|duty)\b)
    |(?P<permit>\b(?:may|can|might)\b)
    |(?P<allow>\b(?:permitted|entitled|allowed|authori[sz]ed|free\s+to|right\s+to|permits?|allows?)\b)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_ALONE = {
    "free": Force.FREES,
    "lift": Force.FREES,
    "nothing": Force.DENIES,
    "forbid": Force.FORBIDS,
    "hinder": Force.FORBIDS,
    "deny": Force.DENIES,
    "proviso": Force.STATES,
    "oblige": Force.OBLIGES,
    "bind": Force.OBLIGES,
    "permit": Force.PERMITS,
    "allow": Force.PERMITS,
}
# What is meant under what stood before, where that is not what an operator means alone.
_UNDER: dict[Force, dict[str, Force]] = {
    Force.STATES: {"only": Force.LIMITS},
    Force.OBLIGES: {"only": Force.LIMITS, "except": Force.FREES, "deny": Force.FORBIDS},
    Force.PERMITS: {"only": Force.LIMITS, "except": Force.FORBIDS, "hinder": Force.PERMITS},
    Force.FORBIDS: {
        "only": Force.LIMITS, "except": Force.LIMITS, "hinder": Force.FREES, "allow": Force.FORBIDS,
        "bind": Force.FREES, "deny": Force.FORBIDS,
    },
    Force.DENIES: {
        "only": Force.LIMITS, "except": Force.LIMITS, "hinder": Force.FREES, "allow": Force.FORBIDS,
        "bind": Force.FREES, "deny": Force.DENIES,
    },
    Force.LIMITS: {"except": Force.LIMITS, "hinder": Force.LIMITS},
    Force.FREES: {"hinder": Force.FREES, "bind": Force.FREES, "allow": Force.FREES, "except": Force.OBLIGES},
}  # fmt: skip
_LIMITED_AFTER = re.compile(
    r"\b(?:except|other\s+than|unless|save|only|solely|but\s+not|need[ -]to[ -]know)\b", re.IGNORECASE
)
_ONLY_AFTER = re.compile(r"[^.;:]{0,80}?\b(?:only|solely|exclusively)\b", re.IGNORECASE)
_CONSENT = re.compile(
    r"\b(?:without|unless|except)\b[^.;]{0,60}\b(?:consent|approval|permission|authori[sz]ation|agree\w*)\b",
    re.IGNORECASE,
)
_LIMITABLE = (Force.OBLIGES, Force.PERMITS, Force.STATES)


def force_at(text: str, place: int) -> Force:
    """Return what is said of the action that begins at `text[place]`, by the words before it and after it."""
    state = Force.STATES
    for match in _OPERATORS.finditer(text, text.rfind(";", 0, place) + 1, place):
        name = str(match.lastgroup)
        state = _UNDER[state].get(name, _ALONE.get(name, state))
    if state is Force.FORBIDS and _excepted(text, place):
        return Force.LIMITS
    return Force.LIMITS if state in _LIMITABLE and _ONLY_AFTER.match(text, place) else state


def _excepted(text: str, place: int) -> bool:
    """Return whether what is forbidden is allowed within limits. Another's consent is no limit: it can be refused."""
    after = _CONSENT.sub(" ", re.split(r"[.;]", text[place:], maxsplit=1)[0])
    return bool(_LIMITED_AFTER.search(after))


# How what a source says bears on what is claimed: 1 bears it out, -1 speaks against it, 0 neither.
_BEARING: dict[Force, dict[Force, int]] = {
    Force.STATES: {
        Force.STATES: 1, Force.OBLIGES: 1, Force.LIMITS: 1, Force.DENIES: -1, Force.FORBIDS: -1, Force.FREES: -1,
        Force.PERMITS: 0,
    },
    Force.DENIES: {Force.DENIES: 1, Force.FORBIDS: 1, Force.FREES: 1, Force.STATES: -1, Force.OBLIGES: -1},
    Force.OBLIGES: {
        Force.OBLIGES: 1, Force.STATES: 1, Force.LIMITS: 0, Force.FREES: -1, Force.FORBIDS: -1, Force.DENIES: -1,
    },
    Force.FORBIDS: {
        Force.FORBIDS: 1, Force.LIMITS: 1, Force.DENIES: 1, Force.PERMITS: -1, Force.OBLIGES: -1, Force.FREES: -1,
    },
    Force.PERMITS: {
        Force.PERMITS: 1, Force.LIMITS: 1, Force.FREES: 1, Force.OBLIGES: 1, Force.STATES: 1, Force.FORBIDS: -1,
        Force.DENIES: -1,
    },
    Force.LIMITS: {Force.LIMITS: 1, Force.FORBIDS: 0, Force.PERMITS: -1, Force.STATES: 0},
    Force.FREES: {Force.FREES: 1, Force.PERMITS: 1, Force.DENIES: 1, Force.OBLIGES: -1},
}  # fmt: skip


def bearing(claimed: Force, stated: Force) -> int:
    """Return 1 when what is stated bears out what is claimed, -1 when it speaks against it, 0 when it does neither."""
    return _BEARING[claimed].get(stated, 0)
