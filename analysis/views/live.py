"""The workspace's live list: one event stream that keeps an open home page true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, StreamingHttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET

from analysis import hub, progress
from analysis.progress import Event
from analysis.views.home import recent_questions
from analysis.views.listing import default_llm, rows_by_id
from analysis.views.readers import still_in
from analysis.views.snapshots import repository_rows
from analysis.views.sse import HEARTBEAT, STREAM_ID, checked, frame, last_event_id, sse_response
from workspaces.access import documents_for, member_or_404, person, repositories_for
from workspaces.models import Member
from workspaces.together.live import news_of

# Events that come within this time go out as one message: a hundred files being read in cost two draws a second.
GATHER_SECONDS = 0.5


@login_required
@require_GET
async def workspace_events(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """Return the stream of what changes in the workspace, from what the page has seen on (`?after=`, Last-Event-ID)."""
    member = await checked(lambda: member_or_404(person(request), slug))()
    seen = last_event_id(request)
    given = request.GET.get("after", "")
    after = seen if seen != "0" else given if STREAM_ID.match(given) else "0"
    return sse_response(LiveList(member).frames(after))


class LiveList:
    """What one open page is told, as server-sent events.

    A document or repository that is being read in has its progress drawn in place. Anything else that happens (it came,
    went, became ready, failed, was renamed, was read once) may change its place in the table, the counts and the pages:
    for that the page is told `list`, and fetches its own table as it is filtered and sorted there.
    """

    def __init__(self, member: Member) -> None:
        self.member = member
        # By the id of a document or repository, what the page shows of it: its state.
        self._drawn: dict[str, tuple[object, ...]] = {}

    async def frames(self, after: str) -> AsyncIterator[bytes]:
        """Yield messages for ever; end when the person is no longer a member."""
        stream = progress.workspace_stream(self.member.workspace_id)
        if after != "0" and not await checked(lambda: progress.newest(stream))():
            # The stream has expired since the page was drawn: what happened in between is no longer told there.
            yield frame("", event="list")
        async with aclosing(hub.follow(stream, after)) as batches:
            async for events in gathered(batches):
                if not await still_in(self.member.user_id, self.member.workspace_id):
                    return
                yield await checked(self.messages)(events) if events else HEARTBEAT

    def messages(self, events: list[Event]) -> bytes:
        """Return the messages for a batch of events; the last of them carries the id to resume from."""
        documents = {str(event.data["id"]) for event in events if event.name == "document"}
        repositories = {str(event.data["id"]) for event in events if event.name == "repository"}
        partials, list_changed = self._document_partials(documents) if documents else ("", False)
        if repositories:
            moved, changed = self._repository_partials(repositories)
            partials, list_changed = partials + moved, list_changed or changed
        if any(event.name == "question" for event in events):
            partials += _draw("_recent_partial.html", {"recent": recent_questions(self.member)})
        before = [*([frame("", event="list")] if list_changed else []), *news_of(self.member, events)]
        return b"".join([*before, frame(partials, id=events[-1].id)])

    def _document_partials(self, ids: set[str]) -> tuple[str, bool]:
        rows = rows_by_id(documents_for(self.member), ids)
        changed = self._changed(ids, {id: row.state for id, row in rows.items()})
        moving = [row for id, row in rows.items() if id not in changed and row.progress]
        return _draw("_progress_partials.html", {"rows": moving}) if moving else "", bool(changed)

    def _repository_partials(self, ids: set[str]) -> tuple[str, bool]:
        found = repository_rows(repositories_for(self.member).filter(pk__in=ids), default_llm())
        rows = {str(row.repository.pk): row for row in found}
        changed = self._changed(ids, {id: row.state for id, row in rows.items()})
        moving = [row for id, row in rows.items() if id not in changed and row.progress]
        return _draw("_repository_partials.html", {"repository_rows": moving}) if moving else "", bool(changed)

    def _changed(self, ids: set[str], now: Mapping[str, tuple[object, ...]]) -> set[str]:
        """Return which of `ids` the page shows otherwise than they are now, and take them for drawn."""
        changed = {id for id in ids if self._drawn.get(id) != now.get(id)}
        self._drawn = {id: state for id, state in {**self._drawn, **now}.items() if id not in ids or id in now}
        return changed


def _draw(template: str, context: dict[str, Any]) -> str:
    return render_to_string(template, context).strip()


async def gathered(batches: AsyncIterator[list[Event] | None]) -> AsyncIterator[list[Event] | None]:
    """Yield what comes within GATHER_SECONDS as one batch, the first at once; None (nothing new) as it comes."""
    last = 0.0
    async for events in batches:
        if events:
            await asyncio.sleep(max(0.0, last + GATHER_SECONDS - time.monotonic()))
            last = time.monotonic()
        yield events
