"""The numbers that a text states, with what they are numbers of, in one form whatever the text writes.

"thirty (30) days" is "30 day", "US$ 1.5 million" is "1500000 usd", "twelve-month" and "one year" are both "12 month",
"1 May 2026", "May 1st, 2026", "2026-05-01" and "5/1/2026" hold "2026-05-01". Numbers that only point somewhere
("Section 4.2", "page 3") are left out; see `analysis.words.references`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

from analysis import numerals
from analysis.words import in_digits, without_references

_MONTHS = (
    "january jan januar jänner", "february feb februar", "march mar märz", "april apr", "may mai", "june jun juni",
    "july jul juli", "august aug", "september sept sep", "october oct oktober", "november nov",
    "december dec dezember",
)  # fmt: skip
_MONTH = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()}
_NAMED = "|".join(sorted(_MONTH, key=len, reverse=True))
_DATES = re.compile(
    rf"""
    \b(?P<y1>\d{{4}})-(?P<m1>\d{{1,2}})-(?P<d1>\d{{1,2}})\b
    |(?P<y2>\d{{4}})\s?年\s?(?P<m2>\d{{1,2}})\s?月(?:\s?(?P<d2>\d{{1,2}})\s?日)?
    |\b(?P<d3>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:day\s+of\s+)?(?P<m3>{_NAMED})\b\.?,?\s+(?P<y3>\d{{4}})\b
    |\b(?P<m4>{_NAMED})\b\.?\s+(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?,?\s*(?P<y4>\d{{4}})\b
    |\b(?P<m5>{_NAMED})\b\.?,?\s+(?P<y5>\d{{4}})\b
    |\b(?P<a6>\d{{1,2}})[/.](?P<b6>\d{{1,2}})[/.](?P<y6>\d{{4}})\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_CURRENCIES = {
    "us$": "usd", "$": "usd", "usd": "usd", "dollar": "usd", "dollars": "usd", "€": "eur", "eur": "eur", "euro": "eur",
    "euros": "eur", "£": "gbp", "gbp": "gbp", "pounds": "gbp", "chf": "chf", "¥": "cny", "rmb": "cny", "cny": "cny",
    "元": "cny",
}  # fmt: skip
_SCALES = {"thousand": 1e3, "k": 1e3, "million": 1e6, "mio": 1e6, "mm": 1e6, "billion": 1e9, "bn": 1e9, "万": 1e4}
_TIMES = {
    "hour": ("hour", 1), "day": ("day", 1), "week": ("day", 7), "month": ("month", 1), "year": ("month", 12),
    "quarter": ("month", 3), "stunde": ("hour", 1), "tag": ("day", 1), "woche": ("day", 7), "monat": ("month", 1),
    "jahr": ("month", 12), "日": ("day", 1), "天": ("day", 1), "月": ("month", 1), "年": ("month", 12),
}  # fmt: skip
_NUMBERS = re.compile(
    r"""
    (?:(?P<before>us\$|[$€£¥]|\b(?:usd|eur|gbp|chf|rmb|cny)\b)\s*)?
    (?P<number>\d{1,3}(?:\.\d{3})+,\d\d?(?!\d)|\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)*)
    (?:\s?(?P<scale>thousand|million|billion|mio|mm|bn|k|万)\b)?
    (?:[\s-]{0,2}(?:\(\d+\)[\s-]{0,2})?(?:full|consecutive|calendar)?\s?
        (?:(?P<percent>%|per\s?cent\b|percent\b|prozent\b|v\.\s?h\.)
        |(?P<business>business|working|trading)\s+days?\b
        |(?P<time>hour|day|week|month|year|quarter|stunde|tag|woche|monat|jahr)(?:s|e|en|n)?\b
        |(?P<wide>个?[日天月年])
        |(?P<after>dollars?|usd|euros?|eur|pounds|gbp|chf|rmb|cny|元)))?
    """,
    re.IGNORECASE | re.VERBOSE,
)


@lru_cache(maxsize=4096)
def amounts(text: str) -> Mapping[str, str]:
    """Return what `text` states, and how it writes it: "30 day", "12500 usd", "5 %", "2026-05-01", "2026-05", "42".

    Numbers in words are shown in digits: "five years" is "60 month", written "5 years".
    """
    text = numerals.in_digits(without_references(text))
    found = {date: match[0] for match in _DATES.finditer(text) for date in _dates(match)}
    rest = in_digits(_DATES.sub(" ", text))
    found |= {_amount(match): " ".join(match[0].split()) for match in _NUMBERS.finditer(rest)}
    return MappingProxyType(found)


def scaled(amount: str, scale: float) -> str:
    """Return an amount times `scale`, as a table "in millions" has it; shares and dates stay as they are."""
    number, _, unit = amount.partition(" ")
    if not re.fullmatch(r"\d+(?:\.\d+)?", number) or unit == "%":
        return amount
    return f"{_shown(float(number) * scale)} {unit}".strip()


def unstated(claimed: Iterable[str], stated: Iterable[str]) -> list[str]:
    """Return which of the amounts `claimed` are not among those `stated`, in order of their digits.

    One without a unit may be of any; a month or a year is stated by every date in it. A bare one is no number: "one of
    the parties".
    """
    known = set(stated)
    bare = {amount.partition(" ")[0] for amount in known}
    unitless = {amount for amount in known if " " not in amount}
    dates = {amount for amount in known if _is_date(amount)}
    return sorted(amount for amount in claimed if amount != "1" and not _states(amount, known, bare, unitless, dates))


def _states(amount: str, known: set[str], bare: set[str], unitless: set[str], dates: set[str]) -> bool:
    number, _, unit = amount.partition(" ")
    if amount in known or (unit and number in unitless) or (not unit and number in bare):
        return True
    # A date in figures may be read in two ways; either one will do.
    either = amount.split("|")
    return any(one == other or other.startswith(f"{one}-") for other in _each(dates) for one in either)


def _each(dates: Iterable[str]) -> Iterator[str]:
    for date in dates:
        yield from date.split("|")


def _is_date(amount: str) -> bool:
    return bool(re.match(r"\d{4}-\d\d", amount))


def _dates(match: re.Match[str]) -> Iterator[str]:
    """Yield the date; one in figures with a day that may be a month as both."""
    if match["a6"]:
        first, second, year = int(match["a6"]), int(match["b6"]), match["y6"]
        orders = [(first, second), (second, first)]
        yield "|".join(dict.fromkeys(f"{year}-{month:02}-{day:02}" for month, day in orders if 1 <= month <= 12))
        return
    which = next(number for number in "12345" if match[f"y{number}"])
    month = match[f"m{which}"]
    number = int(month) if month.isdigit() else _MONTH[month.lower()]
    day = "" if which == "5" else match[f"d{which}"]
    yield f"{match[f'y{which}']}-{number:02}" + (f"-{int(day):02}" if day else "")


def _amount(match: re.Match[str]) -> str:
    digits = _plain(match["number"])
    value = digits
    if digits.count(".") <= 1:
        value = _shown(float(digits) * _SCALES.get((match["scale"] or "").lower(), 1))
    if match["percent"]:
        return f"{value} %"
    if match["business"]:
        return f"{value} business day"
    if match["time"] or match["wide"]:
        unit, times = _TIMES[(match["time"] or match["wide"].removeprefix("个")).lower()]
        return f"{_shown(float(value) * times)} {unit}" if value.count(".") <= 1 else value
    currency = _CURRENCIES.get((match["before"] or match["after"] or "").lower(), "")
    return f"{value} {currency}".strip()


def _plain(number: str) -> str:
    """Return the digits with a point before the decimals, if any: "1.234,50", as Germans write it, as "1234.50"."""
    if "." in number and "," in number and number.rindex(",") > number.rindex("."):
        return number.replace(".", "").replace(",", ".")
    return number.replace(",", "")


def _shown(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")
