"""Numbers as contracts write them: "thirty (30)", "twelve", "1,000,000.00", "1.000.000,00"."""

from __future__ import annotations

from decimal import Decimal

from analysis.words import in_digits

_WORD = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    r"eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million)"
)
# A number in words, of several words perhaps: "one hundred and twenty". More words or digits than these are no number.
IN_WORDS = rf"{_WORD}(?:(?:[\s-]{{1,9}}|\s{{1,9}}and\s{{1,9}}){_WORD}){{0,11}}"
# In digits or in words; in words with the digits after it in brackets, which then count.
WHOLE = rf"(?:(?:{IN_WORDS}\s*)?\(\s*(?P<digits>\d{{1,5}})\s*\)|(?P<bare>\d{{1,5}})|(?P<words>{IN_WORDS}))"
DIGITS = r"\d[\d.,' ]{0,28}\d|\d"
_GERMAN = {
    "ein": 1, "eine": 1, "einem": 1, "einer": 1, "eines": 1, "einen": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5,
    "sechs": 6, "sieben": 7, "acht": 8, "neun": 9, "zehn": 10, "elf": 11, "zwölf": 12, "vierzehn": 14, "fünfzehn": 15,
    "achtzehn": 18, "zwanzig": 20, "vierundzwanzig": 24, "dreißig": 30, "sechzig": 60, "neunzig": 90,
}  # fmt: skip
GERMAN = "|".join(sorted(_GERMAN, key=len, reverse=True))


def whole(words: str) -> int | None:
    """Return the whole number that `words` write out, None if it is none."""
    known = _GERMAN.get(words.lower())
    if known is not None:
        return known
    digits = in_digits(words).strip()
    return int(digits) if digits.isdigit() else None


def decimal(digits: str) -> Decimal:
    """Return the number that `digits` write with a point or a comma before the fraction, groups of three apart."""
    digits = digits.replace("'", "").replace(" ", "").rstrip(".,")
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return Decimal(digits)
    before, after = digits[:last].replace(",", "").replace(".", ""), digits[last + 1 :]
    grouped = len(after) == 3 and before.lstrip("0") and (digits.count(digits[last]) > 1 or _one_sign(digits))
    return Decimal(before + after) if grouped else Decimal(f"{before or '0'}.{after}")


def _one_sign(digits: str) -> bool:
    return ("." in digits) != ("," in digits)
