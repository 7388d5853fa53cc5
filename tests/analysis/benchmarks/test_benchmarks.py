"""Benchmarks: that they measure what they say, and leave nothing behind."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command
from pypdf import PdfReader

from analysis.benchmarks import Report, ingest, search
from analysis.benchmarks.contract import LINES_A_PAGE, contract_pdf
from analysis.management.commands.benchmark import table
from analysis.models import Chunk, Document
from workspaces.models import Workspace


def test_contract_is_a_pdf_of_so_many_pages_the_same_every_time():
    data = contract_pdf(3)
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(data), strict=True).pages]
    assert len(pages) == 3
    assert pages[0].startswith("ARTICLE 1. ")
    assert all(LINES_A_PAGE * 40 < len(page) < LINES_A_PAGE * 85 for page in pages)
    assert data == contract_pdf(3)


@pytest.mark.django_db(transaction=True)
def test_ingest_reports_each_contract_and_removes_it(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    figures = tmp_path / "figures.json"
    call_command("benchmark", "ingest", "--pages", "2", "--json", str(figures), stdout=io.StringIO())
    values = json.loads(figures.read_text())["values"]["generated 2.pdf"]
    assert values["pages"] == 2
    assert set(ingest.STAGES) <= set(values["seconds"])
    assert values["searchable s"] >= sum(values["seconds"][stage] for stage in ingest.STAGES)
    assert Workspace.objects.count() == Document.objects.count() == 0
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [figures]


@pytest.mark.django_db(transaction=True)
def test_search_measures_the_chunks_asked_for_and_removes_them():
    report = search.run(chunks=250, queries=4)
    assert [(row[0], row[1]) for row in report.rows] == [
        ("workspace", 250),
        ("one document", 200),
        ("embedding of the query alone", 0),
    ]
    assert all(first > 0 and p95 >= p50 > 0 for _, _, first, p50, p95 in report.rows)
    assert Chunk.objects.count() == Workspace.objects.count() == 0


def test_table_is_aligned_with_notes_below():
    report = Report(("file", "pages"), [["a.pdf", 10], ["longer.pdf", 9]], ["A note."])
    assert table(report) == "      file  pages\n     a.pdf     10\nlonger.pdf      9\n\nA note."
