"""Who is named in a comment (`@ana@firm.example`), and a comment's words as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from django.utils.html import format_html, urlize
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from analysis.errors import UserError
from workspaces.models import Member, User
from workspaces.together.audience import Subject, people_who_see

_MENTION = re.compile(r"(?<![\w@.])@([^\s@,;:<>()\"]+@[\w-]+(?:\.[\w-]+)+)")


def mentioned_in(text: str, subject: Subject) -> list[Member]:
    """Return the members whose addresses the text names after an @.

    Raises UserError unseen_mention for one who does not see what is talked about, whoever that is: whether somebody of
    that address has an account is no answer that this gives.
    """
    addresses = addresses_in(text)
    if not addresses:
        return []
    people = {member.user.email.lower(): member for member in people_who_see(subject).values()}
    for address in addresses:
        if address not in people:
            words = _("%(address)s does not see this, and so cannot be mentioned.")
            raise UserError(words % {"address": address}, code="unseen_mention")
    return [people[address] for address in addresses]


def addresses_in(text: str) -> list[str]:
    """Return the addresses that the text names, each once, in order."""
    return list(dict.fromkeys(match[1].lower() for match in _MENTION.finditer(text)))


def as_html(text: str, mentioned: Iterable[User]) -> SafeString:
    """Return the text with its links made links and its mentions the names of people; everything else is escaped.

    Line breaks stay as they are: the page keeps them.
    """
    people = {user.email.lower(): user for user in mentioned}
    pieces, at = [], 0
    for match in _MENTION.finditer(text):
        pieces += [_linked(text[at : match.start()]), _named(match[1], people)]
        at = match.end()
    return mark_safe("".join([*pieces, _linked(text[at:])]))  # noqa: S308  # each piece is escaped below


def _linked(text: str) -> str:
    return str(urlize(text, nofollow=True, autoescape=True))


def _named(address: str, people: Mapping[str, User]) -> str:
    user = people.get(address.lower())
    if user is None:
        return format_html("@{}", address)
    return format_html('<span class="mention" title="{}">@{}</span>', user.email, user.get_full_name() or user.email)
