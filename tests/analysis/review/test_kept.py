"""Sentences of a stored version: embedded once, again only when they or the embedder have changed."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.models import SentenceVectors, VersionText
from analysis.review import kept
from analysis.review.kept import sentences_of
from tests.analysis.review.meanings import word_vectors
from tests.conftest import Cast
from tests.rows import FIRST, SECOND, TEXT, make_document


class Embedder:
    """Counts what it embeds."""

    name = "words"

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.dims = word_vectors(["one"]).shape[1]

    def __call__(self, texts: list[str]) -> np.ndarray:
        self.texts += texts
        return word_vectors(texts)


@pytest.fixture
def embedder(monkeypatch: pytest.MonkeyPatch) -> Embedder:
    embedder = Embedder()
    monkeypatch.setattr("analysis.ingest.embed.encoder", lambda: embedder)
    monkeypatch.setattr(kept, "embed", embedder)
    return embedder


def test_sentences_are_embedded_once(cast: Cast, embedder: Embedder) -> None:
    version, told = make_document(cast), list[tuple[int, int]]()
    first = sentences_of(version, lambda done, total: told.append((done, total)))
    again = sentences_of(version)
    assert [TEXT[start:end] for start, end in again.spans] == [FIRST.strip(), SECOND]
    assert embedder.texts == [FIRST.strip(), SECOND]
    assert told == [(0, 2), (2, 2)]
    assert np.abs(first.vectors - again.vectors).max() < 1e-3


@pytest.mark.parametrize("change", ["text", "embedder"])
def test_they_are_embedded_again_when_something_has_changed(cast: Cast, embedder: Embedder, change: str) -> None:
    version = make_document(cast)
    sentences_of(version)
    if change == "text":
        VersionText.objects.filter(version=version).update(text=f"New words stand first. {TEXT}")
    else:
        embedder.name = "other"
    sentences_of(version)
    assert len(embedder.texts) == {"text": 5, "embedder": 4}[change]
    assert SentenceVectors.objects.count() == 1


def test_a_document_without_sentences_can_be_gone_through_twice(cast: Cast, embedder: Embedder) -> None:
    version = make_document(cast)
    VersionText.objects.filter(version=version).update(text="")
    assert [len(sentences_of(version).vectors) for _ in range(2)] == [0, 0]
