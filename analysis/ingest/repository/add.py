"""Repositories come in, get new snapshots and other rules, are tried again and go: the writes that people make."""

from __future__ import annotations

import logging
import re
from functools import partial
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from django.core.files import File
from django.db import transaction
from django.db.models import Q, QuerySet

from analysis import progress
from analysis.answer.forget import questions_delete
from analysis.answer.readings import forget as forget_readings
from analysis.errors import UserError
from analysis.ingest.repository import messages
from analysis.ingest.repository.addresses import checked_ref, checked_url
from analysis.ingest.unpack.entries import looks_like_archive
from analysis.ingest.unpack.messages import UNSUPPORTED
from analysis.ingest.unpack.rules import Rules
from analysis.ingest.upload import clean_name, measured, on_commit, require_room
from analysis.models import (
    Document,
    DocumentVersion,
    IngestStatus,
    Origin,
    Question,
    Reading,
    Repository,
    Snapshot,
)
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.models import Folder, User, Workspace
from workspaces.policy import require_of

logger = logging.getLogger(__name__)

NAME_MAX_CHARACTERS = 200
CREDENTIAL_MAX_CHARACTERS = 1000
_ARCHIVE_ENDING = re.compile(r"(\.zip|\.tar(\.(gz|bz2|xz))?|\.tgz|\.tbz2?|\.txz)$", re.I)


def repository_add(
    *,
    workspace: Workspace,
    user: User | None,
    name: str = "",
    archive: File[bytes] | None = None,
    url: str = "",
    ref: str = "",
    credential: str = "",
    rules: Rules | None = None,
    origin: Origin = Origin.ARCHIVE,
    folder: Folder | None = None,
    enqueue: bool = True,
) -> Repository:
    """Return the new repository, whose first snapshot waits to be read in: from an archive, or from a git server.

    name: by default the archive's or the address's own. credential: a token for the server. origin: of an archive,
    FOLDER for one that `folder.packed` made. folder: where it comes to lie, None for the top. enqueue: send it to a
    worker; whoever does not calls `read_in`.
    Raises UserError: bad_name, no_folder, bad_url, bad_ref, bad_rules, empty_file, too_large (413), unsupported_type
    (415); PermissionDenied where the workspace's policy does not let the person upload.
    """
    if (archive is None) == (not url):
        raise UserError(messages.ONE_WAY, code="invalid")
    require_of(user, workspace, "upload")
    require_room(user, workspace, folder)
    url, ref = (checked_url(url), checked_ref(ref)) if url else ("", "")
    repository = Repository(
        workspace=workspace,
        name=_name(name or (archive.name or "" if archive else url)),
        url=url,
        ref=ref,
        credential=_checked_credential(credential) if url else "",
        rules=(rules or Rules()).as_json(),
        added_by=user,
        folder=folder,
    )
    snapshot = Snapshot(repository=repository, origin=Origin.GIT if url else origin, ref=ref, added_by=user)
    _record(snapshot, archive, enqueue=enqueue, is_new=True)
    return repository


def snapshot_add(
    *,
    repository: Repository,
    user: User | None,
    archive: File[bytes] | None = None,
    ref: str = "",
    origin: Origin = Origin.ARCHIVE,
    enqueue: bool = True,
) -> Snapshot:
    """Return a new snapshot of the repository: of what its server has at `ref` now, or of another archive.

    ref: by default the one that the repository was added with. Raises UserError as `repository_add`, and unchanged
    (409) for the archive that the newest snapshot was made from.
    """
    if archive is None and not repository.url:
        raise UserError(messages.NO_SERVER, code="invalid")
    ref = "" if archive else checked_ref(ref or repository.ref)
    snapshot = Snapshot(repository=repository, origin=origin if archive else Origin.GIT, ref=ref, added_by=user)
    _record(snapshot, archive, enqueue=enqueue)
    return snapshot


