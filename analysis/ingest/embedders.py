"""Which embedding model search uses. While another is being built (see `reembed`) that is the one from before."""

from __future__ import annotations

import logging
import time

from analysis.errors import AppError
from analysis.ingest.embed import Encoder, Vectors, encoder, encoder_named
from analysis.ingest.index import current_embedder
from analysis.models import Embedder, EmbedderStatus
from config.env import env

logger = logging.getLogger(__name__)

# An embedder that could not be had is not tried again for so long: loading may take seconds until it fails.
TRIED_AGAIN_AFTER_SECONDS = 30
_failed_at: dict[str, float] = {}


def serving() -> Embedder | None:
    """Return the embedder whose vectors search compares; None while no document has been read in."""
    return Embedder.objects.filter(status=EmbedderStatus.SERVING).first()


def query_vector(query: str) -> tuple[Embedder, Vectors] | None:
    """Return the serving embedder with the query's vector by it, None where only words can be searched for now."""
    embedder = serving()
    encoder = encoder_if_there(embedder.name) if embedder else None
    if embedder is None or encoder is None:
        return None
    try:
        return embedder, encoder.query(query)
    except AppError as error:
        _note_away(embedder.name, error)
        return None


def reading_in() -> tuple[Embedder, Encoder]:
    """Return the embedder that new documents are read in with: the serving one, or the wanted one if that is away."""
    embedder = serving()
    if embedder is not None and embedder.name != env.embedder and (found := encoder_if_there(embedder.name)):
        return embedder, found
    wanted = encoder()
    return current_embedder(wanted), wanted


def encoder_if_there(name: str) -> Encoder | None:
    """Return the encoder of that name, None if it cannot be had now; why is logged."""
    if _is_away(name):
        return None
    try:
        return encoder_named(name)
    except Exception as error:
        _note_away(name, error)
        return None


def notice() -> str:
    """Return what a person who searches must know, as a sentence; "" if all is well."""
    embedder = serving()
    if embedder is None or not _is_away(embedder.name):
        return ""
    return (
        "Search goes by words alone at the moment, not by meaning: the embedding model that the index was built with "
        "cannot be used."
    )


def _is_away(name: str) -> bool:
    return time.monotonic() - _failed_at.get(name, float("-inf")) < TRIED_AGAIN_AFTER_SECONDS


def _note_away(name: str, error: Exception) -> None:
    _failed_at[name] = time.monotonic()
    expected = isinstance(error, AppError | OSError)
    logger.warning("The embedding model %s cannot be used: %s", name, error, exc_info=None if expected else error)
