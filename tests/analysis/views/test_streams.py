"""An answer's stream: whatever is cut, repeated or begun again, the page ends with the same text, once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from analysis import hub, progress
from analysis.answer.render import render_text
from analysis.models import Answer, DocumentVersion, Snapshot
from analysis.progress import Event
from analysis.views.fold import LiveAnswer
from tests.analysis.views.reading import ask, bare_document, finish, text_document
from tests.analysis.views.repositories import repository_of
from tests.conftest import Cast
from workspaces.folders import folder_create, folder_restrict, move_into
from workspaces.models import Member, User

TEXT = "The term is three years. Beta pays a fee."


class Page:
    """The part of a page that a stream changes, as htmx changes it: blocks by id in order, the stage, the card."""

    def __init__(self) -> None:
        self.blocks: dict[str, str] = {}
        self.stage = ""
        self.card = ""
        self.id = ""
        self.done = False

    def take(self, message: str) -> None:
        lines = message.split("\n")
        self.done = self.done or "event: done" in lines
        self.id = next((line[4:] for line in lines if line.startswith("id: ")), self.id)
        data = "\n".join(line[6:] for line in lines if line.startswith("data: "))
        for target, body in re.findall(
            r'<hx-partial hx-target="#(\w+)-[^"]*" hx-swap="\w+">(.*?)</hx-partial>', data, re.S
        ):
            if target == "text":
                self.blocks = _blocks(body)
            elif target == "stage":
                self.stage = body
            else:
                self.card = body
        for body in re.findall(r'<hx-upsert hx-target="#text-[^"]*">(.*?)</hx-upsert>', data, re.S):
            self.blocks |= _blocks(body)

    @property
    def html(self) -> str:
        return "".join(self.blocks.values())


def _blocks(body: str) -> dict[str, str]:
    return dict(re.findall(r'<div class="block" id="([^"]+)">(.*?)</div>', body, re.S))


def token(number: int, start: int, text: str) -> Event:
    return Event(f"{number}-0", "token", {"start_char": start, "text": text})


pieces = st.lists(st.sampled_from(["a ", "b.", "\n\n", "- c\n", "**d** ", "```\n", "<i>"]), max_size=25)


@given(pieces, pieces, st.data())
def test_any_cut_and_any_batches_give_the_same_page(first: list[str], second: list[str], data: st.DataObject) -> None:
    """The run writes `first`, dies, and begins again with `second`."""
    events: list[Event] = []
    for run in (first, second):
        at = 0
        for piece in run:
            events.append(token(len(events) + 1, at, piece))
            at += len(piece)
    kept = "".join(second) if second else "".join(first)
    cut = data.draw(st.integers(0, len(events)))

    page = Page()
    live = LiveAnswer("a")
    new = True
    at = 0
    while at < cut:
        size = data.draw(st.integers(1, 4))
        live.take(events[at : min(cut, at + size)])
        page.take("data: " + (live.everything() if new else live.changes()).replace("\n", "\ndata: "))
        new, at = False, at + size
    # Another process goes on for the same page.
    live = LiveAnswer("a")
    live.take(events[:cut])
    live.changes()
    live.take(events[cut:])
    page.take("data: " + (live.changes() if cut else live.everything()).replace("\n", "\ndata: "))

    whole = LiveAnswer("a")
    whole.take(events)
    assert whole.text == kept
    assert page.blocks == _blocks(str(whole.blocks))


def test_a_finished_block_is_not_sent_again() -> None:
    live = LiveAnswer("a")
    live.take([token(1, 0, "One.\n\nTwo")])
    live.everything()
    live.take([token(2, 9, " words.")])
    assert live.changes() == (
        '<hx-upsert hx-target="#text-a"><div class="block" id="block-a-1"><p>Two words.</p>\n</div></hx-upsert>'
    )
    assert live.changes() == ""


def test_the_stage_is_said_in_words() -> None:
    live = LiveAnswer("a")
    assert live.stage_line == "<span>Waiting to begin</span>"
    live.take(
        [Event("1-0", "progress", {"stage": "reading", "message": "Reading page <2> of 3", "done": 2, "total": 3})]
    )
    assert live.stage_line == '<span>Reading page &lt;2&gt; of 3</span><progress value="2" max="3"></progress>'
    live.take([token(2, 0, "x")])
    assert live.stage_line == "<span>Writing</span>"


# The view


async def messages(user: User, answer: Answer, **headers: str) -> AsyncIterator[str]:
    """Yield the messages that `user` gets from the answer's stream."""
    client = AsyncClient()
    await client.aforce_login(user)
    response: Any = await client.get(f"/a/{answer.pk}/events/", headers=headers)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/event-stream"
    waiting = ""
    async with asyncio.timeout(20):
        async for piece in response.streaming_content:
            *complete, waiting = (waiting + piece.decode()).split("\n\n")
            for message in complete:
                yield message


