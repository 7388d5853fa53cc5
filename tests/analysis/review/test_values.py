"""Dates, durations, sums, shares and places, in the forms that contracts have."""

from __future__ import annotations

from decimal import Decimal

import pytest

from analysis.review.values.amounts import amounts, percentages
from analysis.review.values.dates import dates
from analysis.review.values.durations import after, durations
from analysis.review.values.numbers import decimal
from analysis.review.values.places import place_name, places
from analysis.types import ClauseValue


def stated(values: list[ClauseValue], text: str) -> list[tuple[str, str]]:
    return [(text[value.start_char : value.end_char], value.normal) for value in values]


@pytest.mark.parametrize(
    ("words", "iso"),
    [
        ("June 1, 1998", "1998-06-01"),
        ("1 June 1998", "1998-06-01"),
        ("Sept. 30, 2004", "2004-09-30"),
        ("JULY 4th, 2010", "2010-07-04"),
        ("22nd day of August 2005", "2005-08-22"),
        ("7th day of April, 2003", "2003-04-07"),
        ("1 st  day of May 2006", "2006-05-01"),
        ("20t h day of December 2018", "2018-12-20"),
        ("19  DAY OF MAY , 2010", "2010-05-19"),
        ("first day of January, 2009", "2009-01-01"),
        ("twenty-second day of March 2011", "2011-03-22"),
        ("01 April 2006", "2006-04-01"),
        ("2019-03-28", "2019-03-28"),
        ("03/28/2019", "2019-03-28"),
        ("28/03/2019", "2019-03-28"),
        ("3/4/99", "1999-03-04"),
        ("1. Juni 1998", "1998-06-01"),
        ("15. März 2021", "2021-03-15"),
        ("01.06.1998", "1998-06-01"),
        ("2019年3月28日", "2019-03-28"),
        ("March 2019", "2019-03"),
    ],
)
def test_dates(words: str, iso: str) -> None:
    text = f"made on {words} by them"
    assert stated(dates(text), text) == [(words, iso)]


@pytest.mark.parametrize(
    "text", ["31 June 2001", "this __ day of ______, 20__", "Section 3.4.2012a", "may 30 days", "13/13/2001"]
)
def test_what_is_no_date(text: str) -> None:
    assert dates(text) == []


def test_several_dates_in_order() -> None:
    text = "from June 1, 1998 until 31 May 2001 or June 2001"
    assert [value.normal for value in dates(text)] == ["1998-06-01", "2001-05-31", "2001-06"]


@pytest.mark.parametrize(
    ("words", "iso", "note"),
    [
        ("thirty (30) days", "P30D", ""),
        ("30 days", "P30D", ""),
        ("ten (10) business days", "P10D", "business days"),
        ("5 working days", "P5D", "business days"),
        ("twelve-month", "P12M", ""),
        ("one hundred twenty (120) days", "P120D", ""),
        ("one hundred and twenty days", "P120D", ""),
        ("three (3) years", "P3Y", ""),
        ("Five (5) years", "P5Y", ""),
        ("six (6) months", "P6M", ""),
        ("two weeks", "P2W", ""),
        ("ninety (90) consecutive days", "P90D", ""),
        ("year to year", "P1Y", ""),
        ("drei Monaten", "P3M", ""),
        ("14 Werktage", "P14D", "business days"),
        ("zwölf Monate", "P12M", ""),
        ("30个工作日", "P30D", "business days"),
        ("12个月", "P12M", ""),
    ],
)
def test_durations(words: str, iso: str, note: str) -> None:
    text = f"for {words}, so it is"
    assert stated(durations(text), text) == [(words, iso)]
    assert durations(text)[0].note == note


@pytest.mark.parametrize("text", ["the 30th day", "daily", "in 2005", "the last day of the month"])
def test_what_is_no_duration(text: str) -> None:
    assert durations(text) == []


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        ("2005-08-22", "P5Y", "2010-08-22"),
        ("2004-02-29", "P1Y", "2005-02-28"),
        ("2020-01-31", "P1M", "2020-02-29"),
        ("2019-12-15", "P30D", "2020-01-14"),
        ("2019-12-15", "P2W", "2019-12-29"),
        ("2019-12", "P1Y", None),
        ("2019-12-15", "5 years", None),
    ],
)
def test_the_day_after_a_duration(start: str, duration: str, end: str | None) -> None:
    assert after(start, duration) == end


