"""Nothing of a firm reaches another: every route, by what it sends back.

A word that stands nowhere else is planted in all that the firm has. Then all is asked for, by a stranger and a visitor:
with the firm's ids in the addresses and in whatever else a request can carry. New routes join by themselves.
`tests.test_routes` has the status codes; this is about the bytes.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.http import HttpResponseBase
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse

from analysis.api import api
from analysis.models import Answer, Call, Document, Question, Repository, VersionText
from tests.conftest import Cast
from tests.test_routes import (
    API,
    MEMBERS_ONLY,
    NO_SUCH_METHOD,
    OURS,
    ROUTES,
    arguments,  # noqa: F401  a fixture
    closed,
    get_resolver_arguments,
    rolled_back,
    visit,  # noqa: F401  a fixture, for what it keeps from happening
)
from workspaces.folders import folder_create, folder_restrict, move_into
from workspaces.models import ApiToken, Comment, Folder, Member, Role, User, WebHook

PLANTED = "zqplanted"
IDS = re.compile(r"(document|repositor|question|answer|folder|comment|member|parent|hook|token|summar)\w*")
# What differs from reply to reply, whatever was asked for.
CHANGING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}|csrfmiddlewaretoken\" value=\"\w+\"|X-CSRFToken\": \"\w+\"|nonce-\S+"
    r"|after=\d+-\d+"
    r"|\d{4}-\d\d-\d\dT[\d:.+Z]+|\b\d{1,9}\b"
)


@pytest.fixture
def firm(arguments: dict[str, Any], cast: Cast, visit: Any) -> dict[str, Any]:  # noqa: F811
    """Return what leads to the firm's rows, in all of which a word of their own is planted."""
    folder = folder_create(workspace=cast.workspace, name="Closed matters", by=cast.owner)
    WebHook.objects.create(workspace=cast.workspace, name=PLANTED, url=f"https://{PLANTED}.example/", secret=PLANTED)
    Comment.objects.filter(workspace=cast.workspace).update(text=PLANTED)
    for rows, *names in [
        (Document.objects.filter(workspace=cast.workspace), "name"),
        (VersionText.objects.all(), "text"),
        (Question.objects.filter(workspace=cast.workspace), "text"),
        (Answer.objects.all(), "text", "reasoning", "error_message"),
        (Repository.objects.filter(workspace=cast.workspace), "name"),
        (Folder.objects.filter(pk=folder.pk), "name"),
        (ApiToken.objects.all(), "name"),
    ]:
        rows.update(**{name: Concat(Value(PLANTED), F(name)) for name in names})
    Call.objects.update(prompt=[{"role": "user", "content": [PLANTED]}])
    return arguments | {"folder_id": folder.pk}


@pytest.fixture
def ask(cast: Cast) -> Any:
    """Return a function that asks a route as somebody and returns the reply and what it says."""
    clients: dict[object, Client] = {None: Client(raise_request_exception=False)}
    tokens: dict[object, dict[str, str]] = {None: {}}

    def ask_as(who: User | None, name: str, method: str, places: dict[str, Any], **given: Any) -> tuple[int, str]:
        if who is not None and who.pk not in clients:
            clients[who.pk] = Client(raise_request_exception=False)
            clients[who.pk].force_login(who)
            tokens[who.pk] = {"Authorization": f"Bearer {ApiToken.issue(user=who, name='visit')[1]}"}
        key = who.pk if who else None
        client = clients[None] if name in API else clients[key]
        path = reverse(name, kwargs={slot: places.get(slot, 1) for slot in get_resolver_arguments(name)})
        query = ROUTES[name].query
        if given.get("query"):
            query = f"{query}{'&' if query else '?'}{given['query']}"
        with rolled_back():
            sent = {} if method == "GET" else given.get("body", {})
            reply = client.generic(method, path + query, headers=tokens[key] if name in API else {}, **sent)
            assert method == "GET" or links_across() == [], (name, method)
            return reply.status_code, said(reply)

    return ask_as


def said(reply: HttpResponseBase) -> str:
    """Return all that the reply tells: its headers and its body; a stream is let go unread."""
    headers = "\n".join(f"{key}: {value}" for key, value in reply.items())
    return headers + "\n" + ("" if closed(reply).streaming else reply.content.decode("utf-8", "replace"))


def links_across() -> list[str]:
    """Return the relations between rows of different workspaces; there must never be one."""
    found = [
        ("question", Question.objects.exclude(documents=None).exclude(documents__workspace=F("workspace"))),
        ("question", Question.objects.exclude(repositories=None).exclude(repositories__workspace=F("workspace"))),
        ("question", Question.objects.exclude(folders=None).exclude(folders__workspace=F("workspace"))),
        ("question", Question.objects.exclude(parent=None).exclude(parent__workspace=F("workspace"))),
        ("document", Document.objects.exclude(folder=None).exclude(folder__workspace=F("workspace"))),
        ("repository", Repository.objects.exclude(folder=None).exclude(folder__workspace=F("workspace"))),
        ("folder", Folder.objects.exclude(parent=None).exclude(parent__workspace=F("workspace"))),
        ("comment", Comment.objects.exclude(document=None).exclude(document__workspace=F("workspace"))),
        ("comment", Comment.objects.exclude(parent=None).exclude(parent__workspace=F("workspace"))),
    ]
    return [name for name, rows in found if rows.exists()]