async def read(user: User, answer: Answer, page: Page | None = None, *, count: int | None = None) -> Page:
    """Return the page after `count` messages, or at the stream's end; a page that comes back tells what it has seen."""
    page = page or Page()
    headers = {"Last-Event-ID": page.id} if page.id else {}
    async with aclosing(messages(user, answer, **headers)) as stream:
        async for message in stream:
            page.take(message)
            count = None if count is None else count - 1
            if count == 0:
                break
    return page


@sync_to_async
def running(cast: Cast) -> Answer:
    return ask(text_document(TEXT, cast.workspace, cast.owner), cast.owner, "How long?")


@sync_to_async
def write(answer: Answer, words: list[str]) -> None:
    at = 0
    for word in words:
        progress.emit(progress.answer_stream(answer.pk), "token", {"start_char": at, "text": word})
        at += len(word)


@sync_to_async
def end(answer: Answer) -> None:
    finish(answer, [("The term is three years.", True, ["The term is three years."])])
    for name, data in [("answer", {"id": str(answer.pk)}), ("done", {"status": "done"})]:
        progress.emit(progress.answer_stream(answer.pk), name, data)


@pytest.mark.django_db(transaction=True)
async def test_the_text_comes_as_it_is_written_and_the_card_at_the_end(cast: Cast) -> None:
    answer = await running(cast)
    stream = messages(cast.viewer, answer)
    page = Page()
    await write(answer, ["The term "])
    page.take(await anext(stream))
    assert (page.html, page.stage) == ("<p>The term</p>\n", "<span>Writing</span>")
    await end(answer)
    async for message in stream:
        page.take(message)
    assert page.done
    assert page.card.startswith(f'<article class="answer" id="card-{answer.pk}"')
    assert '<span class="sentence supported" data-sentence="0">The term is three years.</span>' in page.card


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seen", range(5))
async def test_a_page_that_comes_back_has_every_word_once(cast: Cast, seen: int) -> None:
    answer = await running(cast)
    words = ["One.\n\n", "Two ", "three.\n\n", "- four"]
    page = Page()
    if seen:
        await write(answer, words[:seen])
        await read(cast.viewer, answer, page, count=1)
    await write(answer, words)  # from the start: what was written before the cut comes again
    await read(cast.viewer, answer, page, count=1)
    assert page.html == "".join(render_text(block) for block in ["One.", "Two three.", "- four"])


@pytest.mark.django_db(transaction=True)
async def test_two_readers_see_the_same(cast: Cast) -> None:
    answer = await running(cast)
    await write(answer, ["One ", "two."])
    first = await read(cast.viewer, answer, count=1)
    second = await read(cast.editor, answer, count=1)
    assert first.html == second.html == "<p>One two.</p>\n"


@pytest.mark.django_db(transaction=True)
async def test_a_finished_answer_comes_from_the_database(cast: Cast) -> None:
    answer = await running(cast)
    await end(answer)
    await sync_to_async(progress.forget)(progress.answer_stream(answer.pk))
    page = await read(cast.viewer, answer)
    assert page.done
    assert "The term is three years." in page.card


