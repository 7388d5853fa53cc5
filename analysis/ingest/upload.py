"""Documents come in, are renamed, tried again and go: the first stage of ingest, and the writes that people make."""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from analysis import progress
from analysis.answer.forget import questions_delete
from analysis.answer.readings import forget as forget_readings
from analysis.errors import UserError
from analysis.ingest.accepted import DOCUMENT_ENDINGS, kinds_read, require_audio_llm
from analysis.ingest.parse.messages import unread_picture
from analysis.ingest.parse.signatures import PICTURE, RECORDING, media_kind
from analysis.ingest.render import pages_folder
from analysis.models import ClauseReview, Document, DocumentVersion, IngestStatus, Question, Reading
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.models import Folder, Member, User, Workspace
from workspaces.policy import require_of
from workspaces.sight import in_sight, require_folder_for

logger = logging.getLogger(__name__)

NAME_MAX_CHARACTERS = 255
ENDING_MAX_CHARACTERS = 20
# The parsers decide by content what a file is; endings only let a file past the door that is not plainly readable.
READABLE_ENDINGS = frozenset(DOCUMENT_ENDINGS)
_SNIFF_BYTES = 8192
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_OLE = b"\xd0\xcf\x11\xe0"
# Explicit directions of writing: they can make "fdp.exe" look like "exe.pdf".
_DIRECTION_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Uploaded:
    """A document in a workspace. duplicate: the same bytes were there already; nothing was stored."""

    document: Document
    duplicate: bool


def document_upload(
    *,
    workspace: Workspace,
    user: User | None,
    name: str,
    file: File[bytes],
    folder: Folder | None = None,
    enqueue: bool = True,
) -> Uploaded:
    """Return the new document, waiting to be read in, or the one that holds the same bytes already and the person sees.

    folder: where it comes to lie, None for the top, which guests do not see. enqueue: send it to a worker; whoever does
    not reads it in where it stands. Raises UserError: bad_name, no_folder, empty_file (422), too_large (413),
    unsupported_type (415), upload_cut_off (422); PermissionDenied where the workspace's policy does not let the person
    upload.
    """
    require_of(user, workspace, "upload")
    require_room(user, workspace, folder)
    name = clean_name(name)
    sha256, size_bytes = measured(file)
    _refuse_unreadable(name, file)
    document = Document(workspace=workspace, name=name, uploaded_by=user, folder=folder)
    known = _same_bytes(document, sha256)
    if known:
        return Uploaded(known, duplicate=True)
    version = DocumentVersion(document=document, sha256=sha256, size_bytes=size_bytes)
    version.file.save(name, file, save=False)
    return _recorded(document, version, enqueue)


@transaction.atomic
def document_retry(document: Document, *, password: str | None = None) -> None:
    """Send a failed version to be read in again, with `password` if one is given.

    Raises UserError not_failed (409) when there is nothing to try again.
    """
    changes = {} if password is None else {"password": password}
    again = DocumentVersion.objects.filter(pk=document.version_id or 0, status=IngestStatus.FAILED).update(
        status=IngestStatus.QUEUED,
        stage="",
        stage_done=0,
        stage_total=0,
        attempts=0,
        error_code="",
        error_message="",
        **changes,
    )
    if not again:
        raise UserError(
            gettext("This document has not failed: there is nothing to try again."), code="not_failed", status=409
        )
    record(Action.DOCUMENT_RETRIED, document, workspace=document.workspace)
    on_commit(partial(_enqueue, document.version_id))
    on_commit(partial(progress.announce_document, document.workspace_id, document.pk))


def document_delete(document: Document) -> None:
    """Remove the document: its rows, original, page images, kept readings, and the questions put to it alone.

    Raises UserError in_repository (409).
    """
    _refuse_file_of_repository(document)
    workspace_id, document_id = document.workspace_id, document.pk
    with transaction.atomic():
        # Held first: a worker that is writing chunks waits for the row and then finds it gone.
        versions = list(document.versions.select_for_update())
        record(Action.DOCUMENT_DELETED, document, workspace=document.workspace)
        questions_delete(_put_to_it_alone(document))
        forget_readings(Reading.objects.filter(version__in=versions))
        reviews = list(ClauseReview.objects.filter(version__in=versions).values_list("pk", flat=True))
        document.delete()
        for version in versions:
            on_commit(partial(_delete_files, version))
        for review_id in reviews:
            on_commit(partial(progress.forget, progress.review_stream(review_id)))
        on_commit(partial(progress.announce_document, workspace_id, document_id))


@transaction.atomic
def document_rename(document: Document, name: str) -> None:
    """Give the document another name; raises UserError bad_name, in_repository (409)."""
    _refuse_file_of_repository(document)
    before, document.name = document.name, clean_name(name)
    document.save(update_fields=["name"])
    record(Action.DOCUMENT_RENAMED, document, workspace=document.workspace, before=before)
    on_commit(partial(progress.announce_document, document.workspace_id, document.pk))


def _refuse_file_of_repository(document: Document) -> None:
    if document.repository_id is not None:
        message = gettext(
            "This file is part of a repository: it changes and goes with that, or is left out by a rule of it."
        )
        raise UserError(message, code="in_repository", status=409)


def clean_name(name: str) -> str:
    """Return the file's own name: no folders, no control characters, at most 255 characters with its ending kept.

    Raises UserError bad_name when nothing is left.
    """
    base = _DIRECTION_MARKS.sub("", re.split(r"[/\\]", name)[-1])
    base = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in base)
    base = " ".join(unicodedata.normalize("NFC", base.encode("utf-8", "ignore").decode()).split())
    if not base.strip(". "):
        raise UserError(gettext("The file needs a name."), code="bad_name")
    if len(base) <= NAME_MAX_CHARACTERS:
        return base
    ending = PurePath(base).suffix if len(PurePath(base).suffix) <= ENDING_MAX_CHARACTERS else ""
    return base[: NAME_MAX_CHARACTERS - len(ending)].rstrip() + ending


