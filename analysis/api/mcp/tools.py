"""The tools, for models of other programs: each an operation of the HTTP interface, with its rules and refusals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import wraps
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

import redis
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from analysis.answer import masked
from analysis.answer.payload import answer_payload
from analysis.answer.render import place_name, place_url
from analysis.api import questions, search, sources, workspaces
from analysis.api.auth import ApiRequest
from analysis.api.chosen import file_for, snapshot_for
from analysis.api.documents import ready_version
from analysis.api.errors import NOT_FOUND
from analysis.api.events import answer_events
from analysis.api.mcp import results
from analysis.api.mcp.gate import VIEWER
from analysis.api.repositories import newest_of
from analysis.api.schemas import PlanIn, QuestionIn
from analysis.errors import LecternError, UserError
from analysis.models import Answer, AnswerStatus
from analysis.types import Mode
from analysis.views.sse import checked
from workspaces.access import (
    Viewer,
    documents_for,
    get_answer_or_404,
    get_document_or_404,
    member_or_404,
    repositories_for,
)
from workspaces.audit.entry import record_opened
from workspaces.audit.origin import acting

P = ParamSpec("P")
Result = TypeVar("Result")
Called = Context[Any, Any]

LONGEST_READ = 100_000  # characters, or lines, in one call
BROKEN_OFF = "The answer goes on, but cannot be followed from here any more. It will be at {}."
READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
ASKS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)

Slug = Annotated[str, Field(description="The workspace's slug, as list_workspaces gives it")]
Documents = Annotated[list[UUID], Field(description="Keep to these documents", max_length=1000)]
Repositories = Annotated[list[UUID], Field(description="Keep to these repositories", max_length=1000)]
Path = Annotated[str, Field(description="Keep to this folder or file of the one repository", max_length=1000)]
Offset = Annotated[int, Field(ge=0, le=10_000_000)]


def work(viewer: Viewer, call: Callable[Concatenate[Viewer, P], Result]) -> Callable[P, Awaitable[Result]]:
    """Return `call` as done by the viewer: in a thread, and told to the model in words when it is refused."""

    def done(*args: P.args, **kwargs: P.kwargs) -> Result:
        try:
            with acting("api", viewer.user, token_id=viewer.token_id):
                return call(viewer, *args, **kwargs)
        except Http404:
            raise ToolError(NOT_FOUND) from None
        except PermissionDenied as error:
            raise ToolError(str(error)) from error
        except LecternError as error:
            raise ToolError(error.message) from error

    return wraps(call)(checked(done))


def viewer_in(context: Called) -> Viewer:
    """Return who has called, as the gate found out."""
    request: Any = context.request_context.request
    viewer: Viewer = request.scope[VIEWER]
    return viewer


def request_of(viewer: Viewer) -> ApiRequest:
    """Return a request as the operations take it."""
    request = ApiRequest()
    request.auth = viewer
    return request


def add_tools(server: MCPServer[Any]) -> None:
    """Offer the tools."""
    _add_reading(server)
    _add_asking(server)


def _add_reading(server: MCPServer[Any]) -> None:
    """Offer what shows what there is, finds it and reads it."""

    @server.tool(title="List workspaces", annotations=READS)
    async def list_workspaces(context: Called) -> results.Workspaces:
        """The workspaces that this token opens: each has documents and code repositories of its own."""
        return await work(viewer_in(context), _workspaces)()

    @server.tool(title="List documents and repositories", annotations=READS)
    async def list_documents(
        context: Called, *, workspace: Slug, name: Annotated[str, Field(description="A part of the name")] = "",
        limit: Annotated[int, Field(ge=1, le=200)] = 50, offset: Offset = 0,
    ) -> results.Contents:  # fmt: skip
        """What a workspace holds, newest first: first its documents, then its code repositories."""
        return await work(viewer_in(context), _contents)(workspace, name, limit, offset)

    @server.tool(title="Search", annotations=READS)
    async def search(
        context: Called, *, workspace: Slug,
        query: Annotated[str, Field(description="What to look for, by meaning and by word", max_length=2000)],
        document_ids: Documents = [], repository_ids: Repositories = [], path: Path = "",  # noqa: B006
        limit: Annotated[int, Field(ge=1, le=100)] = 10,
    ) -> results.Found:  # fmt: skip
        """The passages that answer the query best, each with its place. For an answer with checked citations, ask."""
        where = {"document_id": document_ids, "repository_id": repository_ids, "path": path, "limit": limit}
        return await work(viewer_in(context), _found)(workspace, query, where)

    @server.tool(title="Read a document", annotations=READS)
    async def read(
        context: Called, *, document_id: UUID,
        start_char: Offset = 0,
        end_char: Annotated[int | None, Field(ge=0, description="Not included; by default the text's end")] = None,
        first_page: Annotated[int | None, Field(ge=1, description="In place of start_char and end_char")] = None,
        last_page: Annotated[int | None, Field(ge=1, description="Included; by default the first page alone")] = None,
    ) -> results.Text:  # fmt: skip
        """The text of a document, or of a span or pages of it; at most 100,000 characters a call."""
        pages = None if first_page is None else (first_page, last_page or first_page)
        return await work(viewer_in(context), _text)(document_id, start_char, end_char, pages)

    @server.tool(title="Read a file of a repository", annotations=READS)
    async def read_file(
        context: Called, *, repository_id: UUID, path: Annotated[str, Field(min_length=1, max_length=1000)],
        start_line: Annotated[int, Field(ge=1)] = 1,
        end_line: Annotated[int | None, Field(ge=1, description="Included")] = None,
    ) -> results.Lines:  # fmt: skip
        """Lines of a file of a code repository, with secrets masked."""
        return await work(viewer_in(context), _lines)(repository_id, path, start_line, end_line)


def _add_asking(server: MCPServer[Any]) -> None:
    """Offer what has the workspace's language model read for a question."""

    @server.tool(title="Plan a question", annotations=READS)
    async def plan(
        context: Called, *, workspace: Slug, question: str, document_ids: Documents = [],  # noqa: B006
        repository_ids: Repositories = [], path: Path = "", mode: Mode = Mode.AUTO, llm: str = "",  # noqa: B006
    ) -> results.Planned:  # fmt: skip
        """How the question would be read: whole, in parts or by passages; tokens, cost and seconds. Nothing is run."""
        asked = {"text": question, "document_ids": document_ids, "repository_ids": repository_ids, "path": path}
        return await work(viewer_in(context), _planned)(workspace, asked | {"mode": mode, "llm": llm})

    @server.tool(title="Ask", annotations=ASKS)
    async def ask(
        context: Called, *, workspace: Slug, question: str, document_ids: Documents = [],  # noqa: B006
        repository_ids: Repositories = [], path: Path = "", mode: Mode = Mode.AUTO, llm: str = "",  # noqa: B006
        follows: Annotated[UUID | None, Field(description="The question that this one follows up")] = None,
        shared: Annotated[bool, Field(description="Whether others in the workspace see it")] = True,
    ) -> results.Answered:  # fmt: skip
        """Has the workspace's language model answer from the documents, each sentence checked against its source.

        Waits until the answer is written, which takes seconds to minutes; progress is told meanwhile. The question and
        its answer stay in the workspace.
        """
        viewer = viewer_in(context)
        asked: dict[str, Any] = {
            "text": question,
            "document_ids": document_ids,
            "repository_ids": repository_ids,
            "path": path,
        }
        answer_id, url = await work(viewer, _asked)(
            workspace, asked | {"mode": mode, "llm": llm, "parent_id": follows, "shared": shared}
        )
        try:
            await _followed(context, viewer, answer_id)
        except (Http404, redis.RedisError):
            raise ToolError(BROKEN_OFF.format(url)) from None
        return await work(viewer, _answered)(answer_id)


