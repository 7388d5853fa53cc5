"""The page where answers stand side by side, its columns as they end, and its files."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client, RequestFactory

from analysis.answer import ask as asking
from analysis.answer import compare as comparing
from analysis.llm.catalogue import LLM
from analysis.models import Answer, Document, Question
from analysis.views import choices
from analysis.views.compare import finished_column
from tests.analysis.views.reading import ask, finish, text_document
from tests.conftest import Cast
from workspaces.models import Member, User

TEXT = "The term is three years. Beta pays a fee of one thousand dollars."
KIMI, QWEN = LLM("kimi", "Kimi K2", "", 262144, 800), LLM("qwen", "Qwen <3>", "", 32768, 800, self_hosted=True)


@pytest.fixture(autouse=True)
def two_llms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "llms", lambda *_: [KIMI, QWEN])
    monkeypatch.setattr(comparing, "llm_get", lambda id, **_: {"kimi": KIMI, "qwen": QWEN}[id])
    monkeypatch.setattr(asking, "_plan", lambda question, mode, llm: {})


@pytest.fixture
def document(cast: Cast) -> Document:
    return text_document(TEXT, cast.workspace, cast.owner)


@pytest.fixture
def pair(cast: Cast, document: Document) -> tuple[Answer, Answer]:
    """The answers of Kimi, which is finished, and of Qwen, which is being written."""
    done = ask(document, cast.owner, "=How long?")
    Answer.objects.filter(pk=done.pk).update(llm="kimi")
    done.refresh_from_db()
    finish(done, [("It runs for three years.", True, ["The term is three years."]), ("It is free.", False, [])])
    return done, Answer.objects.create(question=done.question, number=2, llm="qwen", status="running")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_columns_stand_side_by_side(cast: Cast, pair: tuple[Answer, Answer]) -> None:
    done, running = pair
    page = signed_in(cast.viewer).get(f"/q/{done.question_id}/compare/").content.decode()
    assert page.index("<h2>Kimi K2</h2>") < page.index("<h2>Qwen &lt;3&gt;</h2>")
    assert f'hx-sse:connect="/a/{running.pk}/events/?column" hx-sse:close="done"' in page
    assert '<dt>Supported</dt><dd class="numbers">1 of 2</dd>' in page
    assert '<dt>First word</dt><dd class="numbers">1.9 s</dd>' in page
    assert '<dt>Tokens</dt><dd class="numbers">412 in, 20 out</dd>' in page
    assert "first to finish" not in page
    assert "Choose language models" not in page


def test_a_column_that_ends_tells_every_column_what_it_is_best_at(cast: Cast, pair: tuple[Answer, Answer]) -> None:
    done, running = pair
    finish(running, [("It runs for three years.", True, ["The term is three years."])])
    Answer.objects.filter(pk=running.pk).update(usage=running.usage | {"seconds": 3.0})
    request = RequestFactory().get("/")
    request.user = cast.viewer
    running.refresh_from_db()
    message = finished_column(request, running, Member.objects.get(user=cast.viewer))
    assert f'<hx-partial hx-target="#card-{running.pk}" hx-swap="outerHTML"><article class="answer column"' in message
    assert f'<hx-partial hx-target="#figures-{done.pk}" hx-swap="innerHTML">' in message
    assert f'hx-target="#card-{done.pk}"' not in message
    own, other = message.split(f'<hx-partial hx-target="#figures-{done.pk}"')
    assert '<dd class="numbers">3.0 s <span class="badge badge-ok">first to finish</span></dd>' in own
    assert '<dd class="numbers">1 of 1 <span class="badge badge-ok">best supported</span></dd>' in own
    assert "badge" not in other


def test_comparing_asks_those_that_have_not_answered(cast: Cast, document: Document) -> None:
    first = ask(document, cast.owner, "How long?", status="done")
    Answer.objects.filter(pk=first.pk).update(llm="kimi")
    url = f"/q/{first.question_id}/compare/"
    client = signed_in(cast.editor)
    assert '<input type="checkbox" name="llms" value="kimi" checked>' in client.get(url).content.decode()
    refused = client.post(url, {"llms": ["kimi"]})
    assert refused.status_code == 422
    assert "Choose two or more language models to compare." in refused.content.decode()
    assert client.post(url, {"llms": ["kimi", "qwen"], "mode": "whole"})["Location"] == url
    kept = first.question.answers.values_list("llm", "status", "mode_requested")
    assert list(kept) == [("kimi", "done", "auto"), ("qwen", "queued", "whole")]


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_the_ask_box_leads_to_the_comparison(cast: Cast, document: Document, headers: dict[str, str]) -> None:
    form = {"text": "How long?", "document": str(document.pk), "llms": ["kimi", "qwen"]}
    reply = signed_in(cast.editor).post("/w/firm/ask/", form, headers=headers)
    url = f"/q/{Question.objects.get().pk}/compare/"
    assert reply["HX-Redirect" if headers else "Location"] == url
    assert list(Answer.objects.order_by("number").values_list("llm", flat=True)) == ["kimi", "qwen"]


def test_the_spreadsheet_runs_no_formula(cast: Cast, pair: tuple[Answer, Answer]) -> None:
    reply = signed_in(cast.viewer).get(f"/q/{pair[0].question_id}/compare/csv/")
    assert reply["Content-Type"] == "text/csv; charset=utf-8"
    assert reply["Content-Disposition"].startswith("attachment;")
    rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(reply.content.decode())))
    assert [row["llm"] for row in rows] == ["kimi", "qwen"]
    assert {row["question"] for row in rows} == {"'=How long?"}
    assert rows[0]["answer"] == "It runs for three years. [1] It is free."
    assert rows[0]["citations"] == "[1] agreement.txt, page 1: “The term is three years.”"
    assert (rows[0]["supported_share"], rows[0]["seconds"], rows[0]["prompt_tokens"]) == ("0.5", "6.2", "412")
    assert (rows[1]["supported_share"], rows[1]["status"]) == ("", "running")


def test_the_comparison_as_markdown(cast: Cast, pair: tuple[Answer, Answer]) -> None:
    text = signed_in(cast.viewer).get(f"/q/{pair[0].question_id}/compare/md/").content.decode()
    assert text.startswith("# =How long?\n\n|  | kimi | qwen |\n| --- | --- | --- |\n| mode | whole |  |\n")
    assert "| supported share | 0.5 |  |\n" in text
    assert "## kimi\n\nIt runs for three years. [1] It is free.\n\n- [1] agreement.txt, page 1:" in text
    assert "## qwen\n\n(running)\n" in text


def test_there_are_two_kinds_of_file(cast: Cast, pair: tuple[Answer, Answer]) -> None:
    assert signed_in(cast.viewer).get(f"/q/{pair[0].question_id}/compare/xlsx/").status_code == 404
