"""Documents that are ready already, understood again in the background when that code has changed."""

from __future__ import annotations

import logging
import time

from django.db import transaction

from analysis.ingest import index
from analysis.ingest.run import stored_headings
from analysis.ingest.understand import UNDERSTANDING_VERSION, understand
from analysis.models import DocumentVersion, IngestStatus

logger = logging.getLogger(__name__)

SLICE_SECONDS = 10


def understand_again(*, seconds: float = SLICE_SECONDS) -> int:
    """Understand ready versions that other code has understood, for about `seconds`; return how many.

    Each in a transaction of its own that holds its row; one that another worker holds is passed over.
    """
    deadline, done = time.monotonic() + seconds, 0
    while _next_is_done():
        done += 1
        if time.monotonic() >= deadline:
            break
    return done


def _next_is_done() -> bool:
    with transaction.atomic():
        stale = DocumentVersion.objects.exclude(understanding_version=UNDERSTANDING_VERSION)
        # Files of repositories name no parties and define no terms.
        stale = stale.filter(document__repository=None)
        held = stale.filter(status=IngestStatus.READY).select_for_update(skip_locked=True, no_key=True, of=("self",))
        version = held.order_by("pk").first()
        if version is None:
            return False
        _understand(version)
    return True


def _understand(version: DocumentVersion) -> None:
    """Write the version's facts anew. One that fails keeps what it had, and is not tried again by this code."""
    try:
        with transaction.atomic():
            index.write_understanding(version, understand(version.read_text(), stored_headings(version)))
    except Exception:
        logger.exception("Version %s could not be understood again", version.pk)
        DocumentVersion.objects.filter(pk=version.pk).update(understanding_version=UNDERSTANDING_VERSION)