def measured(file: File[bytes]) -> tuple[str, int]:
    """Return (SHA-256, size in bytes), reading the file piece by piece; its size is checked on the way."""
    limit = settings.UPLOAD_MAX_BYTES
    declared = file.size
    if declared > limit:
        raise _too_large(limit)
    digest, size_bytes = hashlib.sha256(), 0
    for piece in file.chunks():
        digest.update(piece)
        size_bytes += len(piece)
        if size_bytes > limit:
            raise _too_large(limit)
    if size_bytes < declared:
        raise UserError(
            gettext("The upload was cut off before its end. Please send the file again."), code="upload_cut_off"
        )
    if size_bytes == 0:
        raise UserError(gettext("The file is empty."), code="empty_file")
    file.seek(0)
    return digest.hexdigest(), size_bytes


def _too_large(limit: int) -> UserError:
    return UserError(
        gettext("The file is larger than %(mib)s MiB.") % {"mib": limit // 2**20},
        code="too_large",
        status=413,
    )


def _refuse_unreadable(name: str, file: File[bytes]) -> None:
    head = file.read(_SNIFF_BYTES)
    file.seek(0)
    ending = PurePath(name).suffix.lower()
    if head.startswith(_OLE) and ending not in READABLE_ENDINGS:
        message = gettext("Lectern cannot read files of old Office versions. Save it as .docx or PDF and upload that.")
        raise UserError(message, code="unsupported_type", status=415)
    if media := media_kind(head):
        _refuse_media(media)
        return
    text_like = b"\0" not in head or head.startswith(_UTF16_MARKS)
    if not (ending in READABLE_ENDINGS or text_like or head.lstrip().startswith(b"%PDF-")):
        message = gettext("Lectern cannot read %(kind)s files. It reads %(kinds)s.") % {
            "kind": ending or gettext("this kind of"),
            "kinds": kinds_read(),
        }
        raise UserError(message, code="unsupported_type", status=415)


def _refuse_media(media: str) -> None:
    """Raise UserError for a picture or recording that cannot be read here. media: as `media_kind` tells it."""
    if media == RECORDING:
        require_audio_llm()
    elif media != PICTURE:
        raise unread_picture(media)


def require_room(user: User | None, workspace: Workspace, folder: Folder | None) -> None:
    """Return when the person sees what they put into the folder; raises UserError no_folder."""
    member = Member.objects.filter(user=user, workspace=workspace).first() if user else None
    if member is not None:
        require_folder_for(member, folder)


def _same_bytes(document: Document, sha256: str) -> Document | None:
    """Return the document of the workspace with these bytes, if there is one that who uploads this one sees."""
    same = Document.objects.filter(workspace=document.workspace, repository=None, version__sha256=sha256)
    member = Member.objects.filter(workspace=document.workspace, user=document.uploaded_by).first()
    if member is not None:
        same = same.filter(in_sight(member))
    return same.select_related("version").first()


def _recorded(document: Document, version: DocumentVersion, enqueue: bool) -> Uploaded:
    """Write both rows and return what stands in the workspace afterwards; the stored file goes if they do not."""
    storage, stored_name = version.file.storage, str(version.file.name)
    try:
        with transaction.atomic():
            # Two uploads of the same bytes at once: the second waits here, then finds the first.
            Workspace.objects.select_for_update(no_key=True).get(pk=document.workspace_id)
            known = _same_bytes(document, version.sha256)
            if known is None:
                _insert(document, version)
                record(Action.DOCUMENT_UPLOADED, document, workspace=document.workspace, by=document.uploaded_by)
                if enqueue:
                    _send(document, version)
    except BaseException:
        storage.delete(stored_name)
        raise
    if known is not None:
        storage.delete(stored_name)
        return Uploaded(known, duplicate=True)
    return Uploaded(document, duplicate=False)


def _insert(document: Document, version: DocumentVersion) -> None:
    document.save(force_insert=True)
    version.save(force_insert=True)
    document.version = version
    document.save(update_fields=["version"])


def _send(document: Document, version: DocumentVersion) -> None:
    on_commit(partial(_enqueue, version.pk))
    on_commit(partial(progress.announce_document, document.workspace_id, document.pk))


def _enqueue(version_id: int | None) -> None:
    from analysis.tasks import ingest_version

    ingest_version.delay(version_id)


def on_commit(action: Callable[[], object]) -> None:
    """Do what follows on a write once it stands; a failure is logged, and the write stays."""
    # Robust: a broker that is down is logged, not shown; the beat sends versions that nobody took.
    # Not `action` itself: Django logs a robust callback that fails by its __qualname__, which a partial has not.
    transaction.on_commit(lambda: action(), robust=True)  # noqa: PLW0108


def _put_to_it_alone(document: Document) -> QuerySet[Question]:
    """Return the questions put to this document and nothing else."""
    others = Question.documents.through.objects.exclude(document_id=document.pk).values("question_id")
    alone = Question.objects.filter(documents=document, repositories=None, folders=None, across_workspace=False)
    return alone.exclude(pk__in=others)


def _delete_files(version: DocumentVersion) -> None:
    if version.file:
        version.file.storage.delete(str(version.file.name))
    shutil.rmtree(pages_folder(version), ignore_errors=True)
