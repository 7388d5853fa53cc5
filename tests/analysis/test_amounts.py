"""Amounts: one form for what a text states, however it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.amounts import amounts, unstated


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("thirty (30) days", {"30 day"}),
        ("30 (thirty) calendar days", {"30 day"}),
        ("ten business days", {"10 business day"}),
        ("a twelve-month term", {"12 month"}),
        ("one year", {"12 month"}),
        ("two weeks", {"14 day"}),
        ("$1,000,000.00", {"1000000 usd"}),
        ("US$ 1.5 million", {"1500000 usd"}),
        ("EUR 2.150,00", {"2150 eur"}),
        ("five per cent (5%)", {"5 %"}),
        ("1 May 2026, May 1st, 2026 and 2026-05-01", {"2026-05-01"}),
        ("the 3rd day of May, 2021", {"2021-05-03"}),
        ("12/31/2025", {"2025-12-31"}),
        ("5/1/2026", {"2026-05-01|2026-01-05"}),
        ("2026年5月1日 and 1. Mai 2026", {"2026-05-01"}),
        ("30 Tage", {"30 day"}),
        ("two hundred and fifty thousand", {"250000"}),
        ("Section 4.2 of page 9", set()),
        ("version 1.2.3", {"1.2.3"}),
    ],
)
def test_amounts(text: str, stated: set[str]) -> None:
    assert set(amounts(text)) == stated


@pytest.mark.parametrize(
    ("claimed", "text", "missing"),
    [
        ("30 days", "thirty (30) days", []),
        ("30 days", "thirty (30) months", ["30 day"]),
        ("within one year", "twelve (12) months", []),
        ("$12,500", "a fee of 12,500 a month", []),
        ("$12,500", "EUR 12,500", ["12500 usd"]),
        ("5%", "interest of 5 per cent", []),
        ("5%", "within 5 days", ["5 %"]),
        ("in May 2026", "on May 1, 2026", []),
        ("on May 2, 2026", "on May 1, 2026", ["2026-05-02"]),
        ("2026", "on May 1, 2026", []),
        ("on 1 May 2026", "5/1/2026", []),
        ("one of the parties", "the parties", []),
    ],
)
def test_what_is_claimed_and_not_stated(claimed: str, text: str, missing: list[str]) -> None:
    assert unstated(amounts(claimed), amounts(text)) == missing


def test_an_amount_is_shown_as_it_is_written() -> None:
    assert amounts("a fee of $ 12,500 for five years") == {"12500 usd": "$ 12,500", "60 month": "5 years"}


@given(st.text())
def test_any_text_states_what_it_states(text: str) -> None:
    assert unstated(amounts(text), amounts(text)) == []
