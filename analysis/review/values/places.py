"""Countries, states and provinces by whose law a contract lives, as ISO 3166 ("US-DE", "GB", "CN")."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pycountry

from analysis.types import ClauseValue

# Federations whose states or provinces have a law of contract of their own.
FEDERATIONS = ("US", "CA", "AU")
_OTHER_NAMES = {
    "England and Wales": "GB-EAW", "England & Wales": "GB-EAW", "England": "GB-ENG", "English": "GB-ENG",
    "Scotland": "GB-SCT", "Scots": "GB-SCT", "Wales": "GB-WLS", "Northern Ireland": "GB-NIR", "United Kingdom": "GB",
    "PRC": "CN", "P.R.C.": "CN", "People's Republic of China": "CN", "People’s Republic of China": "CN",
    "Hong Kong": "HK", "Macau": "MO", "Taiwan": "TW", "South Korea": "KR", "Republic of Korea": "KR", "Russia": "RU",
    "Holland": "NL", "United States of America": "US", "Washington, D.C.": "US-DC",
    "German": "DE", "Germany": "DE", "Bundesrepublik Deutschland": "DE", "deutsches Recht": "DE",
    "deutschem Recht": "DE", "Österreich": "AT", "österreichisches Recht": "AT", "Schweiz": "CH", "Swiss": "CH",
    "schweizerisches Recht": "CH", "French": "FR", "Dutch": "NL", "Israeli": "IL", "Japanese": "JP", "Irish": "IE",
    "中华人民共和国": "CN", "香港": "HK", "中国": "CN", "Dubai International Financial Centre": "AE", "Iran": "IR",
    "Vietnam": "VN", "Quebec": "CA-QC", "British Virgin Islands": "VG",
}  # fmt: skip
_SHOWN = {"GB-EAW": "England and Wales", "GB-ENG": "England", "GB-SCT": "Scotland", "GB-WLS": "Wales"}
# Countries whose names are more often those of something else: a state, a person, an island of the Channel.
_NOT_COUNTRIES = frozenset({"Jersey", "Jordan", "Chad", "Guinea", "Mali", "Niger", "Georgia"})
_LAW = re.compile(r"\blaws?\b|\blegislation\b|\brecht\b|法律?", re.IGNORECASE)


def places(text: str) -> list[ClauseValue]:
    """Return the place whose law `text` names: the first one, or the first after the word "law" if there is one."""
    found = [
        ClauseValue("jurisdiction", code, match.start(), match.end(), place_name(code))
        for match in _names().finditer(text)
        for code in [_codes()[_folded(match[0])]]
    ]
    law = _LAW.search(text)
    after = [value for value in found if law and value.start_char > law.start()]
    return (after or found)[:1]


@cache
def place_name(code: str) -> str:
    """Return what people call the place: "Delaware, United States"."""
    if code in _SHOWN:
        return _SHOWN[code]
    if "-" not in code:
        country: Any = pycountry.countries.get(alpha_2=code)
        return str(getattr(country, "common_name", country.name))
    part: Any = next(each for each in pycountry.subdivisions if each.code == code)
    return f"{part.name}, {place_name(part.country_code)}"


@cache
def _codes() -> dict[str, str]:
    """Return the codes by the names, folded."""
    codes = {}
    for country in pycountry.countries:
        for name in (country.name, getattr(country, "official_name", ""), getattr(country, "common_name", "")):
            if name and name not in _NOT_COUNTRIES:
                codes[name] = country.alpha_2
    parts = (part for part in pycountry.subdivisions if part.country_code in FEDERATIONS)
    codes |= {part.name: part.code for part in parts}
    return {_folded(name): code for name, code in (codes | _OTHER_NAMES).items()}


@cache
def _names() -> re.Pattern[str]:
    names = sorted(_codes(), key=len, reverse=True)
    spaced = (re.escape(name).replace(r"\ ", r"\s+") for name in names)
    return re.compile(
        rf"(?<!\w)(?:{'|'.join(spaced)})(?!\w)|{'|'.join(n for n in names if n[0] > '⺀')}", re.IGNORECASE
    )


def _folded(name: str) -> str:
    return " ".join(name.split()).lower()
