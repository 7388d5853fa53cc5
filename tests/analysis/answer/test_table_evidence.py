"""Figures of tables: borne out by the row that has them, under the headers that the sentence speaks of."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.answer.cite import cite
from analysis.answer.table_evidence import Head, Row
from analysis.sentences import split_sentences
from analysis.types import CitedSentence, Source

TEXT = """Results rose. The following table shows net sales (in millions):

 | Three Months Ended |  | Nine Months Ended
 | July 1, 2023 | June 25, 2022 | July 1, 2023 | June 25, 2022
Net sales:
Products | $60,584 | $63,355 | $230,901 | $245,241
Services | 21,213 | 19,604 | 62,886 | 58,941
Cost of sales:
Products | 39,136 | 41,485 | 146,696 | 155,084

Services net sales increased because there were more subscriptions."""
SOURCE = Source("d", "report.pdf", 7, 100, 100 + len(TEXT), TEXT)


def cited(sentence: str) -> CitedSentence:
    (found,) = cite(sentence, [SOURCE], embed=lambda texts: np.ones((len(texts), 1), np.float32) * 0.5)
    return found


def quotes(found: CitedSentence) -> list[str]:
    return [TEXT[c.start_char - 100 : c.end_char - 100] for c in found.citations]


def test_each_row_is_a_sentence() -> None:
    rows = [TEXT[a:b] for a, b in split_sentences(TEXT)]
    assert "Services | 21,213 | 19,604 | 62,886 | 58,941" in rows
    assert "Cost of sales:" in rows


@pytest.mark.parametrize(
    "sentence",
    [
        "Services net sales were $21,213 million in the three months ended July 1, 2023.",
        "Net sales of services for the nine months ended June 25, 2022 were $58,941 million.",
    ],
)
def test_a_figure_is_borne_out_by_its_row(sentence: str) -> None:
    found = cited(sentence)
    assert found.supported, found.reason
    assert quotes(found)[0] == "Services | 21,213 | 19,604 | 62,886 | 58,941"


@pytest.mark.parametrize(
    ("sentence", "header"),
    [
        (
            "Services net sales were $19,604 million in the three months ended July 1, 2023.",
            "Three Months Ended June 25, 2022",
        ),
        (
            "Services net sales were $62,886 million in the three months ended July 1, 2023.",
            "Nine Months Ended July 1, 2023",
        ),
    ],
)
def test_a_figure_of_another_column_is_no_support(sentence: str, header: str) -> None:
    found = cited(sentence)
    assert found.supported is False
    assert found.reason == f"In the nearest row this figure stands under “{header}”."


def test_a_figure_that_no_row_has_is_no_support() -> None:
    assert cited("Services net sales were $21,214 million in the three months ended July 1, 2023.").supported is False


def test_rows_stand_under_headers_that_reach_over_several_columns() -> None:
    head = Head("Net sales (in millions):")
    for line in TEXT.split("\n")[2:4]:
        head, _ = head.with_line(line)
    _, row = head.with_group("Net sales:").with_line("Services | 21,213 | 19,604 | 62,886 | 58,941")
    assert row.figures == (
        ("21,213", "Three Months Ended July 1, 2023"),
        ("19,604", "Three Months Ended June 25, 2022"),
        ("62,886", "Nine Months Ended July 1, 2023"),
        ("58,941", "Nine Months Ended June 25, 2022"),
    )
    assert row.scale == 1e6
    assert row.lead_in.startswith("Net sales (in millions): Three Months Ended July 1, 2023 ")


def test_headers_further_down_take_the_place_of_those_above() -> None:
    head, _ = Head().with_line(" | 2023")
    head, first = head.with_line("Rent | 100")
    head, _ = head.with_line(" | 2022")
    _, second = head.with_line("Rent | 90")
    assert (first, second) == (Row("2023", (("100", "2023"),)), Row("2022", (("90", "2022"),)))
