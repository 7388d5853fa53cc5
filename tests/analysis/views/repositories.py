"""Repositories as they are after reading in, made without a worker."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from typing import Any

import numpy as np
from django.utils import timezone

from analysis.models import (
    Disposition,
    Document,
    DocumentVersion,
    Origin,
    Repository,
    Snapshot,
    SnapshotFile,
    Symbol,
    SymbolUse,
    VersionText,
)
from analysis.repository.lines import line_table, pack_lines
from tests.conftest import Cast

PYTHON = re.compile(r"^(?P<indent> *)(?P<kind>class|def) (?P<name>\w+)(?P<rest>.*)$", re.M)


def repository_of(cast: Cast, files: dict[str, str], **fields: Any) -> Repository:
    """Return a ready repository of one snapshot with these Python files."""
    repository = Repository.objects.create(workspace=cast.workspace, name="shop", added_by=cast.owner, **fields)
    snapshot_of(repository, files)
    return repository


def snapshot_of(
    repository: Repository, files: dict[str, str], *, unread: dict[str, Disposition] | None = None, **fields: Any
) -> Snapshot:
    """Return the next snapshot of a repository, ready and its current one; what has not changed is taken over."""
    number = repository.snapshots.count() + 1
    now = timezone.now()
    times = {"symbols_at": now, "ready_at": now, "vectors_at": now}
    given = {"origin": Origin.ARCHIVE, "status": "ready", "file_count": len(files), **times}
    snapshot = Snapshot.objects.create(repository=repository, number=number, **given | fields)
    Document.objects.filter(repository=repository).update(version=None)
    for path, text in files.items():
        version = _version(repository, path, text)
        Document.objects.filter(pk=version.document_id).update(version=version)
        SnapshotFile.objects.create(
            snapshot=snapshot,
            path=path,
            size_bytes=len(text.encode()),
            line_count=version.line_count,
            digest=version.sha256,
            syntax=version.syntax,
            document=version.document,
            version=version,
        )
    for path, disposition in (unread or {}).items():
        SnapshotFile.objects.create(snapshot=snapshot, path=path, disposition=disposition, size_bytes=10)
    Repository.objects.filter(pk=repository.pk).update(snapshot=snapshot)
    repository.refresh_from_db()
    return snapshot


def _version(repository: Repository, path: str, text: str) -> DocumentVersion:
    digest = hashlib.sha256(text.encode()).hexdigest()
    document, _ = Document.objects.get_or_create(
        repository=repository, path=path, defaults={"name": path, "workspace": repository.workspace}
    )
    known = document.versions.filter(sha256=digest).first()
    if known:
        return known
    table = line_table(text)
    version = DocumentVersion.objects.create(
        document=document,
        number=document.versions.count() + 1,
        sha256=digest,
        size_bytes=len(text.encode()),
        status="ready",
        kind="markdown" if path.endswith(".md") else "code",
        language="code",
        syntax="python" if path.endswith(".py") else "",
        characters=len(text),
        tokens=len(text.split()),
        line_count=table.count,
    )
    VersionText.objects.create(version=version, text=text, line_starts=pack_lines(table))
    _symbols(version, text)
    return version


def _symbols(version: DocumentVersion, text: str) -> None:
    """Write what a few lines of Python define and use; enough of a parser for the pages."""
    found = list(PYTHON.finditer(text)) if version.syntax == "python" else []
    outer: int | None = None
    for ordinal, match in enumerate(found):
        top = not match["indent"]
        after = next(
            (each.start() for each in found[ordinal + 1 :] if len(each["indent"]) <= len(match["indent"])), None
        )
        Symbol.objects.create(
            version=version,
            ordinal=ordinal,
            parent=None if top else outer,
            kind={"class": "class", "def": "function" if top else "method"}[match["kind"]],
            name=match["name"],
            path=match["name"] if top or outer is None else f"{found[outer]['name']}.{match['name']}",
            signature=match[0].strip(),
            start_char=match.start(),
            end_char=len(text) if after is None else after,
            name_start_char=match.start("name"),
            name_end_char=match.end("name"),
        )
        outer = ordinal if top else outer
    names = {match.start("name") for match in found}
    uses = defaultdict(list)
    for match in re.finditer(r"[A-Za-z_]\w+", text):
        if match.start() not in names:
            uses[match[0]].append(match.start())
    for name, places in uses.items():
        SymbolUse.objects.create(version=version, name=name, places=np.array(places, "<u4").tobytes())
