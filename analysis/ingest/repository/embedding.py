"""The passages of a snapshot's new versions: vectors, lent where the same passage has one, and postings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from analysis.ingest import index
from analysis.ingest.embed import Encoder, embed_passages
from analysis.ingest.embedders import reading_in
from analysis.ingest.reindex import spans_of
from analysis.ingest.repository.run import Run
from analysis.ingest.run import check_embedder, tokens_of
from analysis.models import Chunk, ChunkVector, DocumentVersion, Embedder, IngestStatus

# Together in one transaction, which a worker that dies repeats. The encoder sorts them by length.
GROUP_CHUNKS = 512


def embed_and_index(run: Run) -> None:
    """Make every version of the snapshot ready: each passage with its vector, each word with its places."""
    versions = _unfinished(run)
    if not versions.exists():
        return
    with run.timed("load"):
        embedder, encoder = reading_in()
    total = run.files.exclude(version=None).count()
    done = total - versions.count()
    run.report("embed", done, total)
    for group in _groups(versions):
        _lend(group, embedder)
        _embed(run, group, embedder, encoder)
        _index(run, group, embedder)
        done += len(group)
        run.report("embed", done, total)


def _unfinished(run: Run) -> QuerySet[DocumentVersion]:
    return DocumentVersion.objects.filter(snapshot_files__snapshot=run.snapshot, status=IngestStatus.INGESTING)


def _groups(versions: QuerySet[DocumentVersion]) -> Iterator[list[DocumentVersion]]:
    """Yield the versions in groups of some `GROUP_CHUNKS` passages."""
    counts = list(versions.annotate(chunk_count=Count("chunks")).order_by("pk").values_list("pk", "chunk_count"))
    group: list[int] = []
    held = 0
    for pk, chunk_count in counts:
        if group and held + chunk_count > GROUP_CHUNKS:
            yield _loaded(group)
            group, held = [], 0
        group.append(pk)
        held += chunk_count
    if group:
        yield _loaded(group)


def _loaded(ids: Sequence[int]) -> list[DocumentVersion]:
    return list(DocumentVersion.objects.filter(pk__in=ids).select_related("document").order_by("pk"))


def _lend(group: Sequence[DocumentVersion], embedder: Embedder) -> None:
    """Give passages the vectors of the same passages in the version before, or in the same file at another path."""
    loans = _loans(group)
    if not loans:
        return
    sql = f"""
        INSERT INTO {ChunkVector._meta.db_table} (chunk_id, embedder_id, version_id, embedding)
        SELECT DISTINCT ON (ours.id) ours.id, vector.embedder_id, ours.version_id, vector.embedding
        FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[]) AS loan(borrower, lender, path, old_path)
        JOIN {Chunk._meta.db_table} ours ON ours.version_id = loan.borrower
        JOIN {Chunk._meta.db_table} theirs
          ON theirs.version_id = loan.lender AND theirs.text = ours.text
          AND substr(theirs.heading_path, length(loan.old_path) + 1) = substr(ours.heading_path, length(loan.path) + 1)
        JOIN {ChunkVector._meta.db_table} vector ON vector.chunk_id = theirs.id AND vector.embedder_id = %s
        ON CONFLICT DO NOTHING
    """
    columns = [(one.pk, lender.pk, one.document.path, lender.document.path) for one, lender in loans]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*map(list, zip(*columns, strict=True)), embedder.pk])


def _loans(group: Sequence[DocumentVersion]) -> list[tuple[DocumentVersion, DocumentVersion]]:
    """Return versions with the one that most of their passages are in already: of the same bytes, or the one before."""
    same = Q(sha256__in=[version.sha256 for version in group])
    before = Q(pk__in=[version.document.version_id for version in group if version.document.version_id])
    ours = DocumentVersion.objects.filter(document__repository=group[0].document.repository_id)
    ready = ours.filter(same | before, status=IngestStatus.READY).select_related("document").order_by("-pk")
    by_bytes = {version.sha256: version for version in ready}
    by_key = {version.pk: version for version in ready}
    lenders = [(one, by_bytes.get(one.sha256) or by_key.get(one.document.version_id or 0)) for one in group]
    return [(one, lender) for one, lender in lenders if lender]


def _embed(run: Run, group: Sequence[DocumentVersion], embedder: Embedder, encoder: Encoder) -> None:
    has_vector = ChunkVector.objects.filter(chunk=OuterRef("pk"), embedder=embedder)
    lacking = Chunk.objects.filter(~Exists(has_vector), version__in=group).order_by("pk")
    chunks = list(lacking.only("version_id", "heading_path", "text"))
    languages = {version.pk: version.language for version in group}
    for at in range(0, len(chunks), GROUP_CHUNKS):
        batch = chunks[at : at + GROUP_CHUNKS]
        with run.timed("embed"):
            texts = [index.embedded_text(one.heading_path, one.text, languages[one.version_id]) for one in batch]
            vectors = embed_passages(texts, encoder)
        with run.timed("vectors"), run.writing():
            index.write_vectors(embedder, [(one.pk, one.version_id) for one in batch], vectors)


def _index(run: Run, group: Sequence[DocumentVersion], embedder: Embedder) -> None:
    """Write the postings of the group, and let its versions be ready."""
    with run.timed("index"), run.writing():
        for version in group:
            text = version.read_text()
            index.write_postings(version, text, spans_of(version))
            version.tokens, exact = tokens_of(version, text)
            version.metadata |= {"tokens_exact": exact}
            version.status, version.ready_at = IngestStatus.READY, timezone.now()
        check_embedder(embedder)
        DocumentVersion.objects.bulk_update(group, ["tokens", "metadata", "status", "ready_at"])