def repository_change(
    repository: Repository,
    *,
    name: str | None = None,
    url: str | None = None,
    ref: str | None = None,
    credential: str | None = None,
) -> None:
    """Change what the repository is called, and where further snapshots come from; what is None stays.

    An address on another server forgets the token unless one is given with it: a token is for the server it was given
    for. Raises UserError as `repository_add`, and invalid for the address of an uploaded repository.
    """
    if (url or ref or credential) and not repository.url:
        raise UserError(messages.NO_SERVER, code="invalid")
    before = urlsplit(repository.url)
    if name is not None:
        repository.name = _name(name)
    if url is not None:
        repository.url = checked_url(url)
    if ref is not None:
        repository.ref = checked_ref(ref)
    after = urlsplit(repository.url)
    if credential is not None or (before.scheme, before.netloc) != (after.scheme, after.netloc):
        repository.credential = _checked_credential(credential or "")
    given = {"name": name, "url": url, "ref": ref, "credential": credential}
    changed: dict[str, Any] = {field: True for field, value in given.items() if value is not None}
    with transaction.atomic():
        repository.save(update_fields=["name", "url", "ref", "credential"])
        record(Action.REPOSITORY_CHANGED, repository, workspace=repository.workspace, **changed)
        on_commit(partial(progress.announce_repository, repository.workspace_id, repository.pk))


def repository_change_rules(
    repository: Repository, rules: Rules, user: User | None, *, enqueue: bool = True
) -> Snapshot:
    """Set what is read of the repository, and return a new snapshot of the same files under the new rules."""
    newest = repository.snapshots.exclude(file="").order_by("-number").first()
    if newest is None:
        raise UserError(messages.NOTHING_YET, code="invalid", status=409)
    repository.rules = rules.as_json()
    same = ("origin", "sha256", "commit", "ref", "message", "committed_at")
    snapshot = Snapshot(
        repository=repository, file=newest.file.name, added_by=user, **{field: getattr(newest, field) for field in same}
    )
    with transaction.atomic():
        repository.save(update_fields=["rules"])
        record(Action.REPOSITORY_CHANGED, repository, workspace=repository.workspace, rules=True)
        _insert(snapshot, enqueue=enqueue)
    return snapshot


def repository_retry(repository: Repository, *, credential: str | None = None) -> None:
    """Send the newest snapshot, which has failed, to be read in again; credential: another token for the server.

    Raises UserError not_failed (409) when there is nothing to try again.
    """
    with transaction.atomic():
        newest = repository.snapshots.select_for_update().order_by("-number").first()
        if newest is None or newest.status != IngestStatus.FAILED:
            raise UserError(messages.NOT_FAILED, code="not_failed", status=409)
        if credential is not None:
            repository.credential = _checked_credential(credential)
            repository.save(update_fields=["credential"])
            record(Action.REPOSITORY_CHANGED, repository, workspace=repository.workspace, credential=True)
        fresh = {"stage": "", "stage_done": 0, "stage_total": 0, "attempts": 0, "error_code": "", "error_message": ""}
        Snapshot.objects.filter(pk=newest.pk).update(status=IngestStatus.QUEUED, **fresh)
        _send(newest)


def repository_delete(repository: Repository) -> None:
    """Remove the repository: its rows, archives, kept readings, and the questions put to it alone."""
    workspace_id, repository_id = repository.workspace_id, repository.pk
    with transaction.atomic():
        # Held first: a worker that is writing waits for its snapshot's row and then finds it gone.
        snapshots = list(repository.snapshots.select_for_update())
        questions_delete(_put_to_it_alone(repository))
        forget_readings(Reading.objects.filter(version__document__repository=repository))
        files = {(snapshot.file.storage, str(snapshot.file.name)) for snapshot in snapshots if snapshot.file}
        record(Action.REPOSITORY_DELETED, repository, workspace=repository.workspace)
        repository.delete()
        for storage, name in files:
            on_commit(partial(storage.delete, name))
        on_commit(partial(progress.announce_repository, workspace_id, repository_id))


