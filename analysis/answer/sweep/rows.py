"""The rows of a sweep's parts: made once, filled from what is known, claimed one by one under a lease."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from analysis.answer import masked
from analysis.answer.sweep.cut import Piece
from analysis.answer.sweep.readers import Reader, key_of
from analysis.models import Answer, AnswerStatus, Page, PartStatus, SweepPart
from analysis.models.lease import claim
from analysis.repository.lines import line_tables
from analysis.types import Source, SweptPart, lines_in_words

MOST_TOGETHER = 60  # files in one prompt
AROUND_CHARACTERS = 160  # of tags and place, for each of them
SETTLED = (PartStatus.DONE, PartStatus.FAILED)


@dataclass(frozen=True)
class Claimed:
    """A part that is ours for now, and the token of its lease."""

    part: SweepPart
    token: UUID

    @property
    def rows(self) -> QuerySet[SweepPart]:
        return SweepPart.objects.filter(pk=self.part.pk)


def lay_parts(answer: Answer, reader: Reader, pieces: Sequence[Piece]) -> None:
    """Make the answer's rows, unless an earlier run has; parts whose text is known already are done at once."""
    versions = {piece.version_id for piece in pieces}
    with transaction.atomic():
        Answer.objects.select_for_update().get(pk=answer.pk)
        laid = set(parts_of_answer(answer).values_list("version_id", flat=True))
        if laid == versions:
            return
        # A document was replaced or deleted between two runs: what was laid for it says nothing about it now.
        parts_of_answer(answer).delete()
        keys = [key_of(reader, piece.digest) for piece in pieces]
        known = known_results(answer.question.workspace_id, keys)
        SweepPart.objects.bulk_create(
            _row(answer, number, piece, key, known.get(key))
            for number, (piece, key) in enumerate(zip(pieces, keys, strict=True))
        )


def parts_of_answer(answer: Answer) -> QuerySet[SweepPart]:
    """Return the rows of an answer's parts, in order."""
    return SweepPart.objects.filter(answer=answer)


def known_results(workspace_id: int, keys: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return, by key, what was found in the same texts before: in this workspace only."""
    done = SweepPart.objects.filter(
        key__in=keys, status=PartStatus.DONE, answer__question__workspace_id=workspace_id
    ).order_by("pk")
    return dict(done.values_list("key", "result"))


def claim_part(answer: Answer) -> Claimed | None:
    """Return the first part that waits, or whose worker has died, as ours; None if there is none now."""
    free = Q(status=PartStatus.QUEUED) | Q(status=PartStatus.READING, lease_expires_at__lt=timezone.now())
    running = parts_of_answer(answer).filter(answer__status=AnswerStatus.RUNNING)
    for pk in running.filter(free).values_list("pk", flat=True):
        token = claim(SweepPart.objects.filter(pk=pk), waiting=PartStatus.QUEUED, working=PartStatus.READING)
        if token is not None:
            return Claimed(SweepPart.objects.select_related("version__document").get(pk=pk), token)
    return None


def claim_beside(answer: Answer, first: Claimed, *, limit: int) -> list[Claimed]:
    """Return the files after the one in `first` that can be read with it, as ours: `limit` characters in all, at most.

    None where the first is no whole file of a repository. What could not be read with others is tried by itself.
    """
    room = limit - weight(first.part.start_char, first.part.end_char)
    found: list[Claimed] = []
    if first.part.attempts > 1 or room <= 0 or not _is_file(first.part):
        return found
    after = parts_of_answer(answer).filter(status=PartStatus.QUEUED, attempts=0, ordinal__gt=first.part.ordinal)
    for part in after.select_related("version__document")[:MOST_TOGETHER]:
        room -= weight(part.start_char, part.end_char)
        if room < 0 or not _is_file(part):
            break
        token = claim(SweepPart.objects.filter(pk=part.pk), waiting=PartStatus.QUEUED, working=PartStatus.READING)
        if token is not None:
            found.append(Claimed(SweepPart.objects.select_related("version__document").get(pk=part.pk), token))
    return found


def weight(start_char: int, end_char: int) -> int:
    """Return what a file counts for among those that are read together: its characters, and what stands around it."""
    return end_char - start_char + AROUND_CHARACTERS


def _is_file(part: SweepPart) -> bool:
    """Return whether the part is a whole file of a repository."""
    whole = part.start_char == 0 and part.end_char == part.version.characters
    return whole and part.version.document.repository_id is not None


def source_of(part: SweepPart) -> Source:
    """Return the part with its text."""
    document = part.version.document
    text = masked.read(part.version, part.start_char, part.end_char)
    return Source(str(document.pk), document.name, part.version_id, part.start_char, part.end_char, text)


def place_of(part: SweepPart) -> str:
    """Return "page 5", "pages 5 to 7", "lines 1-80" of a file, or "the text" of a document without pages."""
    table = line_tables([part.version_id]).get(part.version_id)
    if table is not None:
        return f"lines {lines_in_words(*table.lines_of(part.start_char, part.end_char))}"
    pages = Page.objects.filter(version_id=part.version_id, start_char__lt=part.end_char, end_char__gt=part.start_char)
    numbers = list(pages.values_list("number", flat=True))
    if not numbers:
        return "the text"
    return f"pages {numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"page {numbers[0]}"


def swept(parts: Sequence[SweepPart]) -> list[SweptPart]:
    """Return the settled parts, for the receipt."""
    return [
        SweptPart(part.version_id, part.start_char, part.end_char, _state(part))
        for part in parts
        if part.status in SETTLED
    ]


def _state(part: SweepPart) -> str:
    if part.status == PartStatus.FAILED:
        return "failed"
    return "cached" if part.cached else "read"


def _row(answer: Answer, ordinal: int, piece: Piece, key: str, known: dict[str, Any] | None) -> SweepPart:
    return SweepPart(
        answer=answer, ordinal=ordinal, version_id=piece.version_id, start_char=piece.start_char,
        end_char=piece.end_char, key=key, status=PartStatus.QUEUED if known is None else PartStatus.DONE,
        cached=known is not None, result=known or {},
    )  # fmt: skip