@pytest.mark.parametrize(
    ("digits", "number"),
    [
        ("1,000,000.00", "1000000.00"),
        ("1.000.000,00", "1000000.00"),
        ("500.000", "500000"),
        ("1'250'000", "1250000"),
        ("0.125", "0.125"),
        ("2.5", "2.5"),
        ("2,5", "2.5"),
        ("12,345", "12345"),
        ("5,000.", "5000"),
    ],
)
def test_groups_of_three_and_fractions_are_told_apart(digits: str, number: str) -> None:
    assert decimal(digits) == Decimal(number)


@pytest.mark.parametrize(
    ("words", "normal"),
    [
        ("$5,000.00", "5000 USD"),
        ("US$ 1,000,000.00", "1000000 USD"),
        ("USD 1.5 million", "1500000 USD"),
        ("$1,000,000", "1000000 USD"),
        ("$2.5 million", "2500000 USD"),
        ("€ 500.000,50", "500000.5 EUR"),
        ("EUR 500.000,00", "500000 EUR"),
        ("10,000 euros", "10000 EUR"),
        ("500.000 Euro", "500000 EUR"),
        ("£1m", "1000000 GBP"),
        ("C$75,000", "75000 CAD"),
        ("CHF 1'250'000", "1250000 CHF"),
        ("RMB 3,000,000", "3000000 CNY"),
        ("200,000 U.S. dollars", "200000 USD"),
        ("300万元", "3000000 CNY"),
    ],
)
def test_sums(words: str, normal: str) -> None:
    text = f"a fee of {words}, payable"
    assert stated(amounts(text), text) == [(words, normal)]


def test_what_is_no_sum() -> None:
    assert amounts("within 30 days under Section 5.2 for 1,000 units") == []


@pytest.mark.parametrize(
    ("words", "normal"),
    [
        ("5%", "5 %"),
        ("2.5 per cent", "2.5 %"),
        ("fifty percent", "50 %"),
        ("12,5 Prozent", "12.5 %"),
        ("7.50 %", "7.5 %"),
    ],
)
def test_shares(words: str, normal: str) -> None:
    text = f"a royalty of {words} is due"
    assert stated(percentages(text), text) == [(words, normal)]


def test_a_share_in_words_and_digits_counts_once() -> None:
    text = "ten percent (10%) of sales, or 12% of profit"
    assert [value.normal for value in percentages(text)] == ["10 %", "12 %"]


@pytest.mark.parametrize(
    ("text", "words", "code", "name"),
    [
        ("governed by the laws of the State of Delaware", "Delaware", "US-DE", "Delaware, United States"),
        ("the laws of England and Wales, without regard", "England and Wales", "GB-EAW", "England and Wales"),
        ("This Agreement is governed by English law.", "English", "GB-ENG", "England"),
        ("the laws of the Province of Ontario and the federal laws of Canada", "Ontario", "CA-ON", "Ontario, Canada"),
        ("the published laws of the People's Republic of China", "People's Republic of China", "CN", "China"),
        ("INTERNAL LAWS OF THE COMMONWEALTH OF PENNSYLVANIA", "PENNSYLVANIA", "US-PA", "Pennsylvania, United States"),
        ("the laws of the State of New Jersey.", "New Jersey", "US-NJ", "New Jersey, United States"),
        ("the Laws of the Netherlands", "Netherlands", "NL", "Netherlands"),
        (
            "Effective legislation of the Republic of Kazakhstan shall apply",
            "Republic of Kazakhstan",
            "KZ",
            "Kazakhstan",
        ),
        ("Es gilt das Recht der Bundesrepublik Deutschland.", "Bundesrepublik Deutschland", "DE", "Germany"),
        (
            "Acme Inc., a Nevada corporation, agrees that the law of Utah applies",
            "Utah",
            "US-UT",
            "Utah, United States",
        ),
        ("本合同适用中华人民共和国法律", "中华人民共和国", "CN", "China"),
    ],
)
def test_places(text: str, words: str, code: str, name: str) -> None:
    assert stated(places(text), text) == [(words, code)]
    assert place_name(code) == name


def test_no_place_is_made_up() -> None:
    assert places("governed by applicable law") == []