async def _followed(context: Called, viewer: Viewer, answer_id: UUID) -> None:
    """Return once the answer is finished, having told how it goes."""
    told = 0
    async with aclosing(answer_events(viewer, answer_id)) as events:
        async for event in events:
            if event is not None and event.name == "progress":
                told += 1
                await context.report_progress(told, message=event.data["message"])


def _workspaces(viewer: Viewer) -> results.Workspaces:
    return results.Workspaces.model_validate({"workspaces": workspaces.list_workspaces(request_of(viewer))})


def _contents(viewer: Viewer, slug: str, name: str, limit: int, offset: int) -> results.Contents:
    member = member_or_404(viewer, slug)
    documents = documents_for(member).filter(name__icontains=name).select_related("version")
    repositories = repositories_for(member).filter(name__icontains=name)
    rows = list(documents.defer("version__metadata")[offset : offset + limit + 1])
    listed = [
        results.Listed(
            id=str(row.pk), kind="document", name=row.name, url=_page(f"/d/{row.pk}/"),
            status=row.version.status if row.version else "queued",
            pages=row.version.page_count if row.version else 0, tokens=row.version.tokens if row.version else 0,
        )
        for row in rows
    ]  # fmt: skip
    past = max(0, offset - documents.order_by().count()) if len(rows) <= limit else 0
    room = limit + 1 - len(rows)
    more = list(repositories[past : past + room]) if room else []
    newest = newest_of(more)
    listed += [
        results.Listed(
            id=str(row.pk), kind="repository", name=row.name, url=_page(f"/r/{row.pk}/"), pages=0,
            status=newest[row.pk].status if row.pk in newest else "queued",
            tokens=row.snapshot.tokens if row.snapshot else 0,
        )
        for row in more
    ]  # fmt: skip
    return results.Contents(items=listed[:limit], more=len(listed) > limit)


