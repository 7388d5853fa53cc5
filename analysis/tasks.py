"""Celery entry points: load, call a recipe, return. Arguments are ids only."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="analysis.tasks.ingest_version")
def ingest_version(version_id: int) -> None:
    """Read one document version in, as far as it is not read in already."""
    from analysis.ingest.run import ingest

    ingest(version_id)


@shared_task(name="analysis.tasks.ingest_snapshot")
def ingest_snapshot(snapshot_id: int) -> None:
    """Read one snapshot of a repository in, as far as it is not read in already."""
    from analysis.ingest.repository import ingest_snapshot

    ingest_snapshot(snapshot_id)


@shared_task(name="analysis.tasks.embed_snapshots")
def embed_snapshots() -> None:
    """Go on for a few seconds with the vectors of a repository that is searched by words alone, if there is one."""
    from analysis.ingest.repository.embedding import embed_waiting

    embed_waiting()


@shared_task(name="analysis.tasks.run_answer")
def run_answer(answer_id: str) -> None:
    """Write one answer, as far as it is not written already."""
    from analysis.answer.run import answer_run

    answer_run(answer_id)


@shared_task(name="analysis.tasks.read_parts")
def read_parts(answer_id: str) -> None:
    """Read parts of one answer's sweep beside its own run, until none is left."""
    from analysis.answer.sweep.read import read_parts

    read_parts(answer_id)


@shared_task(name="analysis.tasks.review_clauses")
def review_clauses(review_id: str) -> None:
    """Go through a document by a checklist, unless that is done already."""
    from analysis.review.run import review_run

    review_run(review_id)


@shared_task(name="analysis.tasks.read_version")
def read_version(version_id: int) -> None:
    """Have the bundled language model read one document version ahead of the first question."""
    from analysis.answer.read_once import read_ahead

    read_ahead(version_id)


@shared_task(name="analysis.tasks.reindex")
def reindex() -> None:
    """Build postings anew for a few seconds, if there are any that other code has built."""
    from analysis.ingest.reindex import reindex

    reindex()


@shared_task(name="analysis.tasks.tidy")
def tidy() -> None:
    """Delete saved readings that are too old and files that nothing names; close the rows of calls that were lost."""
    from analysis.answer import readings
    from analysis.llm import ledger

    readings.tidy()
    ledger.close_lost()


@shared_task(name="analysis.tasks.requeue_expired")
def requeue_expired() -> None:
    """Send to a worker again what a dead worker or a lost message has left behind."""
    from analysis.answer import run as answers
    from analysis.ingest import run as versions
    from analysis.ingest.repository import run as snapshots
    from analysis.review import run as reviews

    versions.requeue_expired()
    snapshots.requeue_expired()
    answers.requeue_expired()
    reviews.requeue_expired()


@shared_task(name="analysis.tasks.reembed")
def reembed() -> None:
    """Go on for a few seconds with the vectors of a changed embedding model, if there are any to make."""
    from analysis.ingest.reembed import reembed

    reembed()


@shared_task(name="analysis.tasks.understand_again")
def understand_again() -> None:
    """Understand documents anew for a few seconds, if there are any that other code has understood."""
    from analysis.ingest.understand_again import understand_again

    understand_again()


@shared_task(name="analysis.tasks.render_pages")
def render_pages(version_id: int) -> None:
    """Draw a version's page images ahead of need; whatever is there already stays."""
    from analysis.ingest.render import draw_all
    from analysis.models import DocumentVersion

    version = DocumentVersion.objects.filter(pk=version_id).first()
    if version:
        draw_all(version)


@shared_task(name="analysis.tasks.fetch_tokenizer")
def fetch_tokenizer(llm_id: str) -> None:
    """Get a language model's own tokenizer, so that its tokens are counted and not estimated."""
    from analysis.llm.registry import llm_get
    from analysis.llm.tokenizers import fetch

    fetch(llm_get(llm_id))
