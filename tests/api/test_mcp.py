"""The SDK's own client against the live server: tools, their schemas, who may what, and who is not let in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import httpx2
import pytest
from django.core.asgi import get_asgi_application
from django.utils import timezone
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from analysis.api.mcp.serving import WithMcp
from analysis.llm import client
from analysis.models import Answer, Question, Snapshot
from analysis.views.sse import checked
from tests.analysis.answer.rows import SECRET, document, repository
from tests.analysis.conftest import bundled_llm, words_as_meaning  # noqa: F401  # fixtures
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM
from tests.conftest import Cast
from tests.live import answering, served
from workspaces.models import ApiToken, AuditEvent, Scope, User, Workspace

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "The term is five years. Delaware law governs this lease. The rent is $900 a month."
TERM = "The term is five years."
TOOLS = ["ask", "list_documents", "list_workspaces", "plan", "read", "read_file", "search"]


@pytest.fixture
def live(
    cast: Cast, bundled_llm: ScriptedLLM, words_as_meaning: None, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> Iterator[str]:  # fmt: skip
    monkeypatch.setattr(client, "BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr("analysis.api.search.search_with_filters", lambda *_, **__: [])
    bundled_llm.replies = [Reply(words=[" The term", " is five", " years."])]
    with answering(monkeypatch), served(WithMcp(get_asgi_application()), lifespan="on") as app:
        yield app.url


@asynccontextmanager
async def program(
    live: str, user: User, *, scope: Scope = Scope.WRITE, workspace: Workspace | None = None
) -> AsyncIterator[Client]:
    _, token = await checked(ApiToken.issue)(user=user, name="mcp", scope=scope, workspace=workspace)
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http,
        Client(streamable_http_client(f"{live}/mcp", http_client=http)) as session,
    ):
        yield session


async def told(session: Client, name: str, **arguments: Any) -> dict[str, Any]:
    """What a tool gives; it must not refuse."""
    result = await session.call_tool(name, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def refused(session: Client, name: str, **arguments: Any) -> str:
    """What a tool says that refuses."""
    result = await session.call_tool(name, arguments)
    assert result.is_error
    return result.content[0].text.removeprefix(f"Error executing tool {name}: ")


async def test_the_tools_say_what_they_take_give_and_do(live: str, cast: Cast) -> None:
    async with program(live, cast.viewer) as session:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
    assert sorted(tools) == TOOLS
    assert all(tool.output_schema and tool.description and tool.title for tool in tools.values())
    assert {name for name, tool in tools.items() if not tool.annotations.read_only_hint} == {"ask"}
    assert tools["ask"].input_schema["required"] == ["workspace", "question"]


async def test_looking_around_reading_and_planning(live: str, cast: Cast) -> None:
    lease = await checked(document)(cast, text=TEXT, pages=2)
    code = await checked(repository)(cast, {"app.py": f"key = '{SECRET}'\nrent = 900\n"})
    await checked(Snapshot.objects.update)(symbols_at=timezone.now())
    async with program(live, cast.viewer, scope=Scope.READ) as session:
        places = await told(session, "list_workspaces")
        held = await told(session, "list_documents", workspace="firm")
        one = await told(session, "list_documents", workspace="firm", limit=1)
        second = await told(session, "list_documents", workspace="firm", limit=1, offset=1)
        span = await told(session, "read", document_id=str(lease.pk), start_char=4, end_char=8)
        page = await told(session, "read", document_id=str(lease.pk), first_page=2)
        lines = await told(session, "read_file", repository_id=str(code.pk), path="app.py")
        last = await told(session, "read_file", repository_id=str(code.pk), path="app.py", start_line=2)
        plan = await told(session, "plan", workspace="firm", question="How long?", document_ids=[str(lease.pk)])
        found = await told(session, "search", workspace="firm", query="term")
    assert [place["slug"] for place in places["workspaces"]] == ["firm"]
    assert [(item["kind"], item["name"]) for item in held["items"]] == [
        ("document", "lease.pdf"),
        ("repository", "app"),
    ]
    assert (len(one["items"]), one["more"]) == (1, True)
    assert ([item["name"] for item in second["items"]], second["more"]) == (["app"], False)
    assert (span["text"], span["characters"], span["more"]) == ("term", len(TEXT), True)
    assert TEXT.endswith(page["text"])
    assert (page["end_char"], page["more"]) == (len(TEXT), False)
    assert SECRET not in lines["text"]
    assert (last["text"].strip(), last["start_line"], last["more"]) == ("rent = 900", 2, False)
    assert (plan["plan"]["mode"], found["hits"]) == ("whole", [])
    opened = await checked(AuditEvent.objects.get)(action="document.opened")
    assert (opened.actor, opened.via, opened.token_id is None) == ("viewer@firm.example", "api", False)


async def test_asking_waits_tells_how_it_goes_and_cites(live: str, cast: Cast) -> None:
    lease = await checked(document)(cast, text=TEXT)
    heard: list[str] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message or "")

    async with program(live, cast.reviewer) as session:
        asked = {"workspace": "firm", "question": "How long?", "document_ids": [str(lease.pk)]}
        result = await session.call_tool("ask", asked, progress_callback=hear)
        answer = result.structured_content
        again = await told(
            session, "ask", **asked | {"question": "Why?", "follows": answer["question_id"], "shared": False}
        )
    assert (answer["answer"], answer["status"], answer["complete"]) == (TERM, "done", True)
    assert answer["sentences"] == [{"text": TERM, "supported": True, "citations": [0]}]
    cited = answer["citations"][0]
    assert (cited["quote"], cited["name"], cited["url"]) == (
        TERM,
        "lease.pdf, page 1",
        f"/d/{lease.pk}/?start_char=0&end_char={len(TERM)}",
    )
    assert "Checking each sentence against the source" in heard
    question = await checked(Question.objects.select_related("asker", "parent").get)(pk=again["question_id"])
    assert (question.asker.email, str(question.parent.pk)) == ("reviewer@firm.example", answer["question_id"])
    assert not question.shared


async def test_a_token_does_no_more_than_it_may(live: str, cast: Cast) -> None:
    lease = await checked(document)(cast, text=TEXT)
    asked = {"workspace": "firm", "question": "How long?"}
    missing = "There is nothing here, or you may not see it."
    async with program(live, cast.owner, scope=Scope.READ) as session:
        assert "it was made to read" in await refused(session, "ask", **asked)
    async with program(live, cast.viewer) as session:
        assert "role of reviewer" in await refused(session, "ask", **asked)
    async with program(live, cast.outsider) as session:
        assert await refused(session, "ask", **asked) == missing
        assert await refused(session, "plan", **asked) == missing
        assert await refused(session, "search", workspace="firm", query="term") == missing
        assert await refused(session, "list_documents", workspace="firm") == missing
        assert await refused(session, "read", document_id=str(lease.pk)) == missing
        assert await refused(session, "read_file", repository_id=str(lease.pk), path="a") == missing
        assert [place["slug"] for place in (await told(session, "list_workspaces"))["workspaces"]] == ["elsewhere"]
    assert not await checked(Question.objects.exists)()


async def test_an_answer_that_fails_says_why(live: str, cast: Cast, bundled_llm: ScriptedLLM) -> None:  # noqa: F811
    lease = await checked(document)(cast, text=TEXT)
    bundled_llm.replies = [Reply(status=400, body='{"error": {"message": "no"}}')]
    async with program(live, cast.editor) as session:
        said = await refused(session, "ask", workspace="firm", question="How long?", document_ids=[str(lease.pk)])
    assert said.endswith((await checked(Answer.objects.get)()).error_message)


def test_who_is_not_let_in(live: str, cast: Cast) -> None:
    _, token = ApiToken.issue(user=cast.viewer, name="mcp")
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}

    def status(method: str = "POST", **headers: str) -> int:
        sent = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"} | headers
        return httpx.request(method, f"{live}/mcp", json=call, headers=sent).status_code

    assert status() == 200
    assert status(Origin=live) == 200
    assert status(Authorization="Bearer lectern_wrong") == 401
    assert status(Authorization="") == 401
    assert status(Cookie="sessionid=abc", Authorization="") == 401
    assert status(Origin="https://evil.example") == 403
    assert status(Host="evil.example") == 403
    assert status("GET") == 405
    assert httpx.get(f"{live}/healthz").status_code in {200, 503}  # everything else is Django's
