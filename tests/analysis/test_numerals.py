"""Chinese numerals."""

from __future__ import annotations

import pytest

from analysis.amounts import amounts
from analysis.numerals import han_number, in_digits


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("十", 10),
        ("十二", 12),
        ("二十一", 21),
        ("一百二十", 120),
        ("三百零五", 305),
        ("两千", 2_000),
        ("二〇二六", 2026),
        ("一万二千三百", 12_300),
        ("壹拾万", 100_000),
        ("一亿二千万", 120_000_000),
        ("一万亿", 10**12),
        ("零", 0),
        ("", None),
        ("12", None),
        ("第一", None),
    ],
)
def test_han_number(text: str, value: int | None) -> None:
    assert han_number(text) == value


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("收到发票之日起三十日内", "收到发票之日起30日内"),
        ("人民币一百二十万元", "人民币1200000元"),
        ("按日万分之五", "按日0.05%"),
        ("百分之3.5", "3.5%"),
        ("第三条任何一方", "第三条任何一方"),
        ("innerhalb von dreißig Tagen", "innerhalb von 30 Tagen"),
        ("Fünfundzwanzig Monate", "25 Monate"),
        ("eine Partei", "eine Partei"),
    ],
)
def test_in_digits(text: str, digits: str) -> None:
    assert in_digits(text) == digits


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("三十日", "30天"),
        ("二〇二六年五月", "2026年5月"),
        ("一百二十万元", "RMB 1,200,000"),
        ("drei Monate", "3 Monaten"),
        ("1.000,50 EUR", "EUR 1,000.50"),
        ("zwei Jahre", "24 Monate"),
        ("1. Januar 2026", "2026-01-01"),
    ],
)
def test_the_same_amount_in_two_languages_or_scripts(one: str, other: str) -> None:
    assert set(amounts(one)) == set(amounts(other))
