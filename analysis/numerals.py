"""Numbers that are written in other signs than 0 to 9: Chinese numerals, as law and contracts write them."""

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
HAN_DIGITS = "".join([*_DIGITS, *_TENS, *_MYRIADS])
_HAN_NUMBER = re.compile(f"[{HAN_DIGITS}]+")


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
