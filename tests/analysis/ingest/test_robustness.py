"""Odd, damaged and hostile files that other projects have collected: each is read, or refused in a sentence."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from analysis.errors import UserError
from analysis.ingest import sandbox
from analysis.types import ParsedDocument

EVAL = Path(os.environ.get("LECTERN_EVAL_DIR") or Path(__file__).resolve().parents[4] / "shared" / "eval")
FOLDER = EVAL / "robustness"
REFUSALS = {"empty_document", "password_required", "damaged", "unsupported_type", "too_large"}
# OCR takes ten seconds a page: one small scan stands for all.
SCANS = {"no_text_scan", "mostly_image", "no_text"}
SMALL_SCAN = "single_table.pdf"

pytestmark = pytest.mark.skipif(not (FOLDER / "manifest.csv").exists(), reason="the evaluation files are not here")


def sample() -> list[dict[str, str]]:
    """The first two files of each type and tag."""
    if not (FOLDER / "manifest.csv").exists():
        return []
    with (FOLDER / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if (FOLDER / row["file"]).exists()]
    chosen: dict[str, dict[str, str]] = {}
    taken: dict[tuple[str, str], int] = {}
    for row in rows:
        tags = row["tags"].split("|")
        if SCANS & set(tags) and SMALL_SCAN not in row["file"]:
            continue
        for key in ((row["type"], tag) for tag in tags):
            if taken.get(key, 0) < 2:
                taken[key] = taken.get(key, 0) + 1
                chosen[row["file"]] = row
    return list(chosen.values())


def read(row: dict[str, str], password: str = "") -> ParsedDocument:
    path = FOLDER / row["file"]
    return sandbox.parse(path, name=path.name, password=password, on_progress=lambda *_: None)


def outcome(row: dict[str, str]) -> ParsedDocument | UserError:
    try:
        return read(row)
    except UserError as error:
        return error


@pytest.mark.parametrize("row", sample(), ids=lambda row: row["file"])
def test_each_file_is_read_or_refused_in_a_sentence(row: dict[str, str]) -> None:
    result = outcome(row)
    if isinstance(result, UserError):
        assert result.code in REFUSALS
        assert result.message.endswith(".")
        assert "needs_password" not in row["tags"] or result.code == "password_required"
        assert row["type"] != "msg" or result.code == "unsupported_type"
        return
    assert "needs_password" not in row["tags"]
    assert result.text.strip()
    assert "".join(result.text[page.start_char : page.end_char] for page in result.pages) == result.text
    assert "\x00" not in result.text
    result.text.encode()


@pytest.mark.parametrize("row", [row for row in sample() if row["known_password"]], ids=lambda row: row["file"])
def test_an_encrypted_file_opens_with_its_password_and_no_other(row: dict[str, str]) -> None:
    assert read(row, row["known_password"]).text.strip()
    if "needs_password" in row["tags"]:
        with pytest.raises(UserError) as error:
            read(row, "not the password")
        assert error.value.code == "password_wrong"
