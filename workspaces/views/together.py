"""What an open page is told of the others: who is here, what they say, what they ask; and what they stand by."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from analysis import hub
from analysis.errors import LecternError
from analysis.models import Purpose, Question
from analysis.progress import HEARTBEAT_SECONDS, Event, workspace_stream
from analysis.views.cards import card_for
from analysis.views.live import gathered
from analysis.views.question import refusal, told
from analysis.views.sse import HEARTBEAT, STREAM_ID, checked, frame, last_event_id, sse_response
from workspaces.access import (
    get_answer_or_404,
    get_document_or_404,
    get_question_or_404,
    get_repository_or_404,
    member_of,
    member_or_404,
    person,
    questions_for,
    sees,
    still_member,
)
from workspaces.models import Member, Role, User
from workspaces.together.approvals import answer_approve
from workspaces.together.live import news_of
from workspaces.together.presence import Place, Stay, who_is_here
from workspaces.together.sharing import question_share

# What a page can be about, and how access to it is asked.
ROOMS: dict[str, Callable[..., Any]] = {
    "document": get_document_or_404,
    "repository": get_repository_or_404,
    "question": get_question_or_404,
}


@dataclass(frozen=True)
class Room:
    """What a page is about, for the one who looks at it. place: None for a page that is about nothing in particular."""

    member: Member
    place: Place | None = None

    def still_open(self) -> bool:
        """Return whether they may still be here."""
        if self.place is None or self.place.kind not in ROOMS:
            return still_member(self.member.user_id, self.member.workspace_id)
        assert isinstance(self.place.id, UUID), "documents, repositories and questions have such ids"  # noqa: S101
        return sees(self.member.user, ROOMS[self.place.kind], self.place.id)


@login_required
@require_GET
async def page_events(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """Return the stream of what others do about what the page is about: `?document=`, `?repository=`, `?question=`."""
    room = await checked(_room)(request, slug)
    seen = last_event_id(request)
    given = request.GET.get("after", "")
    now = f"{time.time_ns() // 1_000_000}-0"
    after = seen if seen != "0" else given if STREAM_ID.match(given) else now
    return sse_response(PageNews(room).frames(after))


def _room(request: HttpRequest, slug: str) -> Room:
    member = member_or_404(person(request), slug)
    for kind, get in ROOMS.items():
        if given := request.GET.get(kind, ""):
            row = get(person(request), _uuid(given))
            return Room(member_of(person(request), row.workspace), Place(row.workspace_id, kind, row.pk))
    whole = Place(member.workspace_id, "workspace", member.workspace_id) if "workspace" in request.GET else None
    return Room(member, whole)


def _uuid(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        return UUID(int=0)  # which nothing has


class PageNews:
    """What one open page is told, as server-sent events.

    Of what was said, asked and approved it is told that it was, by ids that its reader may know; the page fetches what
    it shows of that, as its reader may see it. Who is here is drawn at once.
    """

    def __init__(self, room: Room) -> None:
        self.room = room
        self.member = room.member
        self._here: list[int] = []
        self._asked: set[UUID] = set()
        self._checked_at = time.monotonic()

    async def frames(self, after: str) -> AsyncIterator[bytes]:
        """Yield messages for ever; end when the person may be here no longer."""
        stay = Stay(self.room.place, self.member.user_id) if self.room.place else None
        try:
            async with aclosing(hub.follow(workspace_stream(self.member.workspace_id), after)) as batches:
                yield await checked(self._first)(stay)
                async for events in gathered(batches):
                    if not await self._may_stay(stay, events is None):
                        return
                    yield await checked(self.messages)(events or [])
        finally:
            if stay is not None:
                await asyncio.shield(sync_to_async(stay.end)())

    async def _may_stay(self, stay: Stay | None, heartbeat: bool) -> bool:
        """Return whether the reader may stay, and have them count as here; asked as often as a stream beats."""
        if not heartbeat and time.monotonic() - self._checked_at < HEARTBEAT_SECONDS:
            return True
        self._checked_at = time.monotonic()
        if not await checked(self.room.still_open)():
            return False
        if stay is not None:
            await sync_to_async(stay.go_on)()
        return True

    def _first(self, stay: Stay | None) -> bytes:
        if stay is not None:
            stay.go_on()
        return self._presence() or HEARTBEAT

    def messages(self, events: list[Event]) -> bytes:
        """Return the messages for a batch of events, the last of which carries the id to resume from."""
        told = self._presence() + b"".join(news_of(self.member, events)) + self._newly_asked(events)
        if not told:
            return HEARTBEAT
        return told + (frame("<!-- -->", id=events[-1].id) if events else b"")

    def _presence(self) -> bytes:
        """Return who else is here, drawn, if that is not what the page shows."""
        if self.room.place is None:
            return b""
        here = [each for each in who_is_here(self.room.place) if each != self.member.user_id]
        if here == self._here:
            return b""
        self._here = here
        people = User.objects.filter(pk__in=here).order_by("email")
        return frame(render_to_string("_presence.html", {"people": people}).strip())

    def _newly_asked(self, events: list[Event]) -> bytes:
        """Return which answers to others' new questions belong on the page."""
        ids = {_uuid(str(event.data["id"])) for event in events if event.name == "question"} - self._asked
        if not ids or self.room.place is None:
            return b""
        found = self._here_of(questions_for(self.member).filter(pk__in=ids, purpose=Purpose.QUESTION))
        rows = found.exclude(asker=self.member.user_id).annotate(last=Max("answers__number")).filter(last=1)
        told = list(rows.values_list("pk", "answers__pk", "parent"))
        self._asked |= {row[0] for row in told}
        names = [{"answer": str(answer), "parent": str(parent or "")} for _, answer, parent in told]
        return frame(json.dumps(names), event="asked") if names else b""

    def _here_of(self, questions: QuerySet[Question]) -> QuerySet[Question]:
        place = self.room.place
        assert place is not None, "asked for a page about something"  # noqa: S101
        by = {"document": "documents", "repository": "repositories", "question": "parent", "workspace": "workspace"}
        return questions.filter(**{by[place.kind]: place.id})


@login_required
@require_POST
def answer_approve_view(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    """Stand by an answer, or take that back."""
    answer = get_answer_or_404(person(request), answer_id, role=Role.REVIEWER)
    member = member_of(person(request), answer.question.workspace)
    try:
        answer_approve(answer, by=member, approved=request.POST.get("approved") == "1")
    except LecternError as error:
        return refusal(request, error) or told(request, error, reverse("question", args=[answer.question_id]))
    if not request.headers.get("HX-Request"):
        return redirect(f"{reverse('question', args=[answer.question_id])}?answer={answer.number}")
    return render(request, "_answer.html", {"card": card_for(answer, member)})


@login_required
@require_POST
def question_share_view(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Share a question of one's own, or keep it to oneself."""
    asked = get_question_or_404(person(request), question_id)
    member = member_of(person(request), asked.workspace)
    try:
        question_share(asked, by=member.user, shared=request.POST.get("shared") == "1")
    except LecternError as error:
        return refusal(request, error) or told(request, error, reverse("question", args=[asked.pk]))
    if not request.headers.get("HX-Request"):
        return redirect("question", asked.pk)
    answer = asked.answers.filter(pk=_uuid(request.POST.get("answer", ""))).first() or asked.answers.latest("number")
    return render(request, "_answer.html", {"card": card_for(get_answer_or_404(person(request), answer.pk), member)})
