"""The streams that pages follow: an answer as it is written, a document as it is read in."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import aclosing
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from analysis import hub, progress
from analysis.lookups import Lookup
from analysis.models import Answer, Document, DocumentVersion, Repository, Snapshot
from analysis.progress import Event
from analysis.views.cards import card_for
from analysis.views.compare import finished_column
from analysis.views.fold import LiveAnswer
from analysis.views.listing import Progress, progress_of
from analysis.views.readers import still_open, still_sees
from analysis.views.snapshots import snapshot_progress
from analysis.views.sse import HEARTBEAT, checked, frame, last_event_id, sse_response
from workspaces.access import get_answer_or_404, get_document_or_404, get_repository_or_404, member_of, person
from workspaces.models import User

Row = TypeVar("Row")

NEW_READER = "0"
NOTHING = "<!-- -->"  # a region without content: a message without data would not arrive


@login_required
@require_GET
async def answer_events(request: HttpRequest, answer_id: UUID) -> StreamingHttpResponse:
    """Return the stream of an answer: its blocks as they are written, then its finished card, then `done`.

    With `?column` the card is that of a column beside other language models' answers.
    """
    answer = await checked(lambda: get_answer_or_404(person(request), answer_id))()
    return sse_response(AnswerStream(request, answer).frames(last_event_id(request)))


class AnswerStream:
    """What one open page is told of one answer."""

    def __init__(self, request: HttpRequest, answer: Answer) -> None:
        self.request = request
        self.answer_id = answer.pk
        self.user_id = person(request).pk
        self.workspace_id = answer.question.workspace_id
        self.finished = not answer.open
        self._checked_at = time.monotonic()

    async def frames(self, seen: str) -> AsyncIterator[bytes]:
        """Yield messages until the answer is finished; `seen` is the id of the last one that the page has."""
        if self.finished:
            yield await self._last(seen)
            return
        live, new_reader = LiveAnswer(self.answer_id), seen == NEW_READER
        async for events in hub.follow(progress.answer_stream(self.answer_id)):
            if not await self._may_go_on(events is None):
                return
            if events is None:
                # The events may be gone (they are kept for a day), or their writer; the row is what counts.
                if not await still_open(self.answer_id):
                    break
                yield HEARTBEAT
                continue
            old, new = _split(events, seen)
            live.take(old)
            live.changes()  # what the page has already
            live.take(new)
            if live.ended:
                break
            if new:
                seen = new[-1].id
                yield frame(live.everything() if new_reader else live.changes(), id=seen)
                new_reader = False
        yield await self._last(seen)

    async def _may_go_on(self, heartbeat: bool) -> bool:
        """Return whether the reader still sees the answer; asked at every heartbeat, and as often while words come."""
        if not heartbeat and time.monotonic() - self._checked_at < progress.HEARTBEAT_SECONDS:
            return True
        self._checked_at = time.monotonic()
        return await still_sees(self.user_id, self.workspace_id, "answer", self.answer_id)

    async def _last(self, seen: str) -> bytes:
        card = await checked(self._card)()
        return frame(card, id="" if seen == NEW_READER else seen) + frame("", event="done")

    def _card(self) -> str:
        try:
            answer = get_answer_or_404(person(self.request), self.answer_id)
        except Http404:
            gone = gettext("This answer has been deleted.")
            return f'<hx-partial hx-target="#live-{self.answer_id}" hx-swap="innerHTML"><p>{gone}</p></hx-partial>'
        member = member_of(person(self.request), answer.question.workspace)
        if "column" in self.request.GET:
            return finished_column(self.request, answer, member)
        html = render_to_string("_answer.html", {"card": card_for(answer, member)}, request=self.request)
        return f'<hx-partial hx-target="#card-{answer.pk}" hx-swap="outerHTML">{html}</hx-partial>'


def _split(events: list[Event], seen: str) -> tuple[list[Event], list[Event]]:
    """Return the events up to id `seen` and those after it."""
    position = progress.place(seen)
    old = [event for event in events if progress.place(event.id) <= position]
    return old, events[len(old) :]


async def _coming_in(reader: User, row: Document | Repository, region: Region[Any]) -> AsyncIterator[bytes]:
    """Yield the progress of the row that is read in, drawn anew as events about it come, then `changed`."""
    stream, id = progress.workspace_stream(row.workspace_id), row.pk
    kind = "document" if isinstance(row, Document) else "repository"
    # Where the stream stands is taken before the row is looked at, so that no change falls in between.
    newest = await checked(lambda: progress.newest(stream))()
    after = newest.id if newest else "0"
    html = await region.html(id)
    yield frame(html or NOTHING, id=after if newest else "")
    async with aclosing(hub.follow(stream, after, about=id)) as batches:
        while html:
            events = await anext(batches)
            if not await still_sees(reader.pk, row.workspace_id, kind, id):
                break
            html = await region.html(id)
            yield frame(html or NOTHING, id=events[-1].id) if events else HEARTBEAT
    yield frame("", event="changed")


class Region(Generic[Row]):
    """What a page shows of something that is being read in: found for many pages at once, drawn for each.

    find: the rows by the ids under which they are followed. draw: the row as HTML; "" once reading in is over.
    """

    def __init__(self, find: Callable[[Collection[UUID]], dict[UUID, Row]], draw: Callable[[Row], str]) -> None:
        self._find, self._draw = Lookup(find, within_seconds=0.1), draw

    async def html(self, id: UUID) -> str:
        row = await self._find(id)
        return self._draw(row) if row else ""


def _versions(ids: Collection[UUID]) -> dict[UUID, DocumentVersion]:
    """Return the newest version of each document."""
    newest = DocumentVersion.objects.filter(document__in=ids).order_by("document", "-number").distinct("document")
    return {version.document_id: version for version in newest}


def _snapshots(ids: Collection[UUID]) -> dict[UUID, Snapshot]:
    """Return the newest version of each repository."""
    newest = Snapshot.objects.filter(repository__in=ids).order_by("repository", "-number").distinct("repository")
    return {snapshot.repository_id: snapshot for snapshot in newest}


def _first_snapshots(ids: Collection[UUID]) -> dict[UUID, Snapshot]:
    """Return the newest version of each repository of which nothing can be seen yet."""
    seen = Snapshot.objects.filter(repository__in=ids, symbols_at__isnull=False).values_list("repository", flat=True)
    return _snapshots(set(ids) - set(seen))


def _current_snapshots(ids: Collection[UUID]) -> dict[UUID, Snapshot]:
    """Return the current version of each repository."""
    current = Snapshot.objects.filter(pk__in=Repository.objects.filter(pk__in=ids).values("snapshot"))
    return {snapshot.repository_id: snapshot for snapshot in current}


def _how_far(how_far: Progress | None) -> str:
    return render_to_string("_reading_in.html", {"progress": how_far}) if how_far else ""


def _meaning(snapshot: Snapshot) -> str:
    """Return how far search by meaning reaches; "" when it reaches all of the version."""
    return render_to_string("_repository_meaning.html", {"snapshot": snapshot}) if snapshot.by_words_alone else ""


DOCUMENT = Region(_versions, lambda version: _how_far(progress_of(version)))
REPOSITORIES = {
    "": Region(_first_snapshots, lambda snapshot: _how_far(snapshot_progress(snapshot))),
    "ready": Region(_snapshots, lambda snapshot: _how_far(snapshot_progress(snapshot))),
    "meaning": Region(_current_snapshots, _meaning),
}


@login_required
@require_GET
async def document_events(request: HttpRequest, document_id: UUID) -> StreamingHttpResponse:
    """Return the stream of a document that is being read in: its progress, then `changed` when that is over."""
    document = await checked(lambda: get_document_or_404(person(request), document_id))()
    return sse_response(_coming_in(person(request), document, DOCUMENT))


@login_required
@require_GET
async def repository_events(request: HttpRequest, repository_id: UUID) -> StreamingHttpResponse:
    """Return the stream of a repository that is being read in: its progress, then `changed` when a page would differ.

    That is when its files can be browsed, when the version is ready, and when it has failed; for `?until=meaning` when
    search by meaning reaches all of it.
    """
    found = await checked(lambda: get_repository_or_404(person(request), repository_id))()
    region = REPOSITORIES.get(request.GET.get("until", ""), REPOSITORIES[""])
    return sse_response(_coming_in(person(request), found, region))
