"""Who looks at a document, a repository or a question now: kept in Valkey for as long as their page says so.

A page that is open has a connection of its own, which comes back every PRESENT_SECONDS at the latest. One that is
closed leaves at once; of one whose web process died nothing is left after that time. The database has no part in it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID, uuid4

from analysis import progress
from analysis.models import Question
from analysis.progress import HEARTBEAT_SECONDS

PRESENT_SECONDS = 2 * HEARTBEAT_SECONDS


@dataclass(frozen=True)
class Place:
    """What somebody looks at. kind: document, repository, question, or workspace for a page about all of it."""

    workspace_id: int
    kind: str
    id: UUID | int

    @property
    def key(self) -> str:
        """The name of its sorted set: members "person:page", scored by when they count no longer."""
        return f"lectern:here:{self.kind}:{self.id}"


class Stay:
    """One open page of one person."""

    def __init__(self, place: Place, user_id: int) -> None:
        self.place = place
        self._name = f"{user_id}:{uuid4().hex[:12]}"

    def go_on(self) -> None:
        """Count as here for a while longer; the others are told of who is new."""
        pipe = progress.connection().pipeline(transaction=False)
        pipe.zadd(self.place.key, {self._name: time.time() + PRESENT_SECONDS})
        pipe.expire(self.place.key, 2 * PRESENT_SECONDS)
        if pipe.execute()[0]:
            self._tell()

    def end(self) -> None:
        """Be here no longer."""
        if progress.connection().zrem(self.place.key, self._name):
            self._tell()

    def _tell(self) -> None:
        data = {"kind": self.place.kind, "id": str(self.place.id)}
        progress.emit(progress.workspace_stream(self.place.workspace_id), "presence", data, keep=1000)


def who_is_here(place: Place) -> list[int]:
    """Return the ids of the people who look at it now, each once, in the order of their ids."""
    names = progress.connection().zrangebyscore(place.key, time.time(), "+inf")
    return sorted({int(str(name).partition(":")[0]) for name in names})


def is_here(place: Place, user_id: int) -> bool:
    """Return whether the person looks at it now."""
    return user_id in who_is_here(place)


def places_of(question: Question) -> list[Place]:
    """Return the places whose pages show the question's answers."""
    workspace_id = question.workspace_id
    return [
        Place(workspace_id, "question", question.pk),
        Place(workspace_id, "workspace", workspace_id),
        *(Place(workspace_id, "document", id) for id in question.documents.values_list("pk", flat=True)),
        *(Place(workspace_id, "repository", id) for id in question.repositories.values_list("pk", flat=True)),
    ]
