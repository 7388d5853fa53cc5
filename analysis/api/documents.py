"""Documents: uploading, listing, their text and page images, deleting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile as DjangoFile
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from ninja import File, Form, Query, Router, Status, UploadedFile

from analysis.api.auth import ApiRequest
from analysis.api.chosen import chosen_folders, in_order
from analysis.api.errors import refusal
from analysis.api.responses import Limit, Offset, page_of, produces, responses
from analysis.api.schemas import DocumentOut, DocumentPage, FolderId, TextOut, UploadedOut
from analysis.errors import UserError
from analysis.ingest.render import page_image
from analysis.ingest.upload import document_delete, document_upload
from analysis.models import Document, DocumentVersion, IngestStatus
from workspaces.access import documents_for, get_document_or_404, member_or_404, searched_for
from workspaces.models import Folder, Member, Role

router = Router(tags=["Documents"])

# Where each stage starts and how much of the whole it is; about what they take on a born-digital contract.
READING = (0.0, 0.4)
STAGE_SHARES = {
    **dict.fromkeys(("parse", "ocr", "vision", "audio"), READING),
    "understand": (0.4, 0.01),
    "chunk": (0.41, 0.04),
    "embed": (0.45, 0.5),
    "index": (0.95, 0.05),
}
IMAGE_SECONDS = 3600


@router.post("/workspaces/{slug:slug}/documents", response=responses(202, list[UploadedOut], 403, 413, 415))
def upload_documents(
    request: ApiRequest,
    slug: str,
    file: Annotated[list[UploadedFile], File()],
    folder_id: Annotated[FolderId | None, Form(None)] = None,
) -> HttpResponseBase | Status[Any]:
    """Takes one file or several (repeat `file`) and starts reading them in.

    Each file is taken or refused by itself: an entry has an id, or an error that says why the file was not taken. When
    all are refused, the status and the error are those of the first. The same bytes again give the document that is
    there, with `duplicate: true`. folder_id: where they come to lie.
    """
    member = member_or_404(request.auth, slug, role=Role.EDITOR)
    folder = chosen_folders(member, [folder_id])[0] if folder_id is not None else None
    outcomes = [_taken(member, piece, folder) for piece in file]
    refused = [outcome for outcome in outcomes if isinstance(outcome, UserError)]
    if len(refused) == len(outcomes):
        return refusal(refused[0].status, refused[0].code, refused[0].message)
    return Status(202, [_outcome(piece, outcome) for piece, outcome in zip(file, outcomes, strict=True)])


def _taken(member: Member, file: DjangoFile[Any], folder: Folder | None) -> dict[str, Any] | UserError:
    try:
        uploaded = document_upload(
            workspace=member.workspace, user=member.user, name=file.name or "", file=file, folder=folder
        )
    except UserError as error:
        return error
    document = uploaded.document
    status = document.version.status if document.version else IngestStatus.QUEUED
    return {"id": document.pk, "name": document.name, "status": status, "duplicate": uploaded.duplicate}


def _outcome(file: DjangoFile[Any], outcome: dict[str, Any] | UserError) -> dict[str, Any]:
    if isinstance(outcome, dict):
        return outcome
    error = {"code": outcome.code, "message": outcome.message}
    return {"name": file.name or "", "status": "refused", "error": error}


@router.get("/workspaces/{slug:slug}/documents", response=responses(200, DocumentPage))
def list_documents(request: ApiRequest, slug: str, limit: Limit = 50, offset: Offset = 0) -> dict[str, Any]:
    """The workspace's documents, newest first."""
    member = member_or_404(request.auth, slug)
    rows = documents_for(member).select_related("version", "workspace")
    return page_of(rows.defer("version__metadata", "version__password"), limit, offset, document_payload)


@router.get("/documents/{uuid:document_id}", response=responses(200, DocumentOut))
def get_document(request: ApiRequest, document_id: UUID) -> dict[str, Any]:
    """One document: how far reading it in has come, what it holds, what to know about how it was read."""
    return document_payload(get_document_or_404(request.auth, document_id))


