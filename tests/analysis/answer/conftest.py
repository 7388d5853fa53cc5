"""Evidence is compared by words here: loading the embedder takes seconds and is tried where it matters."""

from __future__ import annotations

import zlib

import numpy as np
import pytest


@pytest.fixture
def words_as_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make two texts mean the same as far as they use the same words."""

    def embed(texts: list[str]) -> np.ndarray:
        vectors = np.zeros((len(texts), 512), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, zlib.crc32(word.encode()) % 512] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    monkeypatch.setattr("analysis.answer.cite._embed", embed)
