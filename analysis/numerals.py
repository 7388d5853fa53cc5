"""Numbers in Chinese numerals, as law and contracts write them, and in German words."""

from __future__ import annotations

import re

_DIGITS = {
    char: value
    for value, chars in enumerate(
        ("零〇○", "一壹", "二贰貳两兩", "三叁參", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖")
    )
    for char in chars
}
_TENS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1_000, "仟": 1_000}
_MYRIADS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_TENS_AND_MYRIADS = _TENS | _MYRIADS
HAN_DIGITS = "".join([*_DIGITS, *_TENS, *_MYRIADS])
_HAN_NUMBER = re.compile(f"[{HAN_DIGITS}]+")
# Only what is counted: 第三条 points somewhere, 一方 is a party. A longer run is no number.
_HAN_COUNTED = re.compile(
    rf"(?<!第)(?<![{HAN_DIGITS}])(?P<number>[{HAN_DIGITS}]{{1,30}})(?=\s?(?:个|個|日|天|月|年|元|周|小时|份|次|倍|%))"
)
_HAN_SHARE = re.compile(rf"(?P<of>[百千万])分之(?P<number>[{HAN_DIGITS}]{{1,30}}|\d{{1,30}}(?:\.\d{{1,30}})?)")
_GERMAN_UNITS = "ein zwei drei vier fünf sechs sieben acht neun".split()
_GERMAN_TEENS = "zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn".split()
_GERMAN_TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()
_GERMAN = (
    {word: value for value, word in enumerate(_GERMAN_UNITS[1:] + _GERMAN_TEENS, 2)}
    | {ten: 10 * tens for tens, ten in enumerate(_GERMAN_TENS, 2)}
    | {
        f"{unit}und{ten}": 10 * tens + value
        for tens, ten in enumerate(_GERMAN_TENS, 2)
        for value, unit in enumerate(_GERMAN_UNITS, 1)
    }
    | {"hundert": 100, "einhundert": 100, "tausend": 1_000, "eintausend": 1_000}
)
_GERMAN_NUMBER = re.compile(rf"\b(?:{'|'.join(sorted(_GERMAN, key=len, reverse=True))})\b", re.IGNORECASE)


def han_number(text: str) -> int | None:
    """Return a Chinese numeral's worth, None if it is none: 一百二十 is 120, 二〇二六 is 2026, 壹拾万 is 100,000."""
    if not _HAN_NUMBER.fullmatch(text):
        return None
    if all(char in _DIGITS for char in text):
        return int("".join(str(_DIGITS[char]) for char in text))
    total = section = digit = 0
    for char in text:
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char in _TENS:
            # 十二 is 12: a ten without a digit before it counts once.
            section, digit = section + (digit or 1) * _TENS[char], 0
        else:
            # 一亿二千万: what is above stays; 一万亿: the ten thousand is multiplied.
            worth = _MYRIADS[char]
            above = total if total >= worth else 0
            total, section, digit = above + max(total - above + section + digit, 1) * worth, 0, 0
    return total + section + digit


def in_digits(text: str) -> str:
    """Return `text` with Chinese numerals that count something, and German number words, in digits.

    三十日 becomes 30日, 万分之五 0.05%, "dreißig Tage" "30 Tage"; the German "ein", an article too, stays.
    """
    text = _HAN_SHARE.sub(_share, text)
    text = _HAN_COUNTED.sub(lambda match: str(han_number(match["number"])), text)
    return _GERMAN_NUMBER.sub(lambda match: str(_GERMAN[match[0].lower()]), text)


def _share(match: re.Match[str]) -> str:
    number = match["number"]
    value = float(number) if number[0].isdigit() else float(han_number(number) or 0)
    return f"{value * 100 / _TENS_AND_MYRIADS[match['of']]:.6f}".rstrip("0").rstrip(".") + "%"
