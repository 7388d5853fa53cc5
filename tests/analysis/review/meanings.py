"""A stand-in for the embedder: two texts mean the same as far as they use the same words. Loading it takes seconds."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np

from analysis.review.sentences import Vectors

DIMS = 512


def word_vectors(texts: Sequence[str]) -> Vectors:
    """Return float32[n, 512] of unit length, one count a word."""
    vectors = np.zeros((len(texts), DIMS), np.float32)
    for row, text in enumerate(texts):
        for word in re.findall(r"\w+", text.lower()):
            vectors[row, zlib.crc32(word.encode()) % DIMS] += 1
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
