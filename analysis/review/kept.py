"""A version's sentences with their vectors, which are embedded once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from analysis.models import DocumentVersion, SentenceVectors
from analysis.review.sentences import Sentences, Vectors, beginning, embed, sentence_spans, titles_of
from analysis.types import Span

EMBEDDED_AT_A_TIME = 128

# Told how many of the sentences are embedded; what it raises ends the work.
OnProgress = Callable[[int, int], None]


def sentences_of(version: DocumentVersion, on_progress: OnProgress | None = None) -> Sentences:
    """Return the sentences of the version's canonical text. The first call embeds them, some 300 a second and core."""
    text = version.read_text()
    spans = sentence_spans(text)
    texts = [beginning(text, span) for span in spans]
    vectors = _vectors(version, spans, texts, on_progress or (lambda done, total: None))
    return Sentences(spans, texts, titles_of(spans, texts, version.headings.all()), vectors)


def _vectors(version: DocumentVersion, spans: list[Span], texts: list[str], on_progress: OnProgress) -> Vectors:
    from analysis.ingest.embed import encoder

    key = hashlib.sha256(f"{encoder().name} {version.parser_version} {spans}".encode()).hexdigest()
    kept = SentenceVectors.objects.filter(version=version, key=key).first()
    if kept is not None and spans:
        return np.frombuffer(kept.vectors, np.float16).reshape(len(spans), -1).astype(np.float32)
    vectors = _embedded(texts, on_progress).astype(np.float16)
    SentenceVectors.objects.update_or_create(version=version, defaults={"key": key, "vectors": vectors.tobytes()})
    return vectors.astype(np.float32)  # as they will be next time, to the last digit


def _embedded(texts: list[str], on_progress: OnProgress) -> Vectors:
    done: list[Vectors] = []
    for start in range(0, len(texts), EMBEDDED_AT_A_TIME):
        on_progress(start, len(texts))
        done.append(embed(texts[start : start + EMBEDDED_AT_A_TIME]))
    on_progress(len(texts), len(texts))
    return np.concatenate(done) if done else embed([])