def document_payload(document: Document) -> dict[str, Any]:
    """Return the document as the interface states it; `version` and `workspace` should be loaded."""
    version = document.version or DocumentVersion(document=document, size_bytes=0)
    failed = version.status == IngestStatus.FAILED
    return {
        "id": document.pk,
        "name": document.name,
        "workspace": document.workspace.slug,
        "status": version.status,
        "stage": version.stage if version.status == IngestStatus.INGESTING and version.stage else None,
        "stage_done": version.stage_done,
        "stage_total": version.stage_total,
        "progress": progress_of(version),
        "kind": version.kind or None,
        "repository_id": document.repository_id,
        "path": document.path or None,
        "folder_id": document.folder_id,
        "size_bytes": version.size_bytes,
        "pages": version.page_count,
        "characters": version.characters,
        "tokens": version.tokens,
        "warnings": version.warnings,
        "error": {"code": version.error_code, "message": version.error_message} if failed else None,
        "uploaded_at": document.uploaded_at,
    }


def progress_of(version: DocumentVersion) -> float:
    """Return how much of reading the version in is done, from 0 to 1, over all stages."""
    if version.status == IngestStatus.READY:
        return 1.0
    start, share = STAGE_SHARES.get(version.stage, (0.0, 0.0))
    done = min(1.0, version.stage_done / version.stage_total) if version.stage_total else 0.0
    return round(start + share * done, 3)


@router.get("/documents/{uuid:document_id}/text", response=responses(200, TextOut, 409))
def get_text(
    request: ApiRequest,
    document_id: UUID,
    start_char: Annotated[int, Query(0, ge=0)] = 0,
    end_char: Annotated[int | None, Query(None, ge=0)] = None,
) -> dict[str, Any]:
    """The canonical text from start_char up to, not including, end_char: `text[start_char:end_char]`.

    Both are moved into the text when they lie past its end, and an end before the start gives no text; the reply states
    the offsets of what it holds. Without them: the whole text.
    """
    version = ready_version(get_document_or_404(request.auth, document_id))
    start = min(start_char, version.characters)
    end = max(start, version.characters if end_char is None else min(end_char, version.characters))
    return {"text": version.read_text(start, end), "start_char": start, "end_char": end}


def ready_version(document: Document) -> DocumentVersion:
    """Return the document's version; raises `not_ready` while it has not been read in."""
    version = document.version
    if version is None or not version.ready:
        raise UserError("This document has not been read in yet.", code="not_ready", status=409)
    return version


@router.get(
    "/documents/{uuid:document_id}/pages/{int:number}.webp",
    response=responses(200, None, 409),
    openapi_extra=produces("image/webp", "The page as an image."),
)
def get_page_image(request: ApiRequest, document_id: UUID, number: int) -> HttpResponseBase:
    """A page as an image. Formats without pages of their own (text, HTML, Word) have none: 404."""
    version = ready_version(get_document_or_404(request.auth, document_id))
    if not 1 <= number <= version.page_count:
        raise Http404
    etag = f'"{version.pk}-{version.parser_version}-{number}"'
    unchanged = get_conditional_response(request, etag=etag)
    response = unchanged or HttpResponse(page_image(version, number).read_bytes(), content_type="image/webp")
    response["ETag"] = etag
    response["Cache-Control"] = f"private, max-age={IMAGE_SECONDS}"
    return response


@router.delete("/documents/{uuid:document_id}", response=responses(204, None, 403, 409))
def delete_document(request: ApiRequest, document_id: UUID) -> Status[None]:
    """Removes the document with its text, images and original, and the questions that were put to it alone."""
    document_delete(get_document_or_404(request.auth, document_id, role=Role.EDITOR))
    return Status(204, None)


def chosen_documents(member: Member, document_ids: Iterable[UUID]) -> list[Document]:
    """Return the documents in the order asked for, each once; raises Http404 for one that is not in the workspace."""
    return in_order(searched_for(member).select_related("version"), document_ids)
