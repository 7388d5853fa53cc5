"""The export that a person asks for on the page."""

from __future__ import annotations

import os
import time
from io import BytesIO
from zipfile import ZipFile

import pytest
from asgiref.sync import async_to_sync
from django.core.files.base import ContentFile
from django.db import connections
from django.test import Client
from django.urls import reverse

from analysis.models import Document, Question
from tests.rows import make_answer, make_document
from tests.workspaces.test_accounts import sign_in, words
from workspaces import exporting, tasks
from workspaces.access import member_or_404
from workspaces.folders import folder_create, folder_restrict
from workspaces.models import AuditEvent, Member, Role
from workspaces.policy import policy_change
from workspaces.recipes import workspace_delete

pytestmark = pytest.mark.django_db
PATH = "/w/firm/export/"


@pytest.fixture(autouse=True)
def queued(settings, tmp_path, monkeypatch) -> list[tuple[object, ...]]:
    """Return the arguments of the exports that were given to a worker."""
    settings.MEDIA_ROOT = tmp_path
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(tasks.write_export, "delay", lambda *args: sent.append(args))
    # A stream gives its connection back; here that is the one that holds the test's transaction.
    monkeypatch.setattr(connections, "close_all", lambda: None)
    return sent


@pytest.fixture
def firm(cast) -> Document:
    version = make_document(cast)
    version.file.save("lease.pdf", ContentFile(b"%PDF- the original"))
    make_answer(cast, version, "It is five years.")
    Question.objects.create(workspace=cast.workspace, asker=cast.owner, text="Shall we sue?", shared=False)
    return version.document


def signed_in(user) -> Client:
    sign_in(client := Client(), user.email)
    return client


def names(archive: bytes) -> list[str]:
    return sorted(ZipFile(BytesIO(archive)).namelist())


def body(reply) -> bytes:
    async def whole() -> bytes:
        return b"".join([piece async for piece in reply.streaming_content])

    return async_to_sync(whole)()


def test_asked_for_written_and_fetched(cast, firm, queued):
    client = signed_in(cast.admin)
    client.post(PATH)
    client.post(PATH)  # one that is being written goes on
    assert len(queued) == 1
    assert "Waiting for a worker" in words(client.get(PATH))
    exporting.export_write(*queued[0])
    page = client.get(PATH)
    assert "1 document, 0 repositories, 1 question" in words(page)
    export = exporting.export_of(Member.objects.get(workspace=cast.workspace, user=cast.admin))
    reply = client.get(reverse("export_file", args=["firm", export.id]))
    assert reply["Content-Disposition"] == 'attachment; filename="firm.zip"'
    found = names(body(reply))
    assert "firm/documents/0001 lease.pdf/original.pdf" in found
    assert "firm/audit.csv" in found
    assert not any("Shall we sue" in name for name in found)  # another's private question
    assert AuditEvent.objects.filter(action="data.exported", actor="admin@firm.example").count() == 1


def test_ones_own_private_question_is_in_it(cast, firm, queued):
    signed_in(cast.owner).post(PATH)
    exporting.export_write(*queued[0])
    export = exporting.export_of(Member.objects.get(workspace=cast.workspace, user=cast.owner))
    assert any("Shall we sue" in name for name in names(export.path.read_bytes()))


def test_nobody_fetches_anothers(cast, firm, queued):
    signed_in(cast.admin).post(PATH)
    exporting.export_write(*queued[0])
    export = exporting.export_of(Member.objects.get(workspace=cast.workspace, user=cast.admin))
    path = reverse("export_file", args=["firm", export.id])
    codes = {who: signed_in(getattr(cast, who)).get(path).status_code for who in ("owner", "editor", "outsider")}
    assert codes == {"owner": 404, "editor": 403, "outsider": 404}


def test_nor_who_may_no_more(cast, firm, queued):
    client = signed_in(cast.admin)
    client.post(PATH)
    exporting.export_write(*queued[0])
    export = exporting.export_of(Member.objects.get(workspace=cast.workspace, user=cast.admin))
    policy_change(cast.workspace, export_role=Role.OWNER)
    assert client.get(reverse("export_file", args=["firm", export.id])).status_code == 403
    assert client.post(PATH).status_code == 403
    assert "Not for your role" in words(client.get(PATH))


def test_who_is_out_when_it_is_written_gets_none(cast, firm, queued):
    signed_in(cast.admin).post(PATH)
    Member.objects.filter(user=cast.admin).delete()
    exporting.export_write(*queued[0])
    assert exporting._load(cast.workspace.pk, cast.admin.pk).status == "failed"
    assert list(exporting._root().glob("*/*.zip")) == []


def test_a_killed_worker_begins_anew(cast, firm, queued, monkeypatch):
    signed_in(cast.admin).post(PATH)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(exporting, "_pack", die)
        with pytest.raises(KeyboardInterrupt):
            exporting.export_write(*queued[0])
    exporting.export_write(*queued[0])
    export = exporting.export_of(Member.objects.get(workspace=cast.workspace, user=cast.admin))
    assert (export.status, export.documents) == ("ready", 1)
    exporting.export_write(*queued[0])  # once more changes nothing
    assert [path.suffix for path in export.path.parent.iterdir()] == [".zip"]


def test_a_closed_folder_is_written_for_who_sees_it(cast, firm, tmp_path):
    folder = folder_create(workspace=cast.workspace, name="Closed")
    Document.objects.filter(pk=firm.pk).update(folder=folder)
    folder_restrict(folder, restricted=True)
    for who, documents in (("admin", 1), ("editor", 0)):
        member = member_or_404(getattr(cast, who), "firm")
        done = exporting.workspace_export(cast.workspace, tmp_path / who, member=member)
        assert (done.documents, (tmp_path / who / "audit.csv").exists()) == (documents, documents == 1)


def test_archives_go_after_a_day_and_with_their_workspace(cast, firm, queued, settings):
    signed_in(cast.admin).post(PATH)
    exporting.export_write(*queued[0])
    export = exporting.export_of(Member.objects.get(workspace=cast.workspace, user=cast.admin))
    exporting.tidy_exports()
    assert export.ready
    yesterday = time.time() - 25 * 3600
    os.utime(export.path, (yesterday, yesterday))
    exporting.tidy_exports()
    assert not export.ready
    signed_in(cast.owner).post(PATH)
    exporting.export_write(*queued[1])
    workspace_delete(cast.workspace)
    tasks.clear_workspace(cast.workspace.pk)
    assert list(exporting._root().glob("*")) == []
