"""Questions on reports: which are asked, which figures and pages are looked for, and what real search finds."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from analysis.evaluations import docugami
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM

LOOM = "Loomworks Inc, quarterly report, Q2. {}\n\nTotal net sales were $12,345 million, gross margin 41.7 %.\n"
MILL = "Millbrook Corp, quarterly report, Q2. {}\n\nTotal net sales were $98,765 million and inventory 4,321.\n"
FILLER = "The company describes its business, its people and its offices in general words. " * 60
ROWS = [
    ("What were Loomworks’ total net sales?", "*LOOM*", "Single-Doc Single-Chunk RAG", "Table",
     "Total net sales were $12,345 million in 2023.\n\nSOURCE(S): 2023 Q2 LOOM.txt"),
    ("How do the inventories compare?", "*2023 Q2*", "Multi-Doc RAG", "Text",
     'Millbrookâ€™s were 4,321 (SOURCE: 2023 Q2 MILL.txt), so 10.0%.\n\n'
     'SOURCE(S): "2023 Q2 LOOM.txt", "2023 Q2 MILL.txt"'),
    ("What of a report that is not here?", "*GONE*", "Multi-Doc RAG", "Text", "1,000.\n\nSOURCE(S): 2023 Q2 GONE.txt"),
]  # fmt: skip


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "2023 Q2 LOOM.txt").write_text(LOOM.format(FILLER))
    (tmp_path / "docs" / "2023 Q2 MILL.txt").write_text(MILL.format(FILLER))
    with (tmp_path / "qna_data.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([docugami.COLUMNS, *ROWS])
    return tmp_path


def test_questions_whose_sources_are_all_there(reports: Path) -> None:
    files = {path.name: path for path in (reports / "docs").iterdir()}
    loom, both = docugami.read_questions(reports, files)
    assert (loom.text, loom.sources, loom.category) == (
        "What were Loomworks’ total net sales?",
        ("2023 Q2 LOOM.txt",),
        "Single-Doc Single-Chunk RAG, Table",
    )
    assert set(both.sources) == set(files)
    assert both.answer.startswith("Millbrook’s were 4,321")


def test_what_was_decoded_wrongly_is_put_right() -> None:
    assert docugami.mended("Companyâ€™s â€œgoodâ€\x9d café, 5 â€“ 6") == "Company’s “good” café, 5 – 6"
    assert docugami.mended("São Paulo, naïve, Â is alone") == "São Paulo, naïve, Â is alone"


def test_figures_are_amounts_and_shares_and_no_years() -> None:
    text = (
        "In Q3 2023 sales of $82,959 million rose 11%, to 1.26 a share (SOURCE: 2023 Q1 AAPL.pdf); on July 1 five sold."
    )
    assert docugami.figures_of(text) == ["82959", "11", "1.26"]


@pytest.mark.django_db(transaction=True)
def test_reports_pages_and_figures_are_found(words_as_meaning: None, reports: Path) -> None:
    outcome = docugami.run(reports)
    loom, both = (trial.values for trial in outcome.trials)
    assert (loom["documents@1"], loom["pages@5"], loom["figures@5"]) == (1, 1, 1)
    assert both["documents@20"] == 1
    # "10.0" is worked out and stands in neither report: it is not looked for.
    assert outcome.trials[1].details["figures"].keys() == {"4321"}
    assert "said" not in loom


@pytest.mark.django_db(transaction=True)
def test_figures_that_the_answer_says(bundled_llm: ScriptedLLM, words_as_meaning: None, reports: Path) -> None:
    bundled_llm.replies = [
        Reply(words=["Total", " net", " sales", " were", " $12,345", " million."]),
        Reply(words=["No."]),
    ]
    outcome = docugami.run(reports, task="ask")
    assert [trial.values["said"] for trial in outcome.trials] == [1, 0]
    assert [trial.failed for trial in outcome.trials] == [False, True]
    assert outcome.trials[0].values["cited"] == 1


def test_a_folder_without_questions_is_said(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There are no questions"):
        call_command("evaluate", "docugami", str(tmp_path))
