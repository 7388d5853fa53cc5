"""Documents that can be searched, made of given chunks."""

from __future__ import annotations

import re

from analysis.ingest.embed import embed_passages, encoder
from analysis.ingest.index import current_embedder, write_chunks, write_postings, write_understanding
from analysis.ingest.understand import understand
from analysis.lexical import CODE
from analysis.models import Document, DocumentVersion, Repository, Symbol, VersionText
from analysis.repository.lines import line_table, pack_lines
from analysis.types import ChunkSpan
from workspaces.models import Workspace

_DEFINITION = re.compile(r"^(?P<depth> *)(?P<kind>def|class) (?P<name>\w+)[^:\n]*", re.MULTILINE)

LAW = "This Agreement is governed by the laws of Ireland. "
FEES = "The Customer shall pay the fees within thirty days of the invoice. "
TERM = "This Agreement continues for five years from the Effective Date. "
LIABILITY = "Neither party is liable for indirect or consequential loss. "
WARRANTY = "The Supplier warrants that the Goods are free from defects for twelve months. "


def put(workspace: Workspace, name: str, *texts: str, status: str = "ready", language: str = "") -> Document:
    """Return a document whose chunks are `texts`, each of them a page."""
    document = Document.objects.create(workspace=workspace, name=name)
    version = DocumentVersion.objects.create(document=document, sha256="0", size_bytes=1, status=status)
    document.version = version
    document.save()
    spans, starts = [], [0]
    for ordinal, text in enumerate(texts):
        spans.append(ChunkSpan(ordinal, starts[-1], starts[-1] + len(text), "", len(text.split())))
        starts.append(starts[-1] + len(text))
    whole = "".join(texts)
    write_understanding(version, understand(whole))
    if language:
        DocumentVersion.objects.filter(pk=version.pk).update(language=language)
    version.refresh_from_db()
    vectors = embed_passages(list(texts), encoder())
    write_chunks(version, current_embedder(encoder()), spans, vectors, text=whole, page_starts=starts[:-1])
    write_postings(version, whole, spans)
    return document


def put_file(repository: Repository, path: str, *chunks: str, language: str = CODE, syntax: str = "python") -> Document:
    """Return a file of the repository whose chunks are `chunks`; what stands after `def` or `class` are its symbols."""
    text = "".join(chunks)
    document = Document.objects.create(
        workspace=repository.workspace, repository=repository, name=path[-255:], path=path
    )
    version = DocumentVersion.objects.create(
        document=document, sha256="0", size_bytes=len(text), status="ready", language=language, syntax=syntax,
        characters=len(text),
    )  # fmt: skip
    Document.objects.filter(pk=document.pk).update(version=version)
    document.version = version
    VersionText.objects.create(version=version, text=text, line_starts=pack_lines(line_table(text)))
    Symbol.objects.bulk_create(_symbols(version, text))
    spans, at = list[ChunkSpan](), 0
    for ordinal, chunk in enumerate(chunks):
        spans.append(ChunkSpan(ordinal, at, at + len(chunk), f"{path}{_heading(chunk)}", len(chunk.split())))
        at += len(chunk)
    vectors = embed_passages([f"{span.heading_path}\n{chunk}" for span, chunk in zip(spans, chunks, strict=True)])
    write_chunks(version, current_embedder(encoder()), spans, vectors, text=text, page_starts=[0])
    write_postings(version, text, spans)
    return document


def _heading(chunk: str) -> str:
    found = _DEFINITION.search(chunk)
    return f" > {found[0].split(maxsplit=1)[1]}" if found else ""


def _symbols(version: DocumentVersion, text: str) -> list[Symbol]:
    """Return a symbol for each definition, to where the next one at its depth or above it begins."""
    found = list(_DEFINITION.finditer(text))
    symbols, owners = list[Symbol](), dict[int, str]()
    for ordinal, match in enumerate(found):
        depth, name = len(match["depth"]), match["name"]
        owners = {d: owner for d, owner in owners.items() if d < depth} | {depth: name}
        end = next((later.start() for later in found[ordinal + 1 :] if len(later["depth"]) <= depth), len(text))
        symbols.append(
            Symbol(
                version=version,
                ordinal=ordinal,
                kind=match["kind"],
                name=name,
                path=".".join(owners.values()),
                signature=match[0].strip(),
                start_char=match.start(),
                end_char=end,
                name_start_char=match.start("name"),
                name_end_char=match.end("name"),
            )
        )
    return symbols
