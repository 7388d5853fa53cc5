"""Search speed: milliseconds a query over a workspace of many chunks, in this process."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from django.db import connection

from analysis.answer.retrieve import retrieve
from analysis.benchmarks import Report, scratch_workspace
from analysis.benchmarks.contract import paragraphs
from analysis.ingest.embed import embed_passages, embed_query, encoder, unit_length
from analysis.ingest.index import current_embedder, write_chunks, write_postings
from analysis.models import Document, DocumentVersion, IngestStatus
from analysis.types import ChunkSpan
from workspaces.models import Workspace

CHUNKS_A_DOCUMENT = 200
EMBEDDED = 400
QUERIES = (
    "Which law governs this agreement?",
    "termination for material breach",
    "How long must Confidential Information be kept secret?",
    "insurance",
    "What is the cap on the liability of the Supplier?",
    "Which law governs contract 17?",
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--chunks", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=100)


def run(*, chunks: int, queries: int, **_: Any) -> Report:
    """Fill a workspace, then search all of it and one document of it, after one query of each to warm up."""
    report = Report(("scope", "chunks", "first ms", "p50 ms", "p95 ms"))
    with scratch_workspace() as workspace:
        started = time.perf_counter()
        fill(workspace, chunks)
        report.notes.append(f"Indexing took {time.perf_counter() - started:.1f} s.")
        report.notes.append(f"Vectors are {EMBEDDED} real ones with noise: speed does not depend on what they mean.")
        everything = Document.objects.filter(workspace=workspace)
        first = everything.order_by("name").values("pk")[:1]
        _add_row(report, "workspace", everything, chunks, queries)
        _add_row(report, "one document", everything.filter(pk__in=first), min(chunks, CHUNKS_A_DOCUMENT), queries)
    _add_row(report, "embedding of the query alone", None, 0, queries)
    return report


def fill(workspace: Workspace, chunks: int) -> None:
    """Write documents with `chunks` chunks altogether."""
    rng = np.random.default_rng(1)
    texts = list(islice(paragraphs(), EMBEDDED))
    vectors, embedder = embed_passages(texts), current_embedder(encoder())
    for number, count in enumerate(_counts(chunks)):
        chosen = rng.integers(0, len(texts), count)
        noise = rng.normal(0, 0.02, (count, vectors.shape[1]))
        document = Document.objects.create(workspace=workspace, name=f"contract {number}.pdf")
        version = DocumentVersion.objects.create(document=document, sha256="", size_bytes=0, status=IngestStatus.READY)
        Document.objects.filter(pk=document.pk).update(version=version)
        spans, text = _spans([texts[i] for i in chosen])
        near = unit_length((vectors[chosen] + noise).astype(np.float32))
        write_chunks(version, embedder, spans, near, text=text, page_starts=[0])
        write_postings(version, text, spans)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")  # as the database does by itself soon after documents have come in


def _counts(chunks: int) -> Iterator[int]:
    while chunks > 0:
        yield min(chunks, CHUNKS_A_DOCUMENT)
        chunks -= CHUNKS_A_DOCUMENT


def _spans(texts: list[str]) -> tuple[list[ChunkSpan], str]:
    ends = np.cumsum([0, *(len(text) for text in texts)])
    return [ChunkSpan(n, int(ends[n]), int(ends[n + 1]), "", 0) for n in range(len(texts))], "".join(texts)


def _add_row(report: Report, scope: str, documents: Any, chunks: int, queries: int) -> None:
    milliseconds = []
    for n in range(queries + 1):
        # No two queries are the same, by a word that no document has: a bare number would name "contract 17".
        query = f"{QUERIES[n % len(QUERIES)]} zq{n}"
        started = time.perf_counter()
        if documents is None:
            embed_query(query)
        else:
            retrieve(query, documents=documents, limit=20)
        milliseconds.append((time.perf_counter() - started) * 1000)
    p50, p95 = np.percentile(milliseconds[1:], [50, 95])
    row = [scope, chunks, *(round(float(x), 1) for x in (milliseconds[0], p50, p95))]
    report.rows.append(row)
    report.values[scope] = dict(zip(report.columns, row, strict=True))
