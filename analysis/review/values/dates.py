"""Dates as contracts write them, in English, German and Chinese, as ISO 8601."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from analysis.types import ClauseValue

_MONTHS = {
    name: number
    for number, names in enumerate(
        "january jan januar jänner|february feb februar|march mar märz|april apr|may mai|june jun juni|july jul juli|"
        "august aug|september sep sept|october oct oktober okt|november nov|december dec dezember dez".split("|"),
        start=1,
    )
    for name in names.split()
}
_ORDINALS = {
    name: number
    for number, name in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
        "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third "
        "twenty-fourth twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth "
        "thirty-first".split(),
        start=1,
    )
}
_MONTH = rf"(?P<month>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b\.?"
_DAY = rf"(?P<day>\d{{1,2}}|{'|'.join(sorted(_ORDINALS, key=len, reverse=True))})"
# Scans and conversions set the ending of an ordinal apart: "1 st", "20t h".
_ENDING = r"(?:\s?(?:st|nd|rd|t\s?h)\b|\.)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)\b"
_FORMS = [
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"\b{_DAY}{_ENDING}\s*(?:\bday\s+of\s+)?{_MONTH}\s*,?\s*{_YEAR}",
        rf"\b{_MONTH}\s+{_DAY}{_ENDING}\s*,?\s*{_YEAR}",
        r"\b(?P<year>(?:19|20)\d\d)-(?P<month>\d\d)-(?P<day>\d\d)\b",
        r"\b(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>(?:19|20)\d\d)\b",
        r"(?P<year>(?:19|20)\d\d)\s*年\s*(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*日",
    )
]
# Month first, as in the United States, unless that is no date.
_SLASHED = re.compile(r"\b(\d{1,2})/(\d{1,2})/((?:19|20)\d\d|\d\d)\b")
_MONTH_ALONE = re.compile(rf"(?<!\d )\b{_MONTH}\s*,?\s*(?:of\s+)?{_YEAR}", re.IGNORECASE)
CENTURY_TURNS = 50  # 49 is 2049, 50 is 1950


def dates(text: str) -> list[ClauseValue]:
    """Return the dates in `text`, in order: "2005-08-22", or "2005-08" where there is no day."""
    found = [*_in_full(text), *_slashed(text)]
    for match in _MONTH_ALONE.finditer(text):
        if not any(value.start_char < match.end() and match.start() < value.end_char for value in found):
            normal = f"{int(match['year'])}-{_MONTHS[match['month'].lower()]:02}"
            found.append(ClauseValue("date", normal, match.start(), match.end()))
    return sorted(found, key=lambda value: value.start_char)


def _in_full(text: str) -> Iterator[ClauseValue]:
    for form in _FORMS:
        for match in form.finditer(text):
            month = _MONTHS.get(match["month"].lower()) or int(match["month"])
            day = _ORDINALS.get(match["day"].lower()) or int(match["day"])
            yield from _value(int(match["year"]), month, day, match)


def _slashed(text: str) -> Iterator[ClauseValue]:
    for match in _SLASHED.finditer(text):
        first, second, year = (int(part) for part in match.groups())
        if year < 100:
            year += 2000 if year < CENTURY_TURNS else 1900
        month, day = (first, second) if first <= 12 else (second, first)
        yield from _value(year, month, day, match)


def _value(year: int, month: int, day: int, match: re.Match[str]) -> Iterator[ClauseValue]:
    try:
        yield ClauseValue("date", date(year, month, day).isoformat(), match.start(), match.end())
    except ValueError:
        return  # the 31st of June is no date
