"""Fetching from a real git server on loopback: what comes in, what is refused, and where the token goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from dulwich.repo import Repo

from analysis.errors import UserError
from analysis.ingest.repository import read_in, repository_add, snapshot_add
from analysis.ingest.unpack import messages
from analysis.models import Document, Repository, Snapshot
from config.env import env
from tests.analysis.ingest.repository.git_server import GitServer, git_server

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "s3cr3t-t0ken"
FILES = {"src/cart.py": "def total(prices):\n    return sum(prices)\n", ".gitignore": "*.log\n", "run.log": "started\n"}


@pytest.fixture
def server(tmp_path, settings, monkeypatch):
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr(env, "git_http", True)
    monkeypatch.setattr(env, "git_private", True)
    with git_server(tmp_path / "shop") as found:
        yield found


def add(cast, server: GitServer, **more) -> Repository:
    fields = {"workspace": cast.workspace, "user": cast.owner, "url": server.url} | more
    return repository_add(**fields, enqueue=False)


def refusal(repository: Repository) -> tuple[str, str]:
    with pytest.raises(UserError) as error:
        read_in(repository)
    return error.value.code, error.value.message


def test_branch_is_fetched_and_then_only_what_is_new(cast, server):
    first = server.commit(FILES, "Add the cart\n\nAnd more.")
    repository = add(cast, server)
    snapshot = read_in(repository)
    assert (repository.name, snapshot.commit, snapshot.label) == ("shop", first, first[:10])
    assert (snapshot.message, snapshot.origin) == ("Add the cart", "git")
    assert snapshot.committed_at is not None
    # What git keeps is not ignored, whatever its rules say.
    assert dict(snapshot.files.values_list("path", "disposition")) == dict.fromkeys(FILES, "read")
    before = dict(Document.objects.values_list("path", "version"))
    second = server.commit(FILES | {"run.log": "ended\n"})
    snapshot_add(repository=repository, user=None, enqueue=False)
    assert read_in(repository).commit == second
    after = dict(Document.objects.values_list("path", "version"))
    assert {path for path in after if after[path] != before[path]} == {"run.log"}
    snapshot_add(repository=repository, user=None, enqueue=False)
    assert refusal(repository) == ("unchanged", messages.UNCHANGED)
    assert repository.snapshot.commit == second


def test_branch_tag_and_commit_are_found_by_name(cast, server):
    first = server.commit({"a.txt": "one\n"})
    second = server.commit({"a.txt": "two\n"})
    git = Repo(str(server.folder))
    git.refs[b"refs/heads/old/days"] = first.encode()
    git.refs[b"refs/tags/v1"] = first.encode()
    for ref, commit in (("old/days", first), ("v1", first), (first, first), (second[:12], second), ("main", second)):
        repository = add(cast, server, ref=ref)
        assert read_in(repository).commit == commit
        assert Document.objects.get(repository=repository).version.read_text() in {"one\n", "two\n"}
    assert refusal(add(cast, server, ref="gone")) == ("no_ref", messages.no_ref("gone"))


def test_token_goes_to_the_server_and_nowhere_else(cast, server, caplog):
    server.commit({"a.txt": "one\n"})
    server.token = TOKEN
    assert refusal(add(cast, server))[0] == "not_found"
    assert refusal(add(cast, server, credential="wrong")) == ("not_found", messages.NOT_FOUND)
    repository = add(cast, server, credential=TOKEN)
    assert read_in(repository).ready
    assert any(server.asked)
    with connection.cursor() as cursor:
        cursor.execute("SELECT credential FROM analysis_repository WHERE id = %s", [repository.pk])
        assert TOKEN not in cursor.fetchone()[0]
    assert TOKEN not in caplog.text
    assert not any(TOKEN in str(row) for row in Snapshot.objects.values())


def test_token_does_not_follow_a_redirect_to_another_server(cast, server, tmp_path):
    with git_server(tmp_path / "other") as other:
        other.commit({"a.txt": "elsewhere\n"})
        server.redirect_to = f"http://127.0.0.1:{other.port}"
        repository = add(cast, server, credential=TOKEN)
        read_in(repository)
        assert set(other.asked) == {""}
        assert Document.objects.get().version.read_text() == "elsewhere\n"


def test_private_addresses_are_refused_at_once_and_after_a_redirect(cast, server, monkeypatch):
    server.commit({"a.txt": "one\n"})
    monkeypatch.setattr(env, "git_private", False)
    assert refusal(add(cast, server)) == ("private_address", messages.PRIVATE)
    for host in ("localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1"):
        assert refusal(add(cast, server, url=f"http://{host}:{server.port}/shop.git"))[0] == "private_address"
    assert server.asked == []


def test_http_is_not_spoken_where_it_is_not_allowed(cast, server, monkeypatch):
    repository = add(cast, server)
    monkeypatch.setattr(env, "git_http", False)
    assert refusal(repository) == ("bad_url", messages.LEADS_AWAY)
    assert server.asked == []


def test_what_is_not_there_is_said_in_a_sentence(cast, server):
    assert refusal(add(cast, server, url=f"http://127.0.0.1:{server.port}/other.git"))[0] == "not_found"
    assert refusal(add(cast, server)) == ("no_ref", messages.no_ref(""))


def test_a_commit_larger_than_allowed_is_not_kept(cast, server, monkeypatch):
    server.commit({"a.txt": "one two three\n" * 1000})
    monkeypatch.setattr(env, "repository_max_bytes", 5000)
    kept = set(Path(env.home).rglob("*.tar.gz"))
    assert refusal(add(cast, server))[0] == "too_large"
    assert set(Path(env.home).rglob("*.tar.gz")) == kept


def test_submodules_and_large_files_are_told_and_not_followed(cast, server):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 3\n"
    commit = server.commit({"main.py": "print(1)\n", "logo.psd": pointer}, submodule="lib")
    snapshot = read_in(add(cast, server))
    assert snapshot.commit == commit
    assert snapshot.warnings == [
        {"code": "git", "message": messages.SUBMODULES.format(1), "path": "lib"},
        {"code": "archive", "message": messages.LARGE_FILES.format(1), "path": "logo.psd"},
    ]
    assert dict(snapshot.files.values_list("path", "disposition")) == {"main.py": "read", "logo.psd": "binary"}


@pytest.mark.parametrize(
    "url",
    [
        "git://example.com/a.git",
        "ssh://git@example.com/a.git",
        "git@example.com:a/b.git",
        "file:///etc",
        "/srv/git/a.git",
        "https://",
        "https://user:secret@example.com/a.git",
        "https://example.com/a b.git",
        "ext::sh -c touch% /tmp/x",
        "http://example.com/a.git",
    ],
)
def test_other_addresses_are_refused_before_anything_is_written(cast, url):
    with pytest.raises(UserError) as error:
        repository_add(workspace=cast.workspace, user=cast.owner, url=url)
    assert error.value.code == "bad_url"
    assert not Repository.objects.exists()


@pytest.mark.parametrize("ref", ["--upload-pack=x", "a..b", "a b", "a\nb", "x.lock", "@{1}", "a//b"])
def test_refs_that_are_no_names_are_refused(cast, ref):
    with pytest.raises(UserError) as error:
        repository_add(workspace=cast.workspace, user=cast.owner, url="https://example.com/a.git", ref=ref)
    assert error.value.code == "bad_ref"
