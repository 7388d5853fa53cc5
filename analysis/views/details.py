"""What is known of a document beside its words: what it says of itself, what was found in it, how it was read in."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import get_language_info, gettext

from analysis.answer.readings import under_way
from analysis.ingest.stored_tables import captioned
from analysis.models import DocumentVersion, Reading
from analysis.models.reading import ReadingStatus
from analysis.types import Party
from analysis.views.listing import KINDS, read_ahead_words

PASSWORD_ERRORS = frozenset({"password_required", "password_wrong"})
TABLES_LISTED = 200
# As PDF writes a date (ISO 32000-2, 7.9.4), and as XML does.
_DATE = re.compile(r"(?:D:)?(\d{4})-?(\d\d)-?(\d\d)(?:T?(\d\d):?(\d\d).*)?")


def details(version: DocumentVersion) -> dict[str, Any]:
    """Return what the Details pane shows, and what a failed document's page asks for."""
    identity = version.known_identity
    return {
        "kind": KINDS.get(version.kind, version.kind),
        "wants_password": version.error_code in PASSWORD_ERRORS,
        "language": language_name(version.language),
        "title": " ".join(identity.title.split()),
        "parties": [_party(party) for party in identity.parties],
        "metadata": [(key.replace("_", " "), shown(value)) for key, value in version.metadata.items() if _plain(value)],
        "tracked_changes": version.metadata.get("tracked_changes"),
        "readings": _readings(version),
        "tables": captioned(version)[:TABLES_LISTED],
    }


def language_name(code: str) -> str:
    """Return what a language is called in English, its code where Django has no name, "" for none."""
    if code == "zh":
        return gettext("Chinese")  # Django knows its two scripts, and contracts do not tell which one they mix
    try:
        return str(get_language_info(code)["name"]) if code else ""
    except KeyError:
        return code


def shown(value: str | float) -> str:
    """Return what a file says of itself as a person reads it: dates and times in words, yes and no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    match = _DATE.fullmatch(str(value).strip())
    if not match:
        return str(value)
    year, month, day, hour, minute = (int(number or 0) for number in match.groups())
    try:
        when = datetime(year, month, day, hour, minute)
    except ValueError:  # a date that cannot be is shown as the file has it
        return str(value)
    date = date_format(when, "SHORT_DATE_FORMAT")
    return f"{date}, {when:%H:%M}" if match[4] else date


def _plain(value: object) -> bool:
    return isinstance(value, str | int | float) and value not in ("", None)


def _party(party: Party) -> str:
    name = " ".join(party.name.split())
    return f"{name} ({', '.join(party.roles)})" if party.roles else name


def _readings(version: DocumentVersion) -> list[str]:
    """Return which language models have read the document, or how far they have come."""
    rows = Reading.objects.filter(Q(status=ReadingStatus.READ) | under_way(), version=version).order_by("llm")
    return [
        reading.llm
        if reading.status == ReadingStatus.READ
        else f"{reading.llm} ({read_ahead_words(version, reading.tokens_done, reading.tokens_total)})"
        for reading in rows
    ]
