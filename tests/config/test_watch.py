"""What is seen of requests and tasks: ids, lines, counts."""

from __future__ import annotations

import json
import logging
import re

import pytest
from django.test import AsyncClient, Client
from django.urls import reverse

from analysis.tasks import tidy
from config import logs, tally, watch
from tests.rows import make_answer, make_document
from workspaces.models import ApiToken

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines() -> list[dict[str, object]]:
    """The lines that are logged from now on, as JSON lines hold them."""
    seen: list[dict[str, object]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(json.loads(logs.JsonLines().format(record)))

    handler = Kept()
    logging.getLogger().addHandler(handler)
    yield seen
    logging.getLogger().removeHandler(handler)


def counted(name: str) -> dict[tuple[str, ...], float]:
    from analysis.progress import connection

    tally.flush()
    return {tuple(each.labels.values()): each.value for each in tally.sums(connection()) if each.name == name}


def test_a_request_keeps_the_id_it_came_with_and_gets_one_else(client):
    given = client.get("/healthz", headers={"X-Request-ID": "proxy-1234567"})
    assert given["X-Request-ID"] == "proxy-1234567"
    for bad in ("short", "two words here", "line\\nbreak-in-it", "a" * 65, ""):
        made = client.get("/healthz", headers={"X-Request-ID": bad})["X-Request-ID"]
        assert re.fullmatch(r"[0-9a-f]{32}", made)
    assert logs.request_id.get() == ""


def test_a_line_names_route_person_status_and_no_path(cast, client, lines):
    client.force_login(cast.viewer)
    version = make_document(cast)
    reply = client.get(reverse("document", args=[version.document_id]))
    (line,) = [line for line in lines if line["logger"] == "lectern.requests"]
    assert line["message"] == "GET document 200"
    assert (line["method"], line["route"], line["status"]) == ("GET", "document", 200)
    assert line["user_id"] == cast.viewer.pk
    assert line["request_id"] == reply["X-Request-ID"]
    assert line["milliseconds"] > 0
    assert str(version.document_id) not in json.dumps(line)


def test_the_person_of_a_token_is_named_by_their_id(cast, client, lines):
    _, token = ApiToken.issue(user=cast.owner, name="script")
    client.get("/api/v1/workspaces", headers={"Authorization": f"Bearer {token}"})
    (line,) = [line for line in lines if line["logger"] == "lectern.requests"]
    assert (line["route"], line["user_id"]) == ("api-1:list_workspaces", cast.owner.pk)


async def test_an_asynchronous_request_is_seen_too(lines, db):
    reply = await AsyncClient().get("/nowhere")
    assert reply["X-Request-ID"]
    (line,) = [line for line in lines if line["logger"] == "lectern.requests"]
    assert (line["route"], line["status"], line["request_id"]) == ("none", 404, reply["X-Request-ID"])


def test_machines_that_ask_all_the_time_leave_no_lines(client, lines):
    client.get("/healthz")
    client.get("/metrics")
    assert [line for line in lines if line["logger"] == "lectern.requests"] == []


def test_requests_are_counted_by_route_and_kind_of_status(cast, client):
    before = counted("request_class")
    client.get("/accounts/login/")
    client.get("/accounts/login/")
    client.get("/nowhere/at/all")
    new = {key: value - before.get(key, 0) for key, value in counted("request_class").items()}
    by_route = {key[2:]: 0 for key in new}
    for key, value in new.items():
        by_route[key[2:]] += value
    assert {route: value for route, value in by_route.items() if value} == {
        ("account_login", "2xx"): 2,
        ("none", "4xx"): 1,
    }


def test_a_task_takes_the_id_of_the_request_that_sent_it():
    headers: dict[str, object] = {}
    token = logs.request_id.set("click-000001")
    try:
        watch.send_along(headers=headers)
    finally:
        logs.request_id.reset(token)
    assert headers == {"request_id": "click-000001"}
    tidy.push_request(headers)
    try:
        watch.begin_task(task=tidy, task_id="task-1")
        assert (logs.request_id.get(), logs.task_id.get()) == ("click-000001", "task-1")
        watch.end_task(task=tidy, task_id="task-1", state="SUCCESS")
    finally:
        tidy.pop_request()
    assert (logs.request_id.get(), logs.task_id.get()) == ("", "")
    assert counted("task_class")["0.005", "success", "analysis.tasks.tidy"] >= 1


def test_what_cannot_be_counted_now_is_counted_later(monkeypatch):
    import redis

    from analysis import progress
    from local.process import free_port

    before = counted("errors").get(("somewhere",), 0)
    lost = redis.Redis.from_url(f"redis://127.0.0.1:{free_port()}/0")
    tally.count("errors", logger="somewhere")
    with monkeypatch.context() as patch:
        patch.setattr(progress, "connection", lambda: lost)
        tally.flush()
    tally.count("errors", 2, logger="somewhere")
    assert counted("errors")["somewhere",] == before + 3


def test_no_line_holds_words_of_a_document_or_a_secret(cast, lines):
    """A document and a question with words of their own go through pages, interface and a failure that quotes them."""
    words = "zirconium quarterly covenant"
    version = make_document(cast, text=f"The {words} stands. " * 3)
    answer = make_answer(cast, version, f"The {words} stands.")
    answer.question.text = f"Where is the {words}?"
    answer.question.save()
    _, token = ApiToken.issue(user=cast.owner, name="script")
    client = Client(raise_request_exception=False)
    client.force_login(cast.owner)
    client.get(reverse("question", args=[answer.question_id]))
    client.get(f"/api/v1/documents/{version.document_id}/text", headers={"Authorization": f"Bearer {token}"})
    client.get("/w/firm/search/?q=zirconium")
    client.get(f"/invites/{token}/")
    client.get(f"/start/{token}/")
    log = logging.getLogger("analysis.somewhere")
    try:
        raise ValueError(f"cannot parse {words!r}")
    except ValueError as error:
        log.exception("Version 7 failed: %s", error)
        log.error("Task x raised unexpected: %r\n%s", error, words, exc_info=True)
    log.warning("Refused Authorization: Bearer %s for redis://:hunter2@host/0", token)
    held = json.dumps(lines)
    assert "Version 7 failed" in held
    for secret in (words, "zirconium", token, "hunter2"):
        assert secret not in held


def test_an_exception_is_told_by_its_kind_and_place(lines):
    try:
        raise LookupError("what it says")
    except LookupError:
        logging.getLogger("analysis.somewhere").exception("It failed")
    (line,) = lines
    assert line["message"] == "It failed"
    assert line["exception"]["type"] == "builtins.LookupError"
    assert line["exception"]["calls"][-1].startswith("tests/config/test_watch.py:")
    assert line["level"] == "error"


def test_plain_lines_strike_secrets_out_as_well():
    record = logging.LogRecord("a", logging.INFO, "", 0, "Not Found: %s", ("/invites/abcdefghijk/",), None)
    assert logs.PlainLines("%(message)s").format(record) == "Not Found: /invites/…/"
