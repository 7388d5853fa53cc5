"""What open pages are told as it happens: who is here, what was said and asked, each only who may know."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Coroutine

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from analysis import progress
from analysis.answer.ask import emit_listed
from analysis.models import Document, Question
from tests.conftest import Cast
from tests.rows import make_answer, make_document
from tests.workspaces.together.rows import closed_folder, place_of
from workspaces.together import presence
from workspaces.together.comments import comment_write
from workspaces.together.presence import Place, Stay, who_is_here
from workspaces.views.together import PageNews, Room


class Page:
    """An open page: its messages, one by one, without heartbeats."""

    def __init__(self, room: Room) -> None:
        self.frames = PageNews(room).frames("0")

    async def next(self) -> str:
        while True:
            message = (await asyncio.wait_for(anext(self.frames), 20)).decode()
            if "data: " in message:
                return message

    async def until(self, words: str) -> str:
        while words not in (message := await self.next()):
            pass
        return message

    async def close(self) -> None:
        assert isinstance(self.frames, AsyncIterator)
        await self.frames.aclose()  # type: ignore[attr-defined]


def finish(test: Coroutine[None, None, None]) -> None:
    """Run the test, and close the connection of the thread that asked the database for it."""

    async def run() -> None:
        try:
            await test
        finally:
            await sync_to_async(connections.close_all)()

    asyncio.run(run())


@pytest.fixture
def document(cast: Cast) -> Document:
    return make_document(cast).document


def place(document: Document) -> Place:
    return Place(document.workspace_id, "document", document.pk)


def names(message: str) -> list[str]:
    return re.findall(r'class="person" title="([^"]*)"', message)


@pytest.mark.django_db(transaction=True)
def test_people_come_and_go(cast, document):
    async def run() -> None:
        owner, editor = await sync_to_async(lambda: [place_of(cast, who) for who in (cast.owner, cast.editor)])()
        first, second = Page(Room(owner, place(document))), Page(Room(editor, place(document)))
        await anext(first.frames)
        assert names(await second.next()) == ["owner@firm.example"]
        assert names(await first.until("hx-partial")) == ["editor@firm.example"]
        await second.close()
        assert names(await first.until("hx-partial")) == []
        await first.close()
        assert who_is_here(place(document)) == []

    finish(run())


def test_a_page_that_died_is_forgotten_in_time(cast, document, monkeypatch):
    Stay(place(document), cast.owner.pk).go_on()
    one, other = Stay(place(document), cast.editor.pk), Stay(place(document), cast.editor.pk)
    one.go_on()
    other.go_on()
    one.end()
    assert who_is_here(place(document)) == [cast.owner.pk, cast.editor.pk]
    assert presence.PRESENT_SECONDS <= 30
    later = presence.time.time() + presence.PRESENT_SECONDS + 1
    monkeypatch.setattr(presence.time, "time", lambda: later)
    assert who_is_here(place(document)) == []
    assert 0 < progress.connection().ttl(place(document).key) <= 60


@pytest.mark.django_db(transaction=True)
def test_whoever_is_shut_out_is_here_no_longer(cast, document, monkeypatch):
    monkeypatch.setattr("workspaces.views.together.HEARTBEAT_SECONDS", 0)

    async def run() -> None:
        editor = await sync_to_async(lambda: place_of(cast, cast.editor))()
        page = Page(Room(editor, place(document)))
        await anext(page.frames)
        assert who_is_here(place(document)) == [cast.editor.pk]
        folder = await sync_to_async(lambda: closed_folder(cast))()
        await sync_to_async(lambda: Document.objects.filter(pk=document.pk).update(folder=folder))()
        progress.emit(progress.workspace_stream(cast.workspace.pk), "comment", {"document": str(document.pk)})
        async for _ in page.frames:
            pass
        assert who_is_here(place(document)) == []

    finish(run())


@pytest.mark.django_db(transaction=True)
def test_what_is_said_and_asked_is_told_to_who_sees_it(cast, document):
    def happen() -> Question:
        comment_write(author=place_of(cast, cast.owner), subject=document, text="@editor@firm.example")
        private = make_answer(cast, document.versions.get(), "")
        Question.objects.filter(pk=private.question_id).update(shared=False)
        comment_write(author=place_of(cast, cast.owner), subject=private.question, text="To myself.")
        shared = make_answer(cast, document.versions.get(), "")
        for answer in (private, shared):
            emit_listed(answer)
        return shared

    async def run() -> None:
        editor = await sync_to_async(lambda: place_of(cast, cast.editor))()
        page = Page(Room(editor, place(document)))
        await anext(page.frames)
        shared = await sync_to_async(happen)()
        told = ""
        while "event: asked" not in told:
            told += await page.next()
        await page.close()
        assert told.count("event: bell") == 1
        said = [json.loads(each) for each in re.findall(r"event: comments\ndata: (.*)", told)]
        assert {each for ids in said for each in ids} == {str(document.pk)}
        asked = [json.loads(each) for each in re.findall(r"event: asked\ndata: (.*)", told)]
        assert asked == [[{"answer": str(shared.pk), "parent": ""}]]

    finish(run())
