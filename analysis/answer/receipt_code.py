"""The part of the coverage receipt that is about repositories: which files were put before the model, and how much."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Count

from analysis.answer.material import version_of, within
from analysis.models import Disposition, Document, Repository, Snapshot, SnapshotFile
from analysis.repository.lines import line_tables
from analysis.types import Extent, Span

PART = "part"  # some of a file, neither its skeleton nor all of it
_NOT_READ = {each.value: each.label.lower() for each in Disposition if each is not Disposition.READ}


@dataclass
class _Tally:
    """What was read of one repository's files."""

    whole: list[str] = field(default_factory=list)
    skeleton: list[str] = field(default_factory=list)
    part: dict[str, list[list[int]]] = field(default_factory=dict)
    out: int = 0
    lines_total: int = 0
    lines_read: int = 0
    characters_total: int = 0
    characters_read: int = 0


def repositories_read(
    files: Sequence[Document], read: Mapping[int, Sequence[Span]], skeletons: Iterable[str] = (), *, path: str = ""
) -> list[dict[str, Any]]:
    """Return a row for each repository, in a constant number of queries.

    files: of the question. read: what was put before the model, merged, by version id. skeletons: the ids of the
    documents of which it was the skeleton. path: the folder or file that the question was about.
    """
    tallies = _tallies(files, read, set(skeletons))
    repositories = Repository.objects.filter(pk__in=tallies).select_related("snapshot").defer("credential")
    skipped = _skipped([row.snapshot for row in repositories if row.snapshot], path)
    return [_row(row, tallies[row.pk], skipped.get(row.snapshot_id, {})) for row in repositories.order_by("name", "pk")]


def in_words(row: Mapping[str, Any]) -> str:
    """Return what was read of a repository: "requests, 46 files: 34 whole, 12 in outline. 30 more not read in: …".

    Where search went by words alone in a part of it, that is said.
    """
    counts = [
        (row["files_whole"], "whole"),
        (row["files_skeleton"], "in outline"),
        (row["files_part"], "in part"),
        (row["files_out"], "left out"),
    ]
    said = [f"{count:,} {how}" for count, how in counts if count]
    files = f"{row['name']}, {row['files_total']:,} file{'' if row['files_total'] == 1 else 's'}: {', '.join(said)}"
    kinds = ", ".join(f"{_NOT_READ.get(kind, kind)} {count:,}" for kind, count in sorted(row["skipped"].items()))
    total = sum(row["skipped"].values())
    said_all = f"{files}. {total:,} more not read in: {kinds}." if total else f"{files}."
    if by_meaning := row.get("by_meaning"):
        done, passages = by_meaning
        said_all += f" Search by meaning reached {done:,} of {passages:,} passages, search by words all of them."
    return said_all


def _tallies(files: Sequence[Document], read: Mapping[int, Sequence[Span]], skeletons: set[str]) -> dict[UUID, _Tally]:
    tallies: dict[UUID, _Tally] = defaultdict(_Tally)
    parts: list[Document] = []
    for document in sorted(files, key=lambda each: each.path):
        version = version_of(document)
        tally = tallies[document.repository_id or UUID(int=0)]
        characters = sum(end - start for start, end in read.get(version.pk, ()))
        tally.characters_total += version.characters
        tally.characters_read += characters
        tally.lines_total += version.line_count
        if characters >= version.characters:
            tally.whole.append(document.path)
            tally.lines_read += version.line_count
        elif str(document.pk) in skeletons:
            tally.skeleton.append(document.path)
        elif characters:
            parts.append(document)
        else:
            tally.out += 1
    tables = line_tables(version_of(document).pk for document in parts)
    for document in parts:
        tally, version = tallies[document.repository_id or UUID(int=0)], version_of(document)
        table = tables.get(version.pk)
        lines = [list(table.lines_of(*span)) for span in read[version.pk]] if table else []
        tally.part[document.path] = lines
        tally.lines_read += sum(last - first + 1 for first, last in lines)
    return tallies


def _skipped(snapshots: Sequence[Snapshot], path: str) -> dict[int | None, dict[str, int]]:
    """Return how many files of each snapshot are not read in, by why."""
    rows = SnapshotFile.objects.filter(within(path), snapshot__in=snapshots).exclude(disposition=Disposition.READ)
    found: dict[int | None, dict[str, int]] = defaultdict(Counter)
    for snapshot_id, disposition, count in (
        rows.order_by().values_list("snapshot_id", "disposition").annotate(count=Count("pk"))
    ):
        found[snapshot_id][disposition] = count
    return found


def _row(repository: Repository, tally: _Tally, skipped: Mapping[str, int]) -> dict[str, Any]:
    snapshot = repository.snapshot
    # Where all was read whole, no search chose what was read.
    chosen = snapshot is not None and snapshot.by_words_alone and bool(tally.skeleton or tally.part or tally.out)
    return {
        "repository_id": str(repository.pk),
        "name": repository.name,
        "snapshot": snapshot.number if snapshot else None,
        "commit": snapshot.commit if snapshot else "",
        "label": snapshot.label if snapshot else "",
        "files_total": len(tally.whole) + len(tally.skeleton) + len(tally.part) + tally.out,
        f"files_{Extent.WHOLE}": len(tally.whole),
        f"files_{Extent.SKELETON}": len(tally.skeleton),
        f"files_{PART}": len(tally.part),
        f"files_{Extent.OUT}": tally.out,
        "lines_total": tally.lines_total,
        "lines_read": tally.lines_read,
        "characters_total": tally.characters_total,
        "characters_read": tally.characters_read,
        "skipped": dict(skipped),
        "by_meaning": [snapshot.stage_done, snapshot.stage_total] if snapshot and chosen else None,
        Extent.WHOLE.value: tally.whole,
        Extent.SKELETON.value: tally.skeleton,
        PART: tally.part,
    }
