"""The streams that pages follow: an answer as it is written, a document as it is read in."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, StreamingHttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET

from analysis import progress
from analysis.models import Answer, DocumentVersion, IngestStatus, Repository, Snapshot
from analysis.progress import Event
from analysis.views.cards import card_for
from analysis.views.compare import finished_column
from analysis.views.fold import LiveAnswer
from analysis.views.listing import progress_of
from analysis.views.snapshots import snapshot_progress
from analysis.views.sse import HEARTBEAT, checked, frame, last_event_id, sse_response
from workspaces.access import (
    get_answer_or_404,
    get_document_or_404,
    get_repository_or_404,
    member_of,
    person,
    still_member,
)

NEW_READER = "0"


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
        async for events in progress.follow(progress.answer_stream(self.answer_id)):
            if not await self._may_go_on(events is None):
                return
            if events is None:
                # The events may be gone (they are kept for a day), or their writer; the row is what counts.
                if not await checked(self._still_open)():
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
        """Return whether the reader is still a member; asked at every heartbeat, and as often while words come."""
        if not heartbeat and time.monotonic() - self._checked_at < progress.HEARTBEAT_SECONDS:
            return True
        self._checked_at = time.monotonic()
        return await checked(still_member)(self.user_id, self.workspace_id)

    async def _last(self, seen: str) -> bytes:
        card = await checked(self._card)()
        return frame(card, id="" if seen == NEW_READER else seen) + frame("", event="done")

    def _still_open(self) -> bool:
        answer = Answer.objects.filter(pk=self.answer_id).first()
        return answer is not None and answer.open

    def _card(self) -> str:
        answers = Answer.objects.select_related("question__workspace", "question__asker")
        answer = answers.filter(pk=self.answer_id).first()
        if answer is None:
            gone = "This answer has been deleted."
            return f'<hx-partial hx-target="#live-{self.answer_id}" hx-swap="innerHTML"><p>{gone}</p></hx-partial>'
        member = member_of(person(self.request), answer.question.workspace)
        if "column" in self.request.GET:
            return finished_column(self.request, answer, member)
        html = render_to_string("_answer.html", {"card": card_for(answer, member)}, request=self.request)
        return f'<hx-partial hx-target="#card-{answer.pk}" hx-swap="outerHTML">{html}</hx-partial>'


def _split(events: list[Event], seen: str) -> tuple[list[Event], list[Event]]:
    """Return the events up to id `seen` and those after it."""
    position = _position(seen)
    old = [event for event in events if _position(event.id) <= position]
    return old, events[len(old) :]


def _position(event_id: str) -> tuple[int, int]:
    milliseconds, _, ordinal = event_id.partition("-")
    return int(milliseconds), int(ordinal or 0)


@login_required
@require_GET
async def document_events(request: HttpRequest, document_id: UUID) -> StreamingHttpResponse:
    """Return the stream of a document that is being read in: its progress, then `changed` when that is over."""
    document = await checked(lambda: get_document_or_404(person(request), document_id))()
    return sse_response(_document_frames(person(request).pk, document.workspace_id, document_id))


async def _document_frames(user_id: int, workspace_id: int, document_id: UUID) -> AsyncIterator[bytes]:
    async for message in _coming_in(user_id, workspace_id, document_id, _document_progress):
        yield message


async def _coming_in(
    user_id: int, workspace_id: int, id: UUID, progress_html: Callable[[UUID], tuple[str, bool]]
) -> AsyncIterator[bytes]:
    """Yield the progress of what is read in under `id`, drawn anew with each event about it, then `changed`."""
    stream = progress.workspace_stream(workspace_id)
    # Where the stream stands is taken before the row is looked at, so that no change falls in between.
    newest = await checked(lambda: progress.newest(stream))()
    html, over = await checked(progress_html)(id)
    yield frame(html, id=newest.id if newest else "")
    if over:
        yield frame("", event="changed")
        return
    async for events in progress.follow(stream, newest.id if newest else "0"):
        if not await checked(still_member)(user_id, workspace_id):
            break
        if events and all(event.data.get("id") != str(id) for event in events):
            continue
        html, over = await checked(progress_html)(id)
        yield frame(html, id=events[-1].id) if events else HEARTBEAT
        if over:
            break
    yield frame("", event="changed")


def _document_progress(document_id: UUID) -> tuple[str, bool]:
    """Return the progress of a document as HTML, and whether reading it in is over."""
    version = DocumentVersion.objects.filter(document=document_id).order_by("-number").first()
    if version is None or version.status in {IngestStatus.READY, IngestStatus.FAILED}:
        return "<!-- -->", True
    return render_to_string("_reading_in.html", {"progress": progress_of(version)}), False


@login_required
@require_GET
async def repository_events(request: HttpRequest, repository_id: UUID) -> StreamingHttpResponse:
    """Return the stream of a repository that is being read in: its progress, then `changed` when a page would differ.

    That is when its files can be browsed, when the version is ready, and when it has failed; for `?until=meaning` when
    search by meaning reaches all of it.
    """
    found = await checked(lambda: get_repository_or_404(person(request), repository_id))()
    draws = {"ready": _version_progress, "meaning": _meaning_progress}
    draw = draws.get(request.GET.get("until", ""), _first_progress)
    return sse_response(_coming_in(person(request).pk, found.workspace_id, repository_id, draw))


def _first_progress(repository_id: UUID) -> tuple[str, bool]:
    """Return the progress of a repository of which nothing can be seen yet, and whether something can."""
    if Snapshot.objects.filter(repository=repository_id, symbols_at__isnull=False).exists():
        return "<!-- -->", True
    return _version_progress(repository_id)


def _version_progress(repository_id: UUID) -> tuple[str, bool]:
    """Return the progress of a repository's newest version as HTML, and whether reading it in is over."""
    newest = Snapshot.objects.filter(repository=repository_id).order_by("-number").first()
    if newest is None or newest.status in {IngestStatus.READY, IngestStatus.FAILED}:
        return "<!-- -->", True
    return render_to_string("_reading_in.html", {"progress": snapshot_progress(newest)}), False


def _meaning_progress(repository_id: UUID) -> tuple[str, bool]:
    """Return how far search by meaning reaches in a repository's current version, and whether it reaches all of it."""
    snapshot = Snapshot.objects.filter(pk__in=Repository.objects.filter(pk=repository_id).values("snapshot")).first()
    html = render_to_string("_repository_meaning.html", {"snapshot": snapshot})
    return html, snapshot is None or not snapshot.by_words_alone
