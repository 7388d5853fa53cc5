"""Ready documents that other code has understood."""

from __future__ import annotations

import pytest

from analysis.ingest import understand_again as module
from analysis.ingest.understand import UNDERSTANDING_VERSION
from analysis.ingest.understand_again import understand_again
from analysis.models import DocumentVersion
from tests.rows import make_document

pytestmark = pytest.mark.django_db

GERMAN = "Der Auftragnehmer erbringt die Leistungen innerhalb von zehn Tagen nach jeder Bestellung."


def facts(version: DocumentVersion) -> tuple[str, int, str]:
    version.refresh_from_db()
    return version.language, version.understanding_version, version.status


def test_ready_versions_are_understood_once(cast):
    german, english = make_document(cast, "de.txt", GERMAN), make_document(cast, "en.txt")
    assert understand_again() == 2
    assert facts(german) == ("de", UNDERSTANDING_VERSION, "ready")
    assert facts(english) == ("en", UNDERSTANDING_VERSION, "ready")
    assert understand_again() == 0


def test_versions_that_are_being_read_in_are_left_to_their_worker(cast):
    version = make_document(cast, "de.txt", GERMAN)
    DocumentVersion.objects.update(status="ingesting")
    assert understand_again() == 0
    assert facts(version) == ("", 0, "ingesting")


def test_work_stops_when_the_time_is_up_and_goes_on_later(cast):
    for number in range(3):
        make_document(cast, f"{number}.txt", GERMAN)
    assert [understand_again(seconds=0) for _ in range(4)] == [1, 1, 1, 0]


def test_one_that_fails_keeps_what_it_had_and_does_not_stand_in_the_way(cast, monkeypatch):
    bad, good = make_document(cast, "bad.txt", "bad"), make_document(cast, "de.txt", GERMAN)
    DocumentVersion.objects.filter(pk=bad.pk).update(language="fr")
    understand = module.understand
    monkeypatch.setattr(
        module, "understand", lambda text, headings: understand(text, headings) if text != "bad" else 1 / 0
    )
    assert understand_again() == 2
    assert facts(bad) == ("fr", UNDERSTANDING_VERSION, "ready")
    assert facts(good)[0] == "de"
