"""Outlines of files, worked out once for each version and kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from django.core.cache import cache

from analysis.models import Symbol, VersionText
from analysis.repository.skeleton import skeleton
from analysis.types import ParsedSymbol, Span

# Any change of what an outline holds is another version.
OUTLINE_VERSION = 1
AT_ONCE = 100  # versions whose texts are held at a time
REMEMBER_SECONDS = 90 * 24 * 3600


def outlines(version_ids: Iterable[int]) -> dict[int, list[Span]]:
    """Return the spans of each version's text that make its outline, by version id."""
    keys = {f"outline:{OUTLINE_VERSION}:{id}": id for id in version_ids}
    found = {keys[key]: _unpacked(kept) for key, kept in cache.get_many(keys).items()}
    missing = [(key, id) for key, id in keys.items() if id not in found]
    for start in range(0, len(missing), AT_ONCE):
        batch = missing[start : start + AT_ONCE]
        made = _made([id for _, id in batch])
        cache.set_many({key: _packed(made[id]) for key, id in batch}, timeout=REMEMBER_SECONDS)
        found |= made
    return found


def _made(version_ids: Sequence[int]) -> dict[int, list[Span]]:
    symbols: dict[int, list[ParsedSymbol]] = defaultdict(list)
    for row in Symbol.objects.filter(version__in=version_ids).order_by("version", "ordinal"):
        symbols[row.version_id].append(_parsed(row))
    texts = dict(VersionText.objects.filter(version__in=version_ids).values_list("version_id", "text"))
    return {id: skeleton(texts.get(id, ""), symbols[id]) for id in version_ids}


def _parsed(row: Symbol) -> ParsedSymbol:
    doc = None if row.doc_start_char is None else Span(row.doc_start_char, row.doc_end_char or row.doc_start_char)
    return ParsedSymbol(
        row.kind, row.name, row.path, row.signature, row.start_char, row.end_char, row.name_start_char,
        row.name_end_char, row.parent, doc,
    )  # fmt: skip


def _packed(spans: Sequence[Span]) -> bytes:
    return np.array(spans, "<u4").tobytes()


def _unpacked(packed: bytes) -> list[Span]:
    return [Span(start, end) for start, end in np.frombuffer(packed, "<u4").reshape(-1, 2).tolist()]
