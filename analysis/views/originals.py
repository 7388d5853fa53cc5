"""Originals as they were uploaded: to be saved, and of recordings to be played, from any place; tables as CSV."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header, quote_etag
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from analysis.ingest.stored_tables import table_text
from analysis.models import DocumentVersion
from analysis.tables import as_csv
from analysis.views.sse import checked
from workspaces.access import get_document_or_404, member_of, person
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.policy import require

_PIECE_BYTES = 2**18
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
# What a browser is told a recording is, by its first bytes. Nothing else is ever shown in place.
_SOUND_TYPES = {b"RIFF": "audio/wav", b"fLaC": "audio/flac", b"OggS": "audio/ogg", b"\x1aE\xdf\xa3": "audio/webm"}


@dataclass(frozen=True)
class Original:
    """A version's file. etag: quoted."""

    name: str
    kind: str
    path: Path
    etag: str


@login_required
@require_safe
async def document_original(request: HttpRequest, document_id: UUID) -> HttpResponseBase:
    """Return the file as it was uploaded, always to be saved: shown here, a hostile page would act as one of ours."""
    found = await _original(request, document_id, downloaded=True)
    response = sent(request, found, "application/octet-stream")
    response["Content-Disposition"] = content_disposition_header(True, found.name) or "attachment"
    return response


@login_required
@require_safe
def document_table(request: HttpRequest, document_id: UUID, number: int) -> HttpResponse:
    """Return a table as CSV, to be saved."""
    document = get_document_or_404(person(request), document_id)
    if document.version is None or number > 2**31 - 1:
        raise Http404
    table = table_text(get_object_or_404(document.version.tables, ordinal=number - 1))
    response = HttpResponse(as_csv(table), content_type="text/csv; charset=utf-8")
    name = gettext("%(name)s table %(number)s.csv") % {"name": document.name, "number": number}
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


@login_required
@require_safe
async def recording(request: HttpRequest, document_id: UUID) -> HttpResponseBase:
    """Return a recording to be played; 404 for any other document."""
    found = await _original(request, document_id)
    if found.kind != "recording":
        raise Http404
    response = sent(request, found, await asyncio.to_thread(_sound_type, found.path))
    response["Cache-Control"] = "private, no-cache"  # kept, but asked for again: access may have ended
    return response


async def _original(request: HttpRequest, document_id: UUID, *, downloaded: bool = False) -> Original:
    def find_file() -> Original:
        found = get_document_or_404(person(request), document_id)
        version = found.version
        if version is None or not version.file:
            raise Http404
        if downloaded:
            require(member_of(person(request), found.workspace), "export")
            record(Action.DOCUMENT_DOWNLOADED, found, workspace=found.workspace)
        return Original(found.name, version.kind, Path(version.file.path), quote_etag(_tag(version)))

    return await checked(find_file)()


def _tag(version: DocumentVersion) -> str:
    return f"{version.pk}-{version.sha256[:16]}"


def _sound_type(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(16)
    if head[4:8] == b"ftyp":
        return "audio/mp4"
    is_aac = head[:1] == b"\xff" and head[1] in b"\xf0\xf1\xf8\xf9"
    return _SOUND_TYPES.get(head[:4], "audio/aac" if is_aac else "audio/mpeg")


def sent(request: HttpRequest, original: Original, content_type: str) -> HttpResponseBase:
    """Return the file, or the one range of it that is asked for (RFC 9110, 14); several at once are not parted."""
    size = original.path.stat().st_size
    asked = _range(request, original.etag, size)
    if asked is not None and not asked:
        response: HttpResponseBase = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{size}"
        return response
    start, stop = (asked.start, asked.stop) if asked else (0, size)
    response = StreamingHttpResponse(
        _pieces(original.path, start, stop), status=206 if asked else 200, content_type=content_type
    )
    response["Content-Length"] = str(stop - start)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = original.etag
    if asked:
        response["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return response


def _range(request: HttpRequest, etag: str, size: int) -> range | None:
    """Return the bytes that are asked for: None for all of them, an empty range for some that there are not."""
    match = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if match is None or request.headers.get("If-Range", etag) != etag:
        return None
    first, last = match.groups()
    if not first:
        return range(max(0, size - int(last)), size) if last else None
    if last and int(last) < int(first):
        return None
    return range(int(first), min(size, int(last) + 1 if last else size))


async def _pieces(path: Path, start: int, stop: int) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        file.seek(start)
        while start < stop and (piece := await asyncio.to_thread(file.read, min(_PIECE_BYTES, stop - start))):
            start += len(piece)
            yield piece
