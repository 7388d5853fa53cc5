"""Snapshots as reading in leaves them, with symbols and uses that the tests write down themselves."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import numpy as np
from django.utils import timezone

from analysis.models import (
    Disposition,
    Document,
    DocumentVersion,
    Import,
    Repository,
    Snapshot,
    SnapshotFile,
    Symbol,
    SymbolUse,
    VersionText,
)
from analysis.repository.lines import line_table, pack_lines
from tests.conftest import Cast

SYNTAXES = {".py": "python", ".ts": "typescript", ".go": "go", ".java": "java", ".rs": "rust", ".md": "", ".txt": ""}


def make_rows(cast: Cast, files: Mapping[str, str], *, repository: Repository | None = None) -> Snapshot:
    """Return a snapshot of `files` that is ready: no chunks, no vectors, no symbols but those added later."""
    repository = repository or Repository.objects.create(workspace=cast.workspace, name="sample", added_by=cast.owner)
    snapshot = Snapshot.objects.create(
        repository=repository,
        number=repository.snapshots.count() + 1,
        origin="archive",
        status="ready",
        symbols_at=timezone.now(),
        ready_at=timezone.now(),
        vectors_at=timezone.now(),
    )
    for path, text in files.items():
        add_file(snapshot, path, text)
    repository.snapshot = snapshot
    repository.save()
    return snapshot


def add_file(snapshot: Snapshot, path: str, text: str) -> DocumentVersion:
    """Return the version of a file that is read; the one that is there when the bytes are the same."""
    repository = snapshot.repository
    document, _ = Document.objects.get_or_create(
        workspace=repository.workspace, repository=repository, path=path, defaults={"name": path}
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    version = DocumentVersion.objects.filter(document=document, sha256=digest).first()
    table = line_table(text)
    syntax = SYNTAXES.get(path[path.rfind(".") :], "")
    if version is None:
        version = DocumentVersion.objects.create(
            document=document,
            number=document.versions.count() + 1,
            sha256=digest,
            size_bytes=len(text.encode()),
            characters=len(text),
            line_count=table.count,
            tokens=len(text) // 4,
            syntax=syntax,
            status="ready",
        )
        VersionText.objects.create(version=version, text=text, line_starts=pack_lines(table))
    Document.objects.filter(pk=document.pk).update(version=version)
    SnapshotFile.objects.create(
        snapshot=snapshot,
        path=path,
        disposition=Disposition.READ,
        size_bytes=version.size_bytes,
        line_count=version.line_count,
        digest=digest,
        syntax=syntax,
        document=document,
        version=version,
    )
    return version


def version_at(snapshot: Snapshot, path: str) -> DocumentVersion:
    """Return the version of the file in the snapshot."""
    return snapshot.files.get(path=path).version


def add_symbols(version: DocumentVersion, *names: str) -> None:
    """Add Python symbols by their paths; each ends where the next begins that does not stand in it."""
    text = version.read_text()
    found = []
    for path in names:
        name = path.rpartition(".")[2]
        outer = next(
            (each for each in found if path.startswith(f"{each[0]}.") and "." not in path[len(each[0]) + 1 :]), None
        )
        after = outer[1] if outer else 0
        start = re.compile(rf"^[ \t]*(?:def|class) {name}\b", re.MULTILINE).search(text, after).start()
        found.append((path, start, outer))
    for ordinal, (path, start, outer) in enumerate(found):
        inside = [each for each in found[ordinal + 1 :] if not each[0].startswith(f"{path}.")]
        end = inside[0][1] if inside else len(text)
        name_start = text.index(path.rpartition(".")[2], start)
        line = text[start : text.find("\n", start)].strip()
        doc = re.compile(r"\s*\"\"\".*?\"\"\"", re.DOTALL).match(text, text.find("\n", start))
        quotes = doc and (text.index('"""', doc.start()), doc.end())
        Symbol.objects.create(
            version=version,
            ordinal=ordinal,
            parent=found.index(outer) if outer else None,
            kind="class" if line.startswith("class") else "method" if outer else "function",
            name=path.rpartition(".")[2],
            path=path,
            signature=line.rstrip(":"),
            start_char=start,
            end_char=end,
            name_start_char=name_start,
            name_end_char=name_start + len(path.rpartition(".")[2]),
            doc_start_char=quotes[0] if quotes else None,
            doc_end_char=quotes[1] if quotes else None,
        )


def add_uses(version: DocumentVersion, name: str) -> None:
    """Add every place of the name but its definitions."""
    text = version.read_text()
    places = [found.start() for found in re.finditer(rf"(?<!def )(?<!class )\b{name}\b", text)]
    if places:
        SymbolUse.objects.create(version=version, name=name, places=np.array(places, "<u4").tobytes())


def add_imports(version: DocumentVersion, *imports: tuple[str, tuple[str, ...]]) -> None:
    """Add imports as they are written; their places do not matter here."""
    for ordinal, (module, names) in enumerate(imports):
        Import.objects.create(
            version=version, ordinal=ordinal, module=module, names=list(names), start_char=0, end_char=1
        )
