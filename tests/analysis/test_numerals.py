"""Chinese numerals."""

from __future__ import annotations

import pytest

from analysis.numerals import han_number


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
