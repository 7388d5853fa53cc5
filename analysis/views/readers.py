"""Whether those who follow a stream may go on, asked by every open stream at every heartbeat."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from analysis.lookups import Lookup
from analysis.models import Answer
from analysis.models.answer import OPEN_STATUSES
from workspaces.access import still_members, still_seen

WITHIN_SECONDS = 0.1


async def still_in(user_id: int, workspace_id: int) -> bool:
    """Return whether the person is (still) in the workspace."""
    return bool(await _members((user_id, workspace_id)))


async def still_sees(user_id: int, workspace_id: int, kind: str, row_id: UUID) -> bool:
    """Return whether the person (still) sees the row; kind: of `workspaces.access.SEEN`."""
    return bool(await _seen((user_id, workspace_id, kind, row_id)))


async def still_open(answer_id: UUID) -> bool:
    """Return whether the answer is there and goes on."""
    return bool(await _open(answer_id))


def _open_answers(ids: Collection[UUID]) -> dict[UUID, bool]:
    rows = Answer.objects.filter(pk__in=ids, status__in=OPEN_STATUSES)
    return dict.fromkeys(rows.values_list("pk", flat=True), True)


_members = Lookup(still_members, within_seconds=WITHIN_SECONDS)
_seen = Lookup(still_seen, within_seconds=WITHIN_SECONDS)
_open = Lookup(_open_answers, within_seconds=WITHIN_SECONDS)