def _found(viewer: Viewer, slug: str, query: str, where: dict[str, Any]) -> results.Found:
    hits = search.search(request_of(viewer), slug, query, **where)
    return results.Found.model_validate({"hits": hits})


def _text(
    viewer: Viewer, document_id: UUID, start_char: int, end_char: int | None, pages: tuple[int, int] | None
) -> results.Text:
    document = get_document_or_404(viewer, document_id)
    version = ready_version(document)
    if pages is not None:
        rows = version.pages.filter(number__range=pages).order_by("number")
        spans = list(rows.values_list("start_char", "end_char"))
        if not spans:
            raise UserError(f"The document has {version.page_count} pages.", code="no_page")
        start_char, end_char = spans[0][0], spans[-1][1]
    record_opened(document, viewer.user.pk)
    wanted = version.characters if end_char is None else min(end_char, version.characters)
    start = min(start_char, version.characters)
    end = max(start, min(wanted, start + LONGEST_READ))
    return results.Text(
        name=document.name, text=masked.read(version, start, end), start_char=start, end_char=end,
        characters=version.characters, more=end < version.characters,
        url=_page(f"/d/{document.pk}/?start_char={start}&end_char={end}"),
    )  # fmt: skip


def _lines(viewer: Viewer, repository_id: UUID, path: str, start_line: int, end_line: int | None) -> results.Lines:
    file = sources.get_file(
        request_of(viewer), repository_id, path=path, start_line=start_line, end_line=end_line, snapshot=None
    )
    version = file_for(snapshot_for(viewer, repository_id), path).version
    # As a language model may get it: secrets masked.
    text, end = masked.read(version, file["start_char"], file["end_char"]), file["end_line"]
    if len(text) > LONGEST_READ:
        text = text[:LONGEST_READ].rpartition("\n")[0]
        end = file["start_line"] + text.count("\n")
    same = {name: file[name] for name in ("path", "start_line", "line_count")}
    return results.Lines(**same, text=text, end_line=end, more=end < file["line_count"])


def _planned(viewer: Viewer, slug: str, asked: dict[str, Any]) -> results.Planned:
    return results.Planned.model_validate({"plan": questions.plan_question(request_of(viewer), slug, PlanIn(**asked))})


def _asked(viewer: Viewer, slug: str, asked: dict[str, Any]) -> tuple[UUID, str]:
    """Return the id of the answer that will be written, and where."""
    begun = questions.ask_question(request_of(viewer), slug, QuestionIn(**asked)).value
    return begun["answer_id"], _page(f"/q/{begun['id']}/")


def _answered(viewer: Viewer, answer_id: UUID) -> results.Answered:
    answer: Answer = get_answer_or_404(viewer, answer_id)
    payload = answer_payload(answer)
    if payload["status"] == AnswerStatus.FAILED:
        raise ToolError(payload["error"]["message"])
    cited = [
        {"name": place_name(each), "url": _page(place_url(each))}
        | {name: each[name] for name in ("document_id", "place", "quote", "start_char", "end_char", "stale")}
        for each in payload["citations"]
    ]
    same = {name: payload[name] for name in ("answer_id", "status", "mode", "answer", "sentences", "usage")}
    complete = payload["coverage"]["complete"]
    about = {"question_id": payload["id"], "url": _page(f"/q/{payload['id']}/"), "complete": complete}
    return results.Answered.model_validate(same | about | {"citations": cited})


def _page(path: str) -> str:
    """Return a page's address; a path where the installation has none (LECTERN_PUBLIC_URL)."""
    return settings.PUBLIC_URL.rstrip("/") + path