@pytest.mark.django_db(transaction=True)
async def test_an_answer_whose_events_are_gone_is_finished_at_the_heartbeat(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await running(cast)

    async def quiet(stream: str) -> AsyncIterator[None]:
        await sync_to_async(finish)(answer, [("Done.", None, [])])
        yield None

    monkeypatch.setattr(hub, "follow", quiet)
    page = await read(cast.viewer, answer)
    assert page.done
    assert "<p>Done.</p>" in page.card


@pytest.mark.django_db(transaction=True)
async def test_the_stream_ends_with_the_membership(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = await running(cast)

    async def quiet(stream: str) -> AsyncIterator[None]:
        await Member.objects.filter(user=cast.viewer).adelete()
        yield None

    monkeypatch.setattr(hub, "follow", quiet)
    page = await read(cast.viewer, answer)
    assert (page.done, page.card) == (False, "")


@pytest.mark.django_db(transaction=True)
async def test_the_stream_ends_where_the_folder_is_closed(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = await running(cast)

    def close() -> None:
        folder = folder_create(workspace=cast.workspace, name="Closed")
        folder_restrict(folder, restricted=True)
        move_into(folder, workspace=cast.workspace, documents=list(answer.question.documents.all()))

    async def quiet(stream: str) -> AsyncIterator[None]:
        await sync_to_async(close)()
        yield None

    monkeypatch.setattr(hub, "follow", quiet)
    page = await read(cast.viewer, answer)
    assert (page.done, page.card) == (False, "")


@pytest.mark.django_db(transaction=True)
async def test_a_failed_answer_says_why(cast: Cast) -> None:
    answer = await running(cast)
    await Answer.objects.filter(pk=answer.pk).aupdate(
        status="failed", error_code="x", error_message="The model is away."
    )
    await sync_to_async(progress.emit)(progress.answer_stream(answer.pk), "failed", {"code": "x", "message": "gone"})
    page = await read(cast.viewer, answer)
    assert page.done
    assert "The model is away." in page.card


@pytest.mark.django_db(transaction=True)
async def test_an_outsider_gets_no_stream(cast: Cast) -> None:
    answer = await running(cast)
    client = AsyncClient()
    await client.aforce_login(cast.outsider)
    assert (await client.get(f"/a/{answer.pk}/events/")).status_code == 404
    document = await answer.question.documents.aget()
    assert (await client.get(f"/d/{document.pk}/events/")).status_code == 404


@pytest.mark.django_db(transaction=True)
async def test_a_document_tells_its_progress_and_then_that_it_changed(cast: Cast) -> None:
    document = await sync_to_async(bare_document)(
        cast.workspace, cast.owner, status="ingesting", stage="parse", stage_done=2, stage_total=9
    )
    client = AsyncClient()
    await client.aforce_login(cast.viewer)
    response: Any = await client.get(f"/d/{document.pk}/events/")
    stream = response.streaming_content
    async with asyncio.timeout(20):
        assert "Reading page 2 of 9" in (await anext(stream)).decode()
        await DocumentVersion.objects.filter(document=document).aupdate(status="ready")
        await sync_to_async(progress.announce_document)(document.workspace_id, document.pk)
        rest = "".join([piece.decode() async for piece in stream])
    assert rest.endswith("event: changed\ndata: \n\n")


@pytest.mark.django_db(transaction=True)
async def test_a_repository_tells_how_far_search_by_meaning_reaches_until_it_reaches_all(cast: Cast) -> None:
    repository = await sync_to_async(repository_of)(cast, {"app.py": "x = 1\n"})
    newest = Snapshot.objects.filter(repository=repository)
    await newest.aupdate(vectors_at=None, stage="embed", stage_done=1200, stage_total=3900)
    client = AsyncClient()
    await client.aforce_login(cast.viewer)
    page = (await client.get(f"/r/{repository.pk}/")).content.decode()
    line = "Search by meaning follows: 1,200 of 3,900 passages"
    assert (line in page, f"/r/{repository.pk}/events/?until=meaning" in page) == (True, True)
    response: Any = await client.get(f"/r/{repository.pk}/events/", {"until": "meaning"})
    stream = response.streaming_content
    async with asyncio.timeout(20):
        assert line in (await anext(stream)).decode()
        await newest.aupdate(stage_done=2400)
        await sync_to_async(progress.announce_repository)(repository.workspace_id, repository.pk)
        assert "2,400 of 3,900" in (await anext(stream)).decode()
        await newest.aupdate(vectors_at=timezone.now())
        await sync_to_async(progress.announce_repository)(repository.workspace_id, repository.pk)
        rest = "".join([piece.decode() async for piece in stream])
    assert rest.endswith("event: changed\ndata: \n\n")
    assert "Search by meaning" not in (await client.get(f"/r/{repository.pk}/")).content.decode()