def snapshot_delete(snapshot: Snapshot) -> None:
    """Remove a snapshot that is not the current one, with the versions of files that nothing else names.

    A version that an answer cites stays: its quote is part of the answer.
    """
    from analysis.models import CitationRow, SnapshotFile

    repository = snapshot.repository
    with transaction.atomic():
        held = Repository.objects.select_for_update(no_key=True).get(pk=repository.pk)
        if held.snapshot_id == snapshot.pk:
            raise UserError(messages.CURRENT, code="current", status=409)
        snapshot.delete()
        ours = DocumentVersion.objects.filter(document__repository=repository)
        files = SnapshotFile.objects.filter(snapshot__repository=repository).exclude(version=None)
        named = Q(pk__in=files.values("version"))
        cited = Q(pk__in=CitationRow.objects.filter(version__document__repository=repository).values("version"))
        gone = ours.exclude(named | cited)
        forget_readings(Reading.objects.filter(version__in=gone))
        gone.delete()
        Document.objects.filter(repository=repository, versions=None).delete()
        name = str(snapshot.file.name or "")
        if name and not Snapshot.objects.filter(file=name).exists():
            on_commit(partial(snapshot.file.storage.delete, name))


def _record(snapshot: Snapshot, archive: File[bytes] | None, *, enqueue: bool, is_new: bool = False) -> None:
    """Write the snapshot's row, and the repository's if it is new; the stored archive goes if they cannot be."""
    if archive is not None:
        snapshot.sha256, _ = measured(archive)
        _refuse_no_archive(archive)
        if not is_new:
            _refuse_unchanged(snapshot)
        snapshot.file.save(PurePath(archive.name or "").name, archive, save=False)
    try:
        with transaction.atomic():
            if is_new:
                snapshot.repository.save(force_insert=True)
            _insert(snapshot, enqueue=enqueue)
            _record_added(snapshot, is_new)
    except BaseException:
        if snapshot.file:
            snapshot.file.storage.delete(str(snapshot.file.name))
        raise


def _record_added(snapshot: Snapshot, is_new: bool) -> None:
    repository = snapshot.repository
    action = Action.REPOSITORY_ADDED if is_new else Action.SNAPSHOT_ADDED
    record(action, repository, workspace=repository.workspace, by=snapshot.added_by, number=snapshot.number)


def _insert(snapshot: Snapshot, *, enqueue: bool) -> None:
    """Give the snapshot its number and its row; two that come at once get one after the other."""
    Repository.objects.select_for_update(no_key=True).get(pk=snapshot.repository_id)
    newest = Snapshot.objects.filter(repository=snapshot.repository_id).order_by("-number").first()
    snapshot.number = newest.number + 1 if newest else 1
    snapshot.save(force_insert=True)
    if enqueue:
        _send(snapshot)


def _send(snapshot: Snapshot) -> None:
    from analysis.tasks import ingest_snapshot

    repository = snapshot.repository
    on_commit(partial(ingest_snapshot.delay, snapshot.pk))
    on_commit(partial(progress.announce_repository, repository.workspace_id, repository.pk))


def _refuse_no_archive(archive: File[bytes]) -> None:
    head = archive.read(512)
    archive.seek(0)
    if not looks_like_archive(head):
        raise UserError(UNSUPPORTED, code="unsupported_type", status=415)


def _refuse_unchanged(snapshot: Snapshot) -> None:
    newest = snapshot.repository.snapshots.order_by("-number").first()
    if newest and newest.sha256 == snapshot.sha256 and newest.status != IngestStatus.FAILED:
        raise UserError(messages.unchanged(newest.label), code="unchanged", status=409)


def _name(name: str) -> str:
    """Return what the repository is called: without the ending of its archive, or of its address."""
    base = clean_name(_ARCHIVE_ENDING.sub("", name.rstrip("/")).removesuffix(".git"))
    return base[:NAME_MAX_CHARACTERS].rstrip()


def _checked_credential(credential: str) -> str:
    credential = credential.strip()
    if len(credential) > CREDENTIAL_MAX_CHARACTERS or not credential.isprintable() or not credential.isascii():
        raise UserError(messages.BAD_CREDENTIAL, code="bad_credential")
    return credential


def _put_to_it_alone(repository: Repository) -> QuerySet[Question]:
    """Return the questions put to nothing but this repository or files of it."""
    other_documents = Document.objects.exclude(repository=repository)
    documents, repositories = Question.documents.through.objects, Question.repositories.through.objects
    elsewhere = Q(pk__in=documents.filter(document__in=other_documents).values("question_id")) | Q(
        pk__in=repositories.exclude(repository_id=repository.pk).values("question_id")
    )
    ours = Q(repositories=repository) | Q(documents__repository=repository)
    return Question.objects.filter(ours, folders=None, across_workspace=False).exclude(elsewhere)
