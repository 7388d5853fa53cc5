"""The baseline that search has to beat: BM25 over whole texts, without any of the product's own machinery."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

# As Lucene has them (Robertson and Zaragoza, 2009).
K1 = 1.2
B = 0.75
_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class BM25:
    """An index over texts in memory; names such as `readFile` and `read_file` are taken apart."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(words_of(text)) for text in texts]
        sizes = [sum(count.values()) for count in counts]
        mean = sum(sizes) / len(sizes) if sizes else 0.0
        self._weights: dict[str, list[tuple[int, float]]] = defaultdict(list)
        holders = Counter(word for count in counts for word in count)
        for number, (count, size) in enumerate(zip(counts, sizes, strict=True)):
            for word, times in count.items():
                rarity = math.log(1 + (len(texts) - holders[word] + 0.5) / (holders[word] + 0.5))
                weight = rarity * times * (K1 + 1) / (times + K1 * (1 - B + B * size / mean))
                self._weights[word].append((number, weight))

    def ranked(self, query: str) -> list[int]:
        """Return the numbers of the texts that share a word with the query, best first."""
        scores: dict[int, float] = defaultdict(float)
        for word in words_of(query):
            for number, weight in self._weights.get(word, ()):
                scores[number] += weight
        return sorted(scores, key=lambda number: (-scores[number], number))


def words_of(text: str) -> list[str]:
    """Return the words of prose or code in lower case."""
    return [piece.lower() for piece in _PIECES.findall(text)]