def in_body(name: str, method: str, places: dict[str, Any]) -> dict[str, Any]:
    """Return a body whose every field that can name a row names one of `places`, as the route takes bodies."""
    if name in API and "file" not in ROUTES[name].body:
        fields = ROUTES[name].body | {key: row_of(key, places, many) for key, many in api_fields(name, method)}
        return {"data": json.dumps(fields, default=str), "content_type": "application/json"}
    names = ["document", "documents", "repository", "repositories", "folder", "folders", "question", "parent", "member",
             "answer", "comment", "document_ids", "repository_ids", "folder_ids", "members", "assignee"]  # fmt: skip
    fields = {"text": "How long?", "name": "New"} | {key: row_of(key, places, many=False) for key in names}
    fields |= {
        key: SimpleUploadedFile("lease.txt", b"words") if key == "file" else value
        for key, value in ROUTES[name].body.items()
        if value != []
    }
    return {"data": encode_multipart(BOUNDARY, fields), "content_type": MULTIPART_CONTENT}


def api_fields(name: str, method: str) -> Iterator[tuple[str, bool]]:
    """Yield the fields of the operation's body that name rows, and whether they name several."""
    schema = whole_schema()
    for methods in schema["paths"].values():
        operation = methods.get(method.lower())
        if not operation or not operation["operationId"].endswith(name.rpartition(":")[2]):
            continue
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        reference = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        properties = schema["components"]["schemas"].get(reference, {}).get("properties", {})
        for key, of in properties.items():
            if IDS.fullmatch(key) and key.endswith(("_id", "_ids")):
                yield key, of.get("type") == "array" or key.endswith("_ids")


@cache
def whole_schema() -> dict[str, Any]:
    return api.get_openapi_schema()


def row_of(key: str, places: dict[str, Any], many: bool) -> Any:
    """Return the id of a row of the kind that the field is called by; of the document where it could be any."""
    found = IDS.match(key)
    kind = found[1] if found else ""
    noun = {"repositor": "repository", "parent": "question", "summar": "summary"}.get(kind, kind)
    row = places.get(f"{noun}_id", places["document_id"])
    return [row] if many else row


def nowhere(places: dict[str, Any]) -> dict[str, Any]:
    """Return the same with ids that nothing has."""
    made_up = {
        key: uuid.uuid4() if isinstance(value, uuid.UUID) else 987654
        for key, value in places.items()
        if key.endswith("_id") and not isinstance(value, str)
    }
    return places | made_up | {"slug": "nowhere-at-all"}


def as_told(told: str) -> str:
    return CHANGING.sub("", told).replace("nowhere-at-all", "firm")


def test_the_owner_finds_what_was_planted(firm: dict[str, Any], cast: Cast, ask: Any) -> None:
    found = {name for name in MEMBERS_ONLY if PLANTED in ask(cast.owner, name, "GET", firm)[1]}
    pages = {"workspace", "document", "question", "repository", "answer_card", "palette"}
    operations = {"api-1:get_question", "api-1:list_documents", "api-1:list_questions"}
    assert pages | operations <= found


def test_a_stranger_is_told_nothing_and_cannot_tell_what_is_there(firm: dict[str, Any], cast: Cast, ask: Any) -> None:
    gone = nowhere(firm)
    leaks, tells = set(), set()
    for name in OURS:
        for method in ("GET", "POST", "PATCH", "DELETE") if name in API else ("GET", "POST"):
            for who in (cast.outsider, None) if method == "GET" else (cast.outsider,):
                status, told = ask(who, name, method, firm, body=in_body(name, method, firm))
                if status == NO_SUCH_METHOD:
                    continue
                if PLANTED in told or "firm.example" in told:
                    leaks.add((name, method, status))
                if name in MEMBERS_ONLY and who is not None:
                    other = ask(who, name, method, gone, body=in_body(name, method, gone))
                    if status != other[0] or as_told(told) != as_told(other[1]):
                        tells.add((name, method, status, other[0]))
    assert (leaks, tells) == (set(), set())


def test_a_closed_folder_tells_nothing_to_who_is_not_on_its_list(firm: dict[str, Any], cast: Cast, ask: Any) -> None:
    """All that was planted lies in the folder now, or was asked of what lies there."""
    folder = Folder.objects.get(pk=firm["folder_id"])
    rows = {"documents": Document.objects.filter(repository=None), "repositories": Repository.objects.all()}
    move_into(folder, workspace=cast.workspace, **{kind: list(found) for kind, found in rows.items()})
    folder_restrict(folder, restricted=True)
    user = User.objects.create_user("guest@client.example", "correct horse battery")
    Member.objects.create(workspace=cast.workspace, user=user, role=Role.EDITOR, guest=True)
    leaks = set()
    for name in MEMBERS_ONLY:
        for method in ("GET", "POST", "PATCH", "DELETE") if name in API else ("GET", "POST"):
            for who in (cast.editor, cast.viewer, user):
                status, told = ask(who, name, method, firm, body=in_body(name, method, firm), query=query_of(firm))
                if PLANTED in told:
                    leaks.add((name, method, status, who.email))
    assert leaks == set()


def test_a_strangers_own_workspace_takes_no_row_of_the_firm(firm: dict[str, Any], cast: Cast, ask: Any) -> None:
    """With the ids in bodies and queries: no byte comes back, no row is linked, ids of nothing are told the same."""
    own, gone = firm | {"slug": "elsewhere"}, nowhere(firm) | {"slug": "elsewhere"}
    wrong = set()
    for name in [name for name in MEMBERS_ONLY if get_resolver_arguments(name) == {"slug"}]:
        for method in ("GET", "POST"):
            told = [
                ask(cast.outsider, name, method, places, body=in_body(name, method, places), query=query_of(places))
                for places in (own, gone)
            ]
            if any(PLANTED in each[1] for each in told) or told[0][0] != told[1][0]:
                wrong.add((name, method, told[0][0], told[1][0]))
    assert wrong == set()


def query_of(places: dict[str, Any]) -> str:
    return "&".join(f"{key}={places[f'{key}_id']}" for key in ("document", "repository", "folder", "question"))
