"""Loads the embedding model when a process starts, so that the first person to search or ask does not wait for it."""

from __future__ import annotations

import logging
import threading
from typing import Any

from celery.signals import worker_process_init, worker_ready
from django.db import connections

logger = logging.getLogger(__name__)


def warm_embedder() -> None:
    """Start loading the embedder in the background; whoever needs it meanwhile waits for the same loading."""
    threading.Thread(target=_load, name="warm-embedder", daemon=True).start()


def _load() -> None:
    from analysis.ingest.embed import embed_query
    from analysis.ingest.embedders import query_vector

    try:
        # The one that search uses, which is not the one of the setting while that is being built.
        if query_vector("warm") is None:
            embed_query("warm")
    except Exception:
        # The first real use meets the same failure and tells the person.
        logger.exception("The embedding model could not be loaded ahead.")
    finally:
        connections.close_all()  # this thread's own


@worker_process_init.connect
def _warm_pool_child(**_: Any) -> None:
    warm_embedder()


@worker_ready.connect
def _warm_answers(sender: Any, **_: Any) -> None:
    # The other workers embed in pool children or not at all.
    if "answers" in {queue.name for queue in sender.task_consumer.queues}:
        warm_embedder()
