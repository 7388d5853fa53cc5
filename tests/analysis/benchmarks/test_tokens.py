"""`manage.py benchmark tokens`: the errors it reports are those of the counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.benchmarks import tokens
from analysis.errors import UserError
from analysis.llm.tokens import estimate
from tests.analysis.llm.scripted_server import ScriptedLLM

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text("The fees are due within thirty days. " * (10 + number))
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    return tmp_path


def test_a_server_that_counts_as_it_reads_has_no_error(bundled_llm: ScriptedLLM, folder: Path) -> None:
    report = tokens.run(folder=folder, limit=2, tokens=2000)
    assert report.values["documents"] == 2
    assert len(bundled_llm.requests) == 2
    assert [request["max_tokens"] for request in bundled_llm.requests] == [1, 1]
    assert report.values["what plans use"] == {"greatest": 0.0, "mean": 0.0}


def test_an_estimate_s_error_is_that_of_the_estimate(scripted_llm: ScriptedLLM, folder: Path) -> None:
    scripted_llm.told_tokens = 500
    report = tokens.run(folder=folder, limit=1, tokens=2000)
    sent = sum(estimate(message["content"]) for message in scripted_llm.requests[0]["messages"])
    assert report.values["the estimate"]["mean"] == pytest.approx(100 * abs(sent - 500) / 500)
    assert "what plans use (an estimate)" in report.values


def test_an_empty_folder_is_said(scripted_llm: ScriptedLLM, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^There are no text files in "):
        tokens.run(folder=tmp_path)
