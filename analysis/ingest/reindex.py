"""Postings of documents that other code has indexed, built again from the text that is kept; nothing is embedded.

A document is searched as it was until its rows are replaced, which one transaction does.
"""

from __future__ import annotations

import logging
import time

from django.db import transaction
from django.db.models import Q

from analysis.ingest import index
from analysis.ingest.understand import UNDERSTANDING_VERSION
from analysis.lexical import ANALYZER_VERSION
from analysis.models import Chunk, DocumentVersion, IngestStatus
from analysis.types import ChunkSpan

logger = logging.getLogger(__name__)

SLICE_SECONDS = 10

# What is to be understood anew first comes here afterwards: postings hold what a document calls itself.
_STALE = Q(lexicon=None) | ~Q(lexicon__analyzer_version=ANALYZER_VERSION)
# Files of repositories are not understood at all.
_UNDERSTOOD = Q(understanding_version=UNDERSTANDING_VERSION) | ~Q(document__repository=None)


def reindex() -> int:
    """Index documents again for some seconds; return how many. The newest come first."""
    started, done = time.monotonic(), 0
    stale = DocumentVersion.objects.filter(_STALE, _UNDERSTOOD, status=IngestStatus.READY).order_by("-pk")
    for pk in stale.values_list("pk", flat=True):
        if time.monotonic() - started > SLICE_SECONDS:
            break
        try:
            done += _reindexed(pk)
        except Exception:  # a document that fails keeps no other one waiting
            logger.exception("Version %s could not be indexed again", pk)
    return done


def _reindexed(version_id: int) -> bool:
    """Index one version again unless another worker has it, or it is read in anew or gone meanwhile."""
    with transaction.atomic():
        held = DocumentVersion.objects.select_for_update(skip_locked=True)
        version = held.filter(pk=version_id, status=IngestStatus.READY).first()
        if version is None:
            return False
        index.write_postings(version, version.read_text(), spans_of(version))
        return True


def spans_of(version: DocumentVersion) -> list[ChunkSpan]:
    """Return the version's chunks, in order."""
    columns = ("ordinal", "start_char", "end_char", "heading_path", "token_count")
    return [ChunkSpan(**row) for row in Chunk.objects.filter(version=version).order_by("ordinal").values(*columns)]
