"""Postings that other code has built are built again, each once, from the text."""

from __future__ import annotations

import pytest

from analysis.ingest import index
from analysis.ingest.index import write_understanding
from analysis.ingest.reindex import reindex
from analysis.ingest.understand import understand
from analysis.lexical import ANALYZER_VERSION
from analysis.models import ChunkVector, DocumentVersion, Lexicon, Posting, VersionText
from tests.analysis.answer.retrieve.rows import FEES, LAW, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(cast) -> DocumentVersion:
    version = put(cast.workspace, "a.pdf", LAW, FEES).version
    VersionText.objects.create(version=version, text=LAW + FEES)
    return version


def posted() -> list[tuple[object, ...]]:
    return sorted(Posting.objects.values_list("version_id", "term", "standing", "sentence_count"))


def test_a_document_that_fails_keeps_no_other_one_waiting(cast, version, monkeypatch):
    failing = put(cast.workspace, "b.pdf", FEES).version
    Lexicon.objects.update(analyzer_version=ANALYZER_VERSION - 1)
    write = index.write_postings

    def refuse(one, *arguments):
        if one == failing:
            raise ValueError("This one cannot be.")
        write(one, *arguments)

    monkeypatch.setattr(index, "write_postings", refuse)
    assert reindex() == 1
    assert Lexicon.objects.get(analyzer_version=ANALYZER_VERSION).version == version


def test_what_is_up_to_date_is_left_alone(version):
    assert reindex() == 0


def test_postings_of_an_old_analyzer_are_built_again_without_embedding(version):
    before, vectors = posted(), list(ChunkVector.objects.values_list("pk", flat=True))
    Posting.objects.filter(term__gt="g").delete()
    Lexicon.objects.update(analyzer_version=ANALYZER_VERSION - 1)
    assert (reindex(), reindex()) == (1, 0)
    assert posted() == before
    assert list(ChunkVector.objects.values_list("pk", flat=True)) == vectors


def test_a_document_from_before_there_were_postings_gets_them_once_it_is_understood(version):
    before = posted()
    Posting.objects.all().delete()
    Lexicon.objects.all().delete()
    DocumentVersion.objects.update(understanding_version=0, language="", identity={})
    assert reindex() == 0
    write_understanding(version, understand(LAW + FEES))
    assert (reindex(), posted()) == (1, before)


def test_what_is_understood_anew_is_indexed_anew(version):
    write_understanding(version, understand(LAW + FEES))
    assert (reindex(), reindex()) == (1, 0)


def test_a_document_that_is_being_read_in_is_left_to_its_worker(version):
    Lexicon.objects.all().delete()
    DocumentVersion.objects.update(status="ingesting")
    assert reindex() == 0
