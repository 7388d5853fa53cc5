"""How much each file matters to a question, and why: by its passages, by names in the question, by imports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from analysis.models import Document, Snapshot, Symbol
from analysis.repository.modules import imports_of
from analysis.types import Hit

NAMED, DEFINES = 2.0, 1.0  # added for a file that the question names, and for one that defines what it names
NEIGHBOUR_SHARE = 0.25  # of the score of the file that imports it, or that it imports
NEIGHBOURS_OF = 6  # of so many of the best files the neighbours are looked at
DEFINED_MAX = 8  # a name that more files define says nothing about any of them
_NAME = re.compile(r"[A-Za-z_][\w.]*\w|[A-Za-z_]\w*")


@dataclass(frozen=True)
class Relevance:
    """score: higher is better, above 0. why: in a few words."""

    score: float
    why: str


def relevance(
    question: str, files: Sequence[Document], hits: Sequence[Hit], snapshots: Mapping[UUID, Snapshot]
) -> dict[str, Relevance]:
    """Return what is known to matter of the files, by document id. snapshots: of the files, by their repositories."""
    found: dict[str, Relevance] = {}
    for hit in hits:
        _raise(found, hit.document_id, hit.score, "matches the question")
    for document, name in _defining(question, files):
        _raise(found, str(document.pk), DEFINES, f"defines {name}")
    for document in files:
        if _names(question, document.path):
            _raise(found, str(document.pk), NAMED, "named in the question")
    _add_neighbours(found, files, snapshots)
    return found


def _raise(found: dict[str, Relevance], document_id: str, score: float, why: str) -> None:
    """Add to what is known of a file; the reason that counts most is said. A further one of its kind adds little."""
    before = found.get(document_id)
    if before is None:
        found[document_id] = Relevance(score, why)
    elif before.why == why:
        found[document_id] = Relevance(max(before.score, score) + min(before.score, score) / 10, why)
    else:
        found[document_id] = Relevance(before.score + score, why if score > before.score else before.why)


def _defining(question: str, files: Sequence[Document]) -> Iterable[tuple[Document, str]]:
    """Yield the files that define a name in the question which looks like one of code, with the name."""
    wanted = {name.rpartition(".")[2] for name in _NAME.findall(question) if _of_code(name)}
    if not wanted:
        return
    by_version = {document.version_id: document for document in files}
    rows = Symbol.objects.filter(name__in=wanted, version__in=list(by_version)).order_by()
    pairs = sorted(set(rows.values_list("version_id", "name")))
    for name in sorted(wanted):
        versions = [version_id for version_id, defined in pairs if defined == name]
        if len(versions) <= DEFINED_MAX:
            yield from ((by_version[version_id], name) for version_id in versions)


def _of_code(name: str) -> bool:
    """Return whether a word is written as a name is: with an underscore, a dot or a capital inside it."""
    return "_" in name or "." in name or any(letter.isupper() for letter in name[1:])


def _names(question: str, path: str) -> bool:
    """Return whether the question names the file, by its path or its name."""
    name = path.rpartition("/")[2]
    if path in question:
        return True
    return "." in name and re.search(rf"(?<![\w/]){re.escape(name)}(?!\w)", question) is not None


def _add_neighbours(found: dict[str, Relevance], files: Sequence[Document], snapshots: Mapping[UUID, Snapshot]) -> None:
    places = {(document.repository_id, document.path): document for document in files}
    by_id = {str(document.pk): document for document in files}
    best = sorted(found.items(), key=lambda held: (-held[1].score, held[0]))[:NEIGHBOURS_OF]
    for document_id, relevant in best:
        document = by_id.get(document_id)
        snapshot = snapshots.get(document.repository_id) if document and document.repository_id else None
        if document is None or snapshot is None:
            continue
        graph = imports_of(snapshot)
        share = relevant.score * NEIGHBOUR_SHARE
        imported = [(path, f"imported by {document.path}") for path in graph.targets.get(document.path, ())]
        importing = [(path, f"imports {document.path}") for path in graph.importers(document.path)]
        for path, why in sorted(imported) + sorted(importing)[:DEFINED_MAX]:
            neighbour = places.get((document.repository_id, path))
            if neighbour is not None:
                _raise(found, str(neighbour.pk), share, why)
