"""Celery entry points: load, call a recipe, return. Arguments are ids only."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="analysis.tasks.ingest_version")
def ingest_version(version_id: int) -> None:
    """Read one document version in, as far as it is not read in already."""
    from analysis.ingest.run import ingest

    ingest(version_id)


@shared_task(name="analysis.tasks.requeue_expired")
def requeue_expired() -> None:
    """Send to a worker again what a dead worker or a lost message has left behind."""
    from analysis.answer import run as answers
    from analysis.ingest import run as versions

    versions.requeue_expired()
    answers.requeue_expired()
