"""The passages of a snapshot's new versions to postings: by words they can be searched then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import Count, QuerySet
from django.utils import timezone

from analysis.ingest import index
from analysis.ingest.embedders import serving
from analysis.ingest.reindex import spans_of
from analysis.ingest.repository.embedding import lend
from analysis.ingest.repository.run import Run
from analysis.ingest.run import tokens_of
from analysis.models import DocumentVersion, IngestStatus

# Together in one transaction, which a worker that dies repeats.
GROUP_CHUNKS = 512


def index_words(run: Run) -> None:
    """Make every version of the snapshot ready: each word with its places, and the vectors that others can lend."""
    versions = _unfinished(run)
    total = run.files.exclude(version=None).count()
    done = total - versions.count()
    run.report("index", done, total)
    embedder = serving()
    for group in _groups(versions):
        if embedder:
            lend(group, embedder)
        _index(run, group)
        done += len(group)
        run.report("index", done, total)


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


def _index(run: Run, group: Sequence[DocumentVersion]) -> None:
    """Write the postings of the group, and let its versions be ready."""
    with run.timed("index"), run.writing():
        for version in group:
            text = version.read_text()
            index.write_postings(version, text, spans_of(version))
            version.tokens, exact = tokens_of(version, text)
            version.metadata |= {"tokens_exact": exact}
            version.status, version.ready_at = IngestStatus.READY, timezone.now()
        DocumentVersion.objects.bulk_update(group, ["tokens", "metadata", "status", "ready_at"])
