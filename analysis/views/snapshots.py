"""Repositories as lists show them: how far reading in has come, languages, how much of a window they fill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.utils.translation import gettext, gettext_lazy

from analysis.llm.catalogue import LLM
from analysis.models import Disposition, IngestStatus, Purpose, Question, Repository, Snapshot, SnapshotFile
from analysis.views.listing import Progress

COLOURS = 6  # of languages in a bar
OTHER = "other"

# Where on the whole way each stage stands, in thousandths; the vectors that follow on it are not part of it.
STAGES = {
    "fetch": (0, 50),
    "unpack": (50, 100),
    "parse": (100, 500),
    "index": (500, 950),
    "embed": (950, 1000),
}
# What each stage is called, and how it is counted where it can be.
STAGE_WORDS = {
    "fetch": (gettext_lazy("Fetching from the server"), ""),
    "unpack": (gettext_lazy("Unpacking"), gettext_lazy("Unpacking file")),
    "parse": (gettext_lazy("Reading files"), gettext_lazy("Reading file")),
    "index": (gettext_lazy("Adding to the index"), gettext_lazy("Adding file")),
    "embed": (gettext_lazy("Embedding"), gettext_lazy("Embedding passage")),
}


def snapshot_progress(snapshot: Snapshot) -> Progress | None:
    """Return where reading a version in stands; None when it is over."""
    if snapshot.status == IngestStatus.QUEUED:
        return Progress(gettext("Waiting to be read"))
    if snapshot.status != IngestStatus.INGESTING:
        return None
    start, end = STAGES.get(snapshot.stage, (0, 0))
    share = snapshot.stage_done / snapshot.stage_total if snapshot.stage_total else 0.0
    stage, counted = STAGE_WORDS.get(snapshot.stage, STAGE_WORDS["parse"])
    words = str(stage)
    if counted and snapshot.stage_total:
        words = gettext("%(stage)s %(done)s of %(total)s") % {
            "stage": counted,
            "done": intcomma(snapshot.stage_done),
            "total": intcomma(snapshot.stage_total),
        }
    return Progress(words, round(start + (end - start) * min(share, 1.0)))


@dataclass(frozen=True)
class Share:
    """How much of some code is in one language. x, width: in a bar of 1000; rank: from 1, for its colour."""

    name: str
    lines: int
    percent: float
    x: int
    width: int
    rank: int


def shares(lines: Mapping[str, int]) -> list[Share]:
    """Return the languages by their lines, most first; what is beyond the colours comes together as the last."""
    most = sorted(lines.items(), key=lambda each: (-each[1], each[0]))
    rest = sum(count for _, count in most[COLOURS - 1 :])
    named = most if len(most) <= COLOURS else [*most[: COLOURS - 1], (OTHER, rest)]
    total, at, found = sum(lines.values()) or 1, 0, []
    for rank, (name, count) in enumerate(named, start=1):
        start, at = at, at + count
        x, end = round(1000 * start / total), round(1000 * at / total)
        found.append(Share(name, count, 100 * count / total, x, max(1, end - x), rank))
    return found


@dataclass(frozen=True)
class RepositoryRow:
    """A repository as the workspace's home shows it.

    newest: its newest version, which need not be the current one. progress: of that version. window_percent: how much
    of the LLM's window its current version fills; None if unknown.
    """

    repository: Repository
    newest: Snapshot | None
    progress: Progress | None
    languages: list[Share]
    window_percent: int | None
    asked_at: datetime | None

    @property
    def failed(self) -> bool:
        return self.newest is not None and self.newest.status == IngestStatus.FAILED

    @property
    def state(self) -> tuple[object, ...]:
        """Return what the row is drawn anew for; its progress alone moves in place."""
        newest = self.newest
        browsable = newest is not None and newest.symbols_at is not None
        return (self.repository.name, self.repository.snapshot_id, newest and newest.status, browsable)


def repository_rows(repositories: QuerySet[Repository], llm: LLM | None) -> list[RepositoryRow]:
    """Return the rows of repositories in their order, in three queries whatever their number."""
    asked = Question.repositories.through.objects.filter(
        repository_id=OuterRef("pk"), question__purpose=Purpose.QUESTION
    ).order_by("-question__created_at")
    newest = Snapshot.objects.filter(repository=OuterRef("pk")).order_by("-number")
    rows = list(
        repositories.annotate(
            asked_at=Subquery(asked.values("question__created_at")[:1]), newest_id=Subquery(newest.values("pk")[:1])
        )
    )
    snapshots = Snapshot.objects.defer("warnings", "seconds").in_bulk([row.newest_id for row in rows if row.newest_id])
    lines = _lines_by_syntax([row.snapshot_id for row in rows if row.snapshot_id])
    return [
        RepositoryRow(
            repository=row,
            newest=snapshots.get(row.newest_id),
            progress=snapshot_progress(snapshots[row.newest_id]) if row.newest_id in snapshots else None,
            languages=shares(lines.get(row.snapshot_id or 0, {})),
            window_percent=round(row.snapshot.tokens * 100 / llm.window_tokens) if row.snapshot and llm else None,
            asked_at=row.asked_at,
        )
        for row in rows
    ]


def _lines_by_syntax(snapshot_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Return how many lines of each language each snapshot has."""
    files = SnapshotFile.objects.filter(snapshot__in=snapshot_ids, disposition=Disposition.READ, line_count__gt=0)
    found: dict[int, dict[str, int]] = {}
    for snapshot_id, syntax, lines in files.order_by().values_list("snapshot_id", "syntax").annotate(Sum("line_count")):
        found.setdefault(snapshot_id, {})[syntax or "text"] = lines
    return found
