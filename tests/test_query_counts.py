"""No page asks the database more often because there is more in it: every route, with rows and with thrice as many.

The routes are those of the URLconf, and the rows copies of all that the tables hold: new ones join by themselves.
"""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from analysis.models import Call, Document
from tests.conftest import Cast
from tests.multiply import multiply, rows_of, tables
from tests.rows import add_sentence, make_answer
from tests.test_routes import NO_SUCH_METHOD, OURS, arguments, visit  # noqa: F401  fixtures
from workspaces.models import (
    ApiToken,
    Comment,
    Folder,
    FolderGrant,
    FolderSight,
    HookDelivery,
    Member,
    Notification,
    User,
    WebHook,
)

COPIES = 2  # of every row, so that there are three
# Each of a question's answers is put together by itself; there are as many as people have asked for.
GROWING = {"api-1:list_answers"}


@pytest.fixture
def everything(arguments: dict[str, object], cast: Cast) -> dict[str, object]:  # noqa: F811
    """Have a row in each table that a page may list."""
    document = Document.objects.select_related("version").get(pk=arguments["document_id"])
    member = Member.objects.get(workspace=cast.workspace, user=cast.viewer)
    folder = Folder.objects.create(workspace=cast.workspace, name="Closed matters", restricted=True, closed=True)
    inner = Folder.objects.create(workspace=cast.workspace, name="Inner", parent=folder, closed=True)
    for each in (folder, inner):
        FolderGrant.objects.create(folder=each, member=member)
        FolderSight.objects.create(folder=each, member=member)
    Document.objects.filter(pk=document.pk).update(folder=inner)
    answer = make_answer(cast, document.version, "The term is five years. Delaware law.")
    add_sentence(answer, 0, "The term is five years.", (document.version, 0, 10))
    Call.objects.create(workspace=cast.workspace, answer=answer, user=cast.owner, purpose="question", llm="q")
    comment = Comment.objects.get(pk=arguments["comment_id"])
    reply = Comment.objects.create(
        workspace=cast.workspace, author=cast.viewer, document=document, parent=comment, text="Because.",
        assignee=cast.editor,
    )  # fmt: skip
    reply.mentioned.add(cast.editor)
    for place in ({"question": answer.question}, {"answer": answer}):
        on = Comment.objects.create(workspace=cast.workspace, author=cast.editor, text="So?", **place)
        on.mentioned.add(cast.viewer)
    Notification.objects.create(
        user=cast.owner, workspace=cast.workspace, kind="answered", actor=cast.editor, question=answer.question
    )
    Notification.objects.create(
        user=cast.owner, workspace=cast.workspace, kind="mentioned", actor=cast.viewer, comment=reply, document=document
    )
    hook = WebHook.objects.create(
        workspace=cast.workspace, name="Away", url="https://hooks.example/", secret="s", created_by=cast.owner
    )
    HookDelivery.objects.create(hook=hook, event="answer.done", created_at=timezone.now())
    clerk = User.objects.create_user("clerk@service.invalid", service_of=cast.workspace)
    Member.objects.create(workspace=cast.workspace, user=clerk, role="editor")
    ApiToken.issue(user=clerk, name="clerk's", workspace=cast.workspace)
    User.objects.filter(pk=cast.owner.pk).update(is_staff=True, is_superuser=True)
    cast.owner.refresh_from_db()
    return arguments


def asked_by(visit, cast: Cast, name: str) -> list[str] | None:  # noqa: F811
    """Return what a route asks of the database when it is read; None for one that is not."""
    with CaptureQueriesContext(connection) as asked:
        reply = visit(cast.owner, name, "GET")
    return None if reply.status_code == NO_SUCH_METHOD else [query["sql"] for query in asked.captured_queries]


def test_no_page_asks_more_often_because_there_is_more(everything, visit, cast: Cast) -> None:  # noqa: F811
    for name in OURS:
        visit(cast.owner, name, "GET")  # what is kept between requests is there from now on
    few = {name: asked for name in OURS if (asked := asked_by(visit, cast, name)) is not None}
    multiply(rows_of(tables()), COPIES)
    assert Document.objects.filter(repository=None).count() >= 3
    # Asked once more where it looks so: what is kept may have run out just then.
    grown = {
        name for name, before in few.items() if more(visit, cast, name, before) and more(visit, cast, name, before)
    }
    assert grown == GROWING


def more(visit, cast: Cast, name: str, before: list[str]) -> bool:  # noqa: F811
    return len(asked_by(visit, cast, name) or []) > len(before)
