"""Durations as contracts write them, in English, German and Chinese, as ISO 8601 ("P30D", "P6M", "P3Y")."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta

from analysis.review.values.numbers import GERMAN, WHOLE, whole
from analysis.types import ClauseValue

_UNITS = {
    "day": "D", "week": "W", "month": "M", "year": "Y", "tag": "D", "woche": "W", "monat": "M", "jahr": "Y",
    "天": "D", "日": "D", "周": "W", "个月": "M", "個月": "M", "年": "Y",
}  # fmt: skip
_ENGLISH = re.compile(
    rf"\b{WHOLE}[\s-]+(?:consecutive\s+|additional\s+|full\s+|successive\s+)?"
    r"(?P<kind>business|working|calendar|contract)?\s*(?P<unit>day|week|month|year)s?\b",
    re.IGNORECASE,
)
_GERMAN_FORM = re.compile(
    rf"\b(?P<number>\d{{1,4}}|{GERMAN})\s+(?P<kind>Werk|Arbeits|Kalender)?(?P<unit>tag|woche|monat|jahr)(?:en|e|n|es)?\b",
    re.IGNORECASE,
)
_CHINESE = re.compile(r"(?P<number>\d{1,4})\s*(?:个)?(?P<kind>工作)?(?P<unit>个月|個月|天|日|周|年)(?!\s*\d)")
_EACH = re.compile(r"\b(?P<unit>year|month|week|day)[\s-]+to[\s-]+(?P=unit)\b", re.IGNORECASE)
_WORKING = {"business", "working", "werk", "arbeits", "工作"}
_ISO = re.compile(r"P(\d+)([DWMY])")


def durations(text: str) -> list[ClauseValue]:
    """Return the durations in `text`, in order. note: "business days" where only these count."""
    found = [_value(whole(m["digits"] or m["bare"] or m["words"]), m) for m in _ENGLISH.finditer(text)]
    found += [_value(whole(m["number"]), m) for form in (_GERMAN_FORM, _CHINESE) for m in form.finditer(text)]
    found += [_value(1, m) for m in _EACH.finditer(text)]
    return sorted((value for value in found if value), key=lambda value: value.start_char)


def after(start: str, duration: str) -> str | None:
    """Return the day on which `duration` after `start` has passed, both in ISO 8601; None if that is no whole day."""
    length = _ISO.fullmatch(duration)
    if length is None:
        return None
    number = int(length[1])
    try:
        day = date.fromisoformat(start)
        if length[2] in "DW":
            return (day + timedelta(days=number * (7 if length[2] == "W" else 1))).isoformat()
        return _months_after(day, number * (12 if length[2] == "Y" else 1)).isoformat()
    except (ValueError, OverflowError):  # the start is a month only, or the end lies past the year 9999
        return None


def _months_after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _value(number: int | None, match: re.Match[str]) -> ClauseValue | None:
    if not number:
        return None
    kind = match.groupdict().get("kind") or ""
    note = "business days" if kind.lower() in _WORKING else ""
    return ClauseValue("duration", f"P{number}{_UNITS[match['unit'].lower()]}", match.start(), match.end(), note)
