"""How repositories come in by the pages, what their settings say of their effect, and how citations lead to lines."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from analysis.answer.receipt_code import in_words
from analysis.answer.render import place_name, place_url
from analysis.models import Disposition, Document, Question, Repository
from analysis.tasks import ingest_snapshot
from analysis.views.receipts import files_of
from analysis.views.snapshots import repository_rows, shares
from tests.analysis.views.repositories import repository_of, snapshot_of
from tests.conftest import Cast
from workspaces.models import User


@pytest.fixture(autouse=True)
def enqueued(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> list[int]:
    """Keep what would be sent to a worker: there is none here."""
    settings.MEDIA_ROOT = tmp_path
    sent: list[int] = []
    monkeypatch.setattr(ingest_snapshot, "delay", sent.append)
    return sent


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def archive(name: str = "shop.zip", content: str = "x = 1\n") -> SimpleUploadedFile:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        target.writestr("app.py", content)
    return SimpleUploadedFile(name, packed.getvalue())


def test_an_archive_among_documents_becomes_a_repository(cast: Cast) -> None:
    client = signed_in(cast.editor)
    files = [archive(), SimpleUploadedFile("lease.txt", b"Five years.")]
    html = client.post("/w/firm/documents/", {"file": files}, headers={"HX-Request": "true"}).content.decode()
    assert re.findall(r'<li class="received ([^"]+)"', html) == [
        "received-added received-repository",
        "received-added",
    ]
    assert Repository.objects.get().name == "shop"
    assert Document.objects.get().name == "lease.txt"


def test_a_folder_dropped_again_is_a_new_version(cast: Cast) -> None:
    client = signed_in(cast.editor)
    for content in ("x = 1\n", "x = 2\n"):
        sent = {"archive": archive(content=content), "name": "shop", "origin": "folder"}
        assert client.post("/w/firm/repositories/", sent).status_code == 302
    assert list(Repository.objects.get().snapshots.values_list("number", "origin")) == [(1, "folder"), (2, "folder")]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ssh://git@code.example/shop", "https://user:pw@code.example/x"])
def test_addresses_that_are_none_are_refused_with_a_sentence(cast: Cast, url: str) -> None:
    reply = signed_in(cast.editor).post("/w/firm/repositories/", {"url": url, "name": "shop"})
    assert reply.status_code == 422
    assert 'role="alert"' in reply.content.decode()
    assert f'value="{url}"' in reply.content.decode()  # what was typed is still there
    assert not Repository.objects.exists()


def test_viewers_may_not_add_and_see_no_settings(cast: Cast) -> None:
    repository = repository_of(cast, {"a.py": "x = 1\n"})
    client = signed_in(cast.viewer)
    assert client.get("/w/firm/repositories/").status_code == 403
    assert client.get(f"/r/{repository.pk}/settings/").status_code == 403
    assert f"/r/{repository.pk}/settings/" not in client.get(f"/r/{repository.pk}/").content.decode()


def test_a_token_goes_when_the_address_moves_and_stays_otherwise(cast: Cast) -> None:
    repository = repository_of(cast, {"a.py": "x = 1\n"}, url="https://code.example/shop", credential="hush")
    client = signed_in(cast.editor)
    page = f"/r/{repository.pk}/settings/"
    assert "hush" not in client.get(page).content.decode()
    sent = {"part": "source", "name": "Till", "url": "https://code.example/till", "ref": "main", "credential": ""}
    assert client.post(page, sent).status_code == 302
    repository.refresh_from_db()
    assert (repository.name, repository.ref, repository.credential) == ("Till", "main", "hush")
    client.post(page, sent | {"url": "https://elsewhere.example/till"})
    repository.refresh_from_db()
    assert (repository.url, repository.credential) == ("https://elsewhere.example/till", "")


def test_rules_say_what_they_would_change(cast: Cast) -> None:
    repository = repository_of(cast, {})
    files = {"src/a.py": "a = 1\n", "tests/b.py": "b = 1\n", "tests/c.py": "c = 1\n"}
    snapshot_of(repository, files, unread={"vendor/d.py": Disposition.VENDORED, "e.png": Disposition.BINARY})
    client = signed_in(cast.editor)
    asked = {"exclude": "tests/", "include": "vendor/", "most_kib": "1024"}
    said = " ".join(client.post(f"/r/{repository.pk}/effect/", asked).content.decode().split())
    assert "Would leave out 2 more files." in said
    assert "Would read 1 more file." in said
    assert re.findall(r"<li>([−+] [^<]+)</li>", said) == ["− tests/b.py", "− tests/c.py", "+ vendor/d.py"]
    wrong = client.post(f"/r/{repository.pk}/effect/", asked | {"most_kib": "0"}).content.decode()
    assert 'class="error' in wrong


def test_the_home_lists_repositories_apart_from_documents(cast: Cast) -> None:
    repository = repository_of(cast, {"a.py": "x = 1\n" * 30, "b.md": "words\n" * 10})
    html = signed_in(cast.viewer).get("/w/firm/").content.decode()
    assert f'id="repository-{repository.pk}"' in html
    assert 'aria-label="python 75 %, text 25 %"' in html
    assert "a.py" not in html


def test_a_summary_is_no_question_that_was_asked(cast: Cast) -> None:
    repository = repository_of(cast, {"a.py": "x = 1\n"})
    Question.objects.create(workspace=cast.workspace, purpose="summary", text="").repositories.add(repository)
    [row] = repository_rows(Repository.objects.all(), None)
    assert row.asked_at is None
    question = Question.objects.create(workspace=cast.workspace, text="What is x?")
    question.repositories.add(repository)
    [row] = repository_rows(Repository.objects.all(), None)
    assert row.asked_at == question.created_at


def test_the_overview_counts_files_as_the_home_does(cast: Cast) -> None:
    repository = repository_of(cast, {})
    snapshot_of(repository, {"a.py": "x = 1\n"}, unread={"b.png": Disposition.BINARY}, file_count=2)
    client = signed_in(cast.viewer)
    assert "2 files, 1 of them read" in client.get(f"/r/{repository.pk}/").content.decode()
    assert '2<span class="unit"> files</span>' in client.get("/w/firm/").content.decode()


def test_languages_beyond_the_colours_come_together() -> None:
    found = shares({name: 10 * (9 - rank) for rank, name in enumerate("abcdefgh")})
    assert [share.name for share in found] == ["a", "b", "c", "d", "e", "other"]
    assert found[-1].x + found[-1].width == 1000
    assert [share.x for share in found[1:]] == [share.x + share.width for share in found[:-1]]
    assert shares({}) == []


def test_a_citation_of_code_leads_to_its_lines() -> None:
    code = {"repository_id": "7", "path": "src/a b.py", "snapshot": 3, "start_line": 12, "end_line": 18}
    assert place_url(code) == "/r/7/file/src/a%20b.py?at=3&lines=12-18#L12"
    assert place_name(code | {"place": "src/a b.py:12-18", "commit": "ab" * 20}) == "src/a b.py:12-18 @ ababababab"
    document = {"document_id": "9", "start_char": 4, "end_char": 8, "path": None, "repository_id": None}
    assert place_url(document) == "/d/9/?start_char=4&end_char=8"


def test_search_says_which_repositories_it_reaches_by_words_alone(cast: Cast) -> None:
    client, repository = signed_in(cast.viewer), repository_of(cast, {"app.py": "x = 1\n"})
    line = "Search by meaning follows: 3 of 9 passages"
    assert line not in client.get("/w/firm/search/", {"q": "x"}).content.decode()
    repository.snapshots.update(vectors_at=None, stage="embed", stage_done=3, stage_total=9)
    assert f"shop: {line}" in client.get("/w/firm/search/", {"q": "x"}).content.decode()


def test_a_receipt_says_where_search_went_by_words_alone() -> None:
    row = {"name": "shop", "files_total": 2, "files_whole": 0, "files_skeleton": 0, "files_part": 2, "files_out": 0}
    assert in_words(row | {"skipped": {}, "by_meaning": None}) == "shop, 2 files: 2 in part."
    said = "shop, 2 files: 2 in part. Search by meaning reached 1,200 of 3,900 passages, search by words all of them."
    assert in_words(row | {"skipped": {}, "by_meaning": [1200, 3900]}) == said


def test_a_receipt_lists_the_files_that_were_read() -> None:
    row = {
        "repository_id": "7",
        "snapshot": 3,
        "name": "shop",
        "files_total": 4,
        "files_whole": 1,
        "files_skeleton": 1,
        "files_part": 1,
        "files_out": 1,
        "skipped": {"binary": 2},
        "whole": ["a.py"],
        "skeleton": ["b.py"],
        "part": {"c.py": [[2, 4], [9, 9]]},
    }
    read = files_of(row)
    assert read.words == "shop, 4 files: 1 whole, 1 in outline, 1 in part, 1 left out. 2 more not read in: not text 2."
    listed = [(said, [(file.path, file.lines) for file in files]) for _, said, files in read.extents]
    assert listed == [
        ("read whole", [("a.py", "")]),
        ("in outline", [("b.py", "")]),
        ("in part", [("c.py", "2-4, 9")]),
    ]
    assert read.extents[2][2][0].url == "/r/7/file/c.py?at=3&lines=2-4#L2"
