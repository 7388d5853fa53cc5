"""Questions on a code base: which files are read in, lines as people count them, and what real search finds."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from analysis.evaluations import sweqa
from analysis.evaluations.metrics import Place

PARSER = '''"""Reads recipes."""


def parse_recipe(text):
    """Return the ingredients of a recipe, one a line."""
    return [line.strip() for line in text.splitlines() if line.strip()]
'''
OVEN = '''"""Controls the oven."""


def preheat(degrees):
    """Heat the oven until the thermostat reports the temperature."""
    while thermostat() < degrees:
        burn()
'''


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    tree = tmp_path / "bakery-1.0"
    (tree / "src").mkdir(parents=True)
    (tree / "src" / "parser.py").write_text(PARSER)
    (tree / "src" / "oven.py").write_text(OVEN)
    (tree / "src" / "oven_copy.py").write_text(OVEN)
    (tree / "src" / "__init__.py").write_text("")
    (tree / "logo.png").write_bytes(b"\x89PNG")
    (tmp_path / "data" / "repos").mkdir(parents=True)
    with tarfile.open(tmp_path / "data" / "repos" / "bakery-1.0.tar.gz", "w:gz") as packed:
        packed.add(tree, "bakery-1.0")
    rows = [
        {"id": "bakery-00", "source_tree": "bakery-1.0", "question": "How are the ingredients of a recipe parsed?",
         "answer": "`parse_recipe` returns the ingredients.", "gold_files": ["src/parser.py"],
         "gold_lines": [{"file": "src/parser.py", "start": 4, "end": 6}]},
        {"id": "bakery-01", "source_tree": "bakery-1.0", "question": "When does the oven stop to preheat?",
         "answer": "At the temperature.", "gold_files": ["src/oven_copy.py"], "gold_lines": []},
        {"id": "bakery-02", "source_tree": "bakery-1.0", "question": "Why?", "answer": "", "gold_files": []},
    ]  # fmt: skip
    (tmp_path / "data" / "qa_with_gold_files.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return tmp_path / "data"


def test_lines_count_from_one_and_questions_without_files_are_left_out(labelled: Path) -> None:
    recipe, oven = sweqa.read_questions(labelled)
    assert recipe.lines == (Place("src/parser.py", 4, 7),)
    assert (oven.key, oven.files, oven.lines) == ("bakery-01", ("src/oven_copy.py",), ())


@pytest.mark.django_db(transaction=True)
def test_files_and_lines_are_found(words_as_meaning: None, labelled: Path) -> None:
    outcome = sweqa.run(labelled)
    recipe, oven = outcome.trials
    assert (recipe.values["files@1"], recipe.values["any_file@1"], recipe.values["rank"]) == (1, 1, 1)
    assert recipe.values["lines@5"] == 1
    assert (recipe.values["cited"], recipe.values["cited_ranges"], recipe.values["cited_file"]) == (1, 1, 1)
    assert 0 < recipe.values["cited_precision"] < 1
    assert (recipe.values["reference_supported"], recipe.values["reference_cited"]) == (1, 1)
    # One of two files of the same bytes is right, and both are found.
    assert oven.values["any_file@5"] == 1
    assert "lines@5" not in oven.values
    assert "cited" not in oven.values
    assert recipe.where.startswith("src/parser.py:")


def test_a_question_counts_once_however_many_files_and_places_it_has() -> None:
    question = sweqa.Question("q", "?", "", "t", ("a.py", "b.py"), (Place("a.py", 5, 9), Place("b.py", 1, 3)))
    came = sweqa.Found([Place("c.py", 1, 9), Place("b.py", 1, 5)], [Place("a.py", 8, 12), Place("c.py", 1, 9)], [])
    values = sweqa.judged(question, came).values
    assert (values["any_file@1"], values["any_file@5"], values["files@5"]) == (0, 1, 0.5)
    assert (values["cited"], values["cited_ranges"], values["cited_file"]) == (1, 0.5, 1)
    assert values["cited_precision"] == pytest.approx(1 / 12)  # one of the twelve cited lines is gold
    nothing = sweqa.judged(question, sweqa.Found([], [], [])).values
    assert (nothing["any_file@10"], nothing["cited"], nothing["cited_precision"]) == (0, 0, 0)


def test_what_is_missing_is_named(db: None, labelled: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"There is no qa_with_gold_files\.jsonl"):
        call_command("evaluate", "sweqa", str(tmp_path))
    (labelled / "repos" / "bakery-1.0.tar.gz").unlink()
    with pytest.raises(CommandError, match=r"neither bakery-1\.0 nor bakery-1\.0\.tar\.gz"):
        call_command("evaluate", "sweqa", str(labelled))
