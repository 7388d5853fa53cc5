"""Sums of money and shares, as contracts write them, as "1000000 USD" and "10 %"."""

from __future__ import annotations

import re
from decimal import Decimal

from analysis.review.values.numbers import DIGITS, IN_WORDS, decimal, whole
from analysis.types import ClauseValue

_SIGNS = {
    "us$": "USD", "u.s.$": "USD", "u.s. $": "USD", "$": "USD", "c$": "CAD", "cdn$": "CAD", "a$": "AUD", "hk$": "HKD",
    "s$": "SGD", "nz$": "NZD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "rmb": "CNY", "cn¥": "CNY",
}  # fmt: skip
_CODES = "USD EUR GBP CHF CAD AUD JPY CNY HKD SGD NZD SEK NOK DKK INR ILS KRW BRL MXN ZAR PLN CZK".split()
_NAMES = {
    r"(?:u\.?s\.?|united\s+states)\s+dollars?": "USD", r"canadian\s+dollars?": "CAD", r"australian\s+dollars?": "AUD",
    r"dollars?": "USD", r"euros?": "EUR", r"pounds?\s+sterling": "GBP", r"swiss\s+francs?": "CHF",
    r"(?:japanese\s+)?yen": "JPY", r"renminbi": "CNY", r"yuan": "CNY", "人民币": "CNY", "元": "CNY", "欧元": "EUR",
    "美元": "USD",
}  # fmt: skip
_SCALES = {
    "thousand": 10**3, "k": 10**3, "million": 10**6, "millions": 10**6, "mio": 10**6, "mm": 10**6, "m": 10**6,
    "billion": 10**9, "bn": 10**9, "mrd": 10**9, "tausend": 10**3, "millionen": 10**6, "milliarden": 10**9,
    "万": 10**4, "亿": 10**8,
}  # fmt: skip
_SCALE = rf"(?:\s?(?P<scale>{'|'.join(sorted(_SCALES, key=len, reverse=True))})(?![a-z])\.?)?"
_SIGN = "|".join(
    re.escape(sign) for sign in sorted([*_SIGNS, *(code.lower() for code in _CODES)], key=len, reverse=True)
)
_NAME = "|".join(f"(?:{name})" for name in sorted([*_NAMES, *_CODES, "€"], key=len, reverse=True))
_BEFORE = re.compile(rf"(?<!\w)(?P<sign>{_SIGN})\s{{0,2}}(?P<number>{DIGITS}){_SCALE}", re.IGNORECASE)
_AFTER = re.compile(rf"(?<![\w.,])(?P<number>{DIGITS}){_SCALE}\s{{0,2}}(?P<name>{_NAME})(?!\w)", re.IGNORECASE)
_SHARE = re.compile(
    rf"(?:(?<![\w.,])(?P<number>\d+(?:[.,]\d+)?)|\b(?P<words>{IN_WORDS}))\s*(?:\(\d+(?:[.,]\d+)?\))?\s*"
    r"(?:%|per\s?cent\b|Prozent\b|v\.\s?H\.)",
    re.IGNORECASE,
)


def amounts(text: str) -> list[ClauseValue]:
    """Return the sums of money in `text`, in order. A bare dollar is that of the United States."""
    found = [_amount(match, _currency(match["sign"])) for match in _BEFORE.finditer(text)]
    for match in _AFTER.finditer(text):
        if not any(value.start_char < match.end() and match.start() < value.end_char for value in found):
            found.append(_amount(match, _named(match["name"])))
    return sorted(found, key=lambda value: value.start_char)


def percentages(text: str) -> list[ClauseValue]:
    """Return the shares in `text`, in order; "ten percent (10%)" once."""
    found: list[ClauseValue] = []
    for match in _SHARE.finditer(text):
        number = decimal(match["number"]) if match["number"] else whole(match["words"])
        if number is None:
            continue
        value = ClauseValue("percentage", f"{_plain(Decimal(number))} %", match.start(), match.end())
        if not (found and found[-1].normal == value.normal and match.start() - found[-1].end_char <= 2):
            found.append(value)
    return found


def _amount(match: re.Match[str], currency: str) -> ClauseValue:
    number = decimal(match["number"]) * _SCALES.get((match["scale"] or "").lower(), 1)
    end = (
        match.start("number") + len(match["number"].rstrip("., '"))
        if match.end() == match.end("number")
        else match.end()
    )
    return ClauseValue("amount", f"{_plain(number)} {currency}", match.start(), end)


def _currency(sign: str) -> str:
    return _SIGNS.get(sign.lower(), sign.upper())


def _named(name: str) -> str:
    return next((code for form, code in _NAMES.items() if re.fullmatch(form, name, re.IGNORECASE)), _currency(name))


def _plain(number: Decimal) -> str:
    """Return the number without an exponent, and without a fraction of zeros."""
    return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"
