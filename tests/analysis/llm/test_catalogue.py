"""The catalogue's facts hang together, and a call costs what they say."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest

import analysis.llm.catalogue
from analysis.llm.catalogue import BUNDLED, LLM, catalogue
from analysis.llm.dialects import DIALECTS

FILE = Path(analysis.llm.catalogue.__file__).with_suffix(".toml")
ROWS = list(catalogue().values())
OPEN_WEIGHTS = [row for row in ROWS if row.self_hosted]
HOSTED = [row for row in ROWS if not row.self_hosted]

every_row = pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])


def test_each_id_is_there_once() -> None:
    ids = Counter(row["id"] for row in tomllib.loads(FILE.read_text())["llm"])
    assert [id for id, times in ids.items() if times > 1] == []


@every_row
def test_a_rows_facts_hang_together(row: LLM) -> None:
    assert row.name
    assert row.family
    assert row.source.startswith("https://")
    assert row.checked_on is not None
    assert row.dialect in DIALECTS
    assert row.cache in ("slots", "automatic", "explicit", "none")
    assert row.reasoning in ("none", "optional", "always")
    assert row.summary in ("one_pass", "by_heading")
    assert row.parallel >= 1
    assert row.answer_tokens <= row.max_output_tokens < row.window_tokens
    assert row.answer_tokens + row.reasoning_tokens <= row.max_output_tokens
    assert row.passage_tokens + row.answer_tokens + row.reasoning_tokens < row.window_tokens
    assert row.part_tokens + row.answer_tokens + row.reasoning_tokens < row.window_tokens
    assert (row.reasoning == "always") == (row.reasoning_tokens > 0)
    assert row.audio or not row.recogniser


@pytest.mark.parametrize("row", HOSTED, ids=[row.id for row in HOSTED])
def test_a_hosted_row_has_an_address_and_prices_in_order(row: LLM) -> None:
    assert row.comparison_only or row.base_url.startswith("https://")
    assert 0 < row.price_cached_usd_per_million <= row.price_in_usd_per_million
    assert row.price_out_usd_per_million > 0 or row.recogniser
    assert row.cache_write_price_factor == (1.25 if row.cache == "explicit" else 1.0)


@pytest.mark.parametrize("row", OPEN_WEIGHTS, ids=[row.id for row in OPEN_WEIGHTS])
def test_a_self_hosted_row_has_a_licence_and_a_tokenizer_and_costs_nothing(row: LLM) -> None:
    assert row.licence
    assert row.tokenizer.count("/") == 1
    assert not row.base_url
    prices = (row.price_in_usd_per_million, row.price_cached_usd_per_million, row.price_out_usd_per_million)
    assert prices == (0, 0, 0)


@pytest.mark.parametrize("row", [row for row in ROWS if row.model], ids=lambda row: row.id)
def test_a_variant_is_of_a_row_that_is_there(row: LLM) -> None:
    plain = catalogue()[row.model]
    assert (plain.window_tokens, plain.family, plain.tokenizer) == (row.window_tokens, row.family, row.tokenizer)
    assert (row.body, row.dialect) != (plain.body, plain.dialect)


@pytest.mark.parametrize(
    ("family", "at_least"),
    [("Kimi", 6), ("Qwen", 20), ("Qwen-VL", 5), ("Qwen-Audio", 1), ("Qwen-Omni", 2), ("Qwen-ASR", 2), ("GLM", 7),
     ("DeepSeek", 6), ("GPT", 1), ("Claude", 1)],
)  # fmt: skip
def test_every_family_that_must_work_is_there(family: str, at_least: int) -> None:
    assert sum(row.family == family for row in ROWS) >= at_least


def test_the_families_that_see_and_hear_say_so() -> None:
    assert all(row.vision for row in ROWS if row.family == "Qwen-VL")
    assert all(row.audio for row in ROWS if row.family in ("Qwen-Audio", "Qwen-Omni", "Qwen-ASR"))


def test_moonshot_rows_set_no_sampling() -> None:
    assert [row.id for row in ROWS if row.dialect == "moonshot" and "temperature" in row.body] == []


def test_a_call_costs_what_the_prices_say() -> None:
    llm = catalogue()["qwen-plus"]
    cost = llm.cost_usd(prompt_tokens=10_000, cached_tokens=2_000, completion_tokens=500, cache_written_tokens=4_000)
    # 4,000 fresh at 0.4, 2,000 cached at 0.04, 4,000 written at 0.5, 500 out at 1.2, each per million
    assert cost == pytest.approx(0.0016 + 0.00008 + 0.002 + 0.0006)
    assert llm.saved_usd(2_000) == pytest.approx(0.00072)
    assert catalogue()[BUNDLED].cost_usd(prompt_tokens=10_000, cached_tokens=0, completion_tokens=500) == 0
