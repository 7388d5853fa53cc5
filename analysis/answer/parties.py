"""Who is who: "Acme Ltd" in an answer and "the Supplier" in a contract are the same party, and who does what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from analysis.alike import plain
from analysis.types import Identity, Party

Value = TypeVar("Value")

_MODAL = re.compile(r"\b(?:shall|may|must|will|can|agrees?|undertakes?|has|is|are)\b", re.IGNORECASE)
_PASSIVE = re.compile(r"\b(?:be|been|is|are|was|were)\s+(?:\w+ly\s+)?$", re.IGNORECASE)
_NEAR = 24  # characters between a subject and its verb
_REACH = 60
_LEGAL_FORM = re.compile(
    r",?\s+(?:inc|incorporated|corp|corporation|company|co|llc|l\.l\.c|ltd|limited|plc|l\.?p|llp|gmbh|ag|s\.a|n\.v|b\.v)\.?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Parties:
    """The parties of the documents that are the sources.

    role_of: the short name by each other name that a party goes by, longest first. party_of: the same, to the version
    and the party, whose span says who it is.
    """

    role_of: Mapping[str, str] = field(default_factory=dict)
    party_of: Mapping[str, tuple[int, Party]] = field(default_factory=dict)

    @property
    def roles(self) -> frozenset[str]:
        """Return what the sources call their parties."""
        return frozenset(self.role_of.values())

    def by_role(self, text: str) -> str:
        """Return `text` with each party called by its one short name."""
        for name, role in self.role_of.items():
            text = re.sub(rf"(?<![\w“\"]){re.escape(name)}\b\.?", role, text)
        return text

    def named_in(self, text: str) -> list[tuple[int, Party]]:
        """Return the version and the party of each full name in `text`."""
        return [held for name, held in self.party_of.items() if re.search(rf"(?<!\w){re.escape(name)}\b", text)]

    def subject(self, text: str, place: int) -> frozenset[str]:
        """Return the parties who do what `text[place:]` begins with, by short name; none where it is done to them.

        text: `plain`, with the parties by their short names.
        """
        if _PASSIVE.search(text, 0, place):
            return frozenset()
        verb = max((match.start() for match in _MODAL.finditer(text, 0, place)), default=place)
        before = re.split(r"[.;:]", text[max(0, verb - _REACH) : verb])[-1]
        return frozenset(role for role in self.roles if _ends_near(before, plain(role)))


def _ends_near(text: str, role: str) -> bool:
    at = text.lower().rfind(role.lower())
    return at >= 0 and len(text) - at - len(role) <= _NEAR


def parties_of(identities: Mapping[int, Identity]) -> Parties:
    """Return the parties of the documents, by version id, that have a short name for them."""
    named = [(id, party) for id, identity in identities.items() for party in identity.parties if party.roles]
    role_of = {name: party.roles[0] for _, party in named for name in _names(party) if name != party.roles[0]}
    party_of = {name: (id, party) for id, party in named for name in _full_names(party)}
    return Parties(_longest_first(role_of), _longest_first(party_of))


def _names(party: Party) -> Iterable[str]:
    return (*_full_names(party), *party.roles[1:])


def _full_names(party: Party) -> tuple[str, ...]:
    """Return the party's name with its legal form and, if it is two words or more without it, without."""
    bare = _LEGAL_FORM.sub("", party.name)
    return (party.name, bare) if " " in bare and bare != party.name else (party.name,)


def _longest_first(held: Mapping[str, Value]) -> dict[str, Value]:
    return dict(sorted(held.items(), key=lambda item: -len(item[0])))
