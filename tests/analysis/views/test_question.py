"""Asking: the plan before it, refusals that keep the text, the card, versions, follow-ups, the permalink."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from analysis.answer import alternatives
from analysis.errors import UserError
from analysis.llm.catalogue import LLM
from analysis.models import Answer, Document
from analysis.types import Mode, ReadingPlan
from analysis.views import choices, plans
from analysis.views import question as views
from analysis.views.cards import card_for
from analysis.views.figures import dollars, duration, page_ranges, range_words
from tests.analysis.views.reading import ask, bare_document, document_from, finish, make_pdf, span_of, text_document
from tests.conftest import Cast
from workspaces.models import Member, User

TEXT = "The term is three years. Beta pays a fee of one thousand dollars."
HTMX = {"HX-Request": "true"}


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def document(cast: Cast) -> Document:
    return text_document(TEXT, cast.workspace, cast.owner)


@pytest.fixture
def answer(cast: Cast, document: Document) -> Answer:
    sentences = [("It runs for three years.", True, ["The term is three years."]), ("It is free.", False, [])]
    return finish(ask(document, cast.owner, "How long?"), sentences)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, cast: Cast, document: Document) -> list[dict[str, Any]]:
    """Keep what is asked, and give each question a running answer; no language model runs here."""
    calls: list[dict[str, Any]] = []

    def question_ask(**given: Any) -> Answer:
        calls.append(given)
        return ask(document, given["user"], given["text"])

    monkeypatch.setattr(views, "question_ask", question_ask)
    return calls


def test_a_question_shows_its_card_at_once(cast: Cast, document: Document, asked: list[dict[str, Any]]) -> None:
    form = {"text": "How <long>?", "document": str(document.pk), "mode": "whole", "llm": "x", "box": "ask"}
    response = signed_in(cast.editor).post("/w/firm/ask/", form, headers=HTMX)
    page = response.content.decode()
    made = Answer.objects.get()
    assert response.status_code == 200
    assert response["HX-Trigger"] == "lectern:asked"
    assert '<hx-partial hx-target="#answers" hx-swap="afterbegin">' in page
    assert '<hx-partial hx-target="#error-ask" hx-swap="innerHTML"></hx-partial>' in page
    assert f'hx-sse:connect="/a/{made.pk}/events/" hx-sse:close="done"' in page
    assert "How &lt;long&gt;?" in page
    assert asked == [
        {
            "workspace": cast.workspace,
            "user": cast.editor,
            "text": "How <long>?",
            "documents": [document],
            "repositories": [],
            "folders": [],
            "shared": True,
            "path": "",
            "mode": Mode.WHOLE,
            "llm": "x",
        }
    ]


def test_a_question_without_a_script_leads_to_its_page(
    cast: Cast, document: Document, asked: list[dict[str, Any]]
) -> None:
    response = signed_in(cast.editor).post("/w/firm/ask/", {"text": "How long?"})
    assert response["Location"] == f"/q/{Answer.objects.get().question_id}/"
    assert asked[0]["documents"] == []


@pytest.mark.parametrize("text", ["", "   ", "word " * 300_000])
def test_an_empty_or_endless_question_is_refused_and_kept(cast: Cast, document: Document, text: str) -> None:
    form = {"text": text, "document": str(document.pk), "box": "ask"}
    refused = signed_in(cast.editor).post("/w/firm/ask/", form, headers=HTMX)
    assert refused.status_code == 422
    assert refused.content.decode().startswith(
        '<hx-partial hx-target="#error-ask" hx-swap="innerHTML"><p class="error"'
    )
    plain = signed_in(cast.editor).post("/w/firm/ask/", form)
    assert plain.status_code == 422
    assert 'role="alert"' in plain.content.decode()
    assert len(plain.content) > len(text)
    assert not Answer.objects.exists()


def test_a_mode_that_is_none_is_refused(cast: Cast, document: Document) -> None:
    response = signed_in(cast.editor).post("/w/firm/ask/", {"text": "x", "mode": "guess", "box": "ask"}, headers=HTMX)
    assert response.status_code == 422


def test_the_box_of_a_refusal_is_an_id_and_nothing_else(cast: Cast, document: Document) -> None:
    form = {"text": "", "box": '"><script>'}
    page = signed_in(cast.editor).post("/w/firm/ask/", form, headers=HTMX).content.decode()
    assert 'hx-target="#error-ask"' in page


def test_a_document_out_of_sight_cannot_be_asked(cast: Cast, asked: list[dict[str, Any]]) -> None:
    place = Member.objects.get(user=cast.outsider)
    other = text_document("Secret.", place.workspace, cast.outsider)
    client = signed_in(cast.editor)
    for given in (str(other.pk), "nonsense"):
        assert client.post("/w/firm/ask/", {"text": "x", "document": given}).status_code == 404
        assert client.post("/w/firm/plan/", {"text": "x", "document": given}).status_code == 404
    assert asked == []


PLAN = ReadingPlan(
    mode=Mode.WHOLE,
    requested=Mode.AUTO,
    why="It fits <the> window.",
    llm="q",
    document_ids=["1"],
    document_tokens=7800,
    prompt_tokens=7900,
    cached_tokens=7800,
    window_tokens=32768,
    output_tokens=800,
    expected_seconds=2.2,
    cost_usd_cold=0.0,
    cost_usd_cached=0.0,
)


SWEEP = replace(PLAN, mode=Mode.SWEEP, parts=14, parts_cached=9, expected_seconds=240, cost_usd_cold=0.4)


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> dict[Mode, ReadingPlan | UserError]:
    """Plan as this says for each mode, automatic included; a mode that is not in it cannot be."""
    by_mode: dict[Mode, ReadingPlan | UserError] = {Mode.AUTO: PLAN}

    def plan_reading(*, mode: Mode, **_: Any) -> ReadingPlan:
        found = by_mode.get(mode, UserError("No.", code="does_not_fit"))
        if isinstance(found, UserError):
            raise found
        return found

    monkeypatch.setattr(plans, "llm_get", lambda id, **_: LLM(id or "q", id or "Qwen", "", 32768, 800))
    monkeypatch.setattr(alternatives, "llms", lambda *_: [])
    monkeypatch.setattr(alternatives, "plan_reading", plan_reading)
    return by_mode


def plan_of(user: User, document: Document, **form: Any) -> str:
    given = {"text": "How long?", "document": str(document.pk), **form}
    return signed_in(user).post("/w/firm/plan/", given).content.decode()


def test_the_plan_is_said_in_a_line(cast: Cast, document: Document, planned: dict[Mode, Any]) -> None:
    page = plan_of(cast.editor, document)
    assert "whole document · 7,900 tokens · about 2 s (already read)" in page
    assert "It fits &lt;the&gt; window." in page
    assert "Or:" not in page
    assert signed_in(cast.editor).post("/w/firm/plan/", {"text": "  "}).content == b""


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({}, "every part in turn · 14 parts, 9 already read · about 4 min"),
        ({"cost_usd_cached": 0.12}, "every part in turn · 14 parts, 9 already read · about 4 min · up to $0.12"),
        ({"parts_cached": 0}, "every part in turn · 14 parts · about 4 min · up to $0.40"),
        ({"parts": 1, "parts_cached": 0, "cost_usd_cold": 0.0}, "every part in turn · 1 part · about 4 min"),
    ],
)
def test_the_plan_of_a_sweep_says_how_many_parts(changed: dict[str, Any], line: str) -> None:
    assert plans.plan_line(replace(SWEEP, **changed)) == line


@pytest.mark.parametrize(
    ("documents", "files", "line"),
    [(1, 0, "whole document"), (3, 0, "3 whole documents"), (84, 84, "84 whole files"), (1, 1, "1 whole file"),
     (1202, 1200, "2 whole documents, 1,200 whole files")],
)  # fmt: skip
def test_the_plan_of_a_whole_reading_tells_files_from_documents(documents: int, files: int, line: str) -> None:
    plan = replace(SWEEP, mode=Mode.WHOLE, document_ids=[str(n) for n in range(documents)], file_count=files)
    assert plans.plan_line(plan).startswith(f"{line} · ")


def test_the_other_ways_to_read_are_offered_with_their_time(
    cast: Cast, document: Document, planned: dict[Mode, Any]
) -> None:
    planned[Mode.SWEEP] = SWEEP
    planned[Mode.PASSAGES] = replace(PLAN, mode=Mode.PASSAGES, expected_seconds=1)
    page = plan_of(cast.editor, document)
    quick = '<label class="chip numbers" for="mode-passages">Passages · about 1 s</label>'
    assert f'Or: {quick}<label class="chip numbers" for="mode-sweep">Every part · about 4 min</label>' in page
    planned[Mode.WHOLE] = replace(PLAN, requested=Mode.WHOLE)
    assert "Or:" not in plan_of(cast.editor, document, mode="whole")


def test_a_plan_that_cannot_be_is_a_sentence_that_says_what_can(
    cast: Cast, document: Document, planned: dict[Mode, Any]
) -> None:
    refused = '<span class="plan-error">No.</span>'
    assert refused in plan_of(cast.editor, document, mode="whole")
    planned[Mode.SWEEP] = SWEEP
    planned[Mode.PASSAGES] = replace(PLAN, mode=Mode.PASSAGES)
    page = plan_of(cast.editor, document, mode="whole")
    assert "No. Qwen can read it from passages (about 2 s) or part by part (about 4 min).</span>" in page


def test_the_plan_names_each_language_model_that_is_compared(
    cast: Cast, document: Document, planned: dict[Mode, Any]
) -> None:
    page = plan_of(cast.editor, document, llms=["one", "two"])
    assert page.count("whole document · 7,900 tokens") == 2
    assert "<strong>one</strong>" in page
    assert "<strong>two</strong>" in page


def test_a_follow_up_is_planned_with_what_it_follows(
    cast: Cast, answer: Answer, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    monkeypatch.setattr(plans, "llm_get", lambda id, **_: LLM("q", "Qwen", "", 32768, 800))
    monkeypatch.setattr(alternatives, "plan_reading", lambda **wanted: given.append(wanted["parent"]) or PLAN)
    assert "whole document · 7,900 tokens" in plan_of(cast.editor, document, parent=str(answer.question_id))
    assert given == [answer.question]
    other = signed_in(cast.outsider).post("/w/elsewhere/plan/", {"text": "x", "parent": str(answer.question_id)})
    assert other.status_code == 404
    assert signed_in(cast.editor).post("/w/firm/plan/", {"text": "x", "parent": "no"}).status_code == 404


def test_the_language_model_is_remembered(
    cast: Cast, document: Document, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    kimi = LLM("k", "Kimi <K2>", "", 262144, 800, price_in_usd_per_million=0.6, price_out_usd_per_million=2.5)
    two = [LLM("q", "Qwen", "", 32768, 800, self_hosted=True), kimi]
    monkeypatch.setattr(choices, "llms", lambda *_: two)
    client = signed_in(cast.editor)
    page = client.get("/w/firm/ask/").content.decode()
    assert '<option value="q">Qwen · 32k · self-hosted</option>' in page
    assert '<option value="k">Kimi &lt;K2&gt; · 256k · $0.60 in, $2.50 out per M</option>' in page
    client.post("/w/firm/ask/", {"text": "How long?", "llm": "k"})
    assert '<option value="k" selected>' in client.get("/w/firm/ask/").content.decode()


def test_the_permalink_has_the_sources_beside_the_answer(cast: Cast, tmp_path: Path) -> None:
    pdf = document_from(make_pdf(tmp_path / "service.pdf"), cast.workspace, cast.owner)
    answer = finish(
        ask(pdf, cast.owner, "When?"), [("Within thirty days.", True, ["Payment is due within thirty days."])]
    )
    page = signed_in(cast.viewer).get(f"/q/{answer.question_id}/").content.decode()
    start, end = span_of(pdf, "Payment is due within thirty days.")
    assert 'id="source-1"' in page
    assert f'href="/d/{pdf.pk}/?start_char={start}&amp;end_char={end}&amp;question={answer.question_id}"' in page
    assert "<mark>Payment is due\nwithin thirty days.</mark>" in page
    assert '<svg class="sheet" viewBox="0 ' in page


def test_the_permalink_of_a_text_shows_the_words_around(cast: Cast, answer: Answer) -> None:
    page = signed_in(cast.viewer).get(f"/q/{answer.question_id}/").content.decode()
    assert (
        '<mark>The term is three years.</mark><span class="muted"> Beta pays a fee of one thousand dollars.</span>'
        in page
    )


def test_earlier_versions_stay_within_reach(cast: Cast, answer: Answer) -> None:
    newer = Answer.objects.create(question=answer.question, number=2, llm="q", status="failed", error_message="Away.")
    client = signed_in(cast.viewer)
    newest = client.get(f"/q/{answer.question_id}/").content.decode()
    assert "Away." in newest
    assert f'href="/q/{answer.question_id}/?answer=1"' in newest
    assert "It runs for three years." in client.get(f"/q/{answer.question_id}/?answer=1").content.decode()
    assert "Away." in client.get(f"/a/{newer.pk}/card/").content.decode()
    assert client.get(f"/q/{answer.question_id}/?answer=²").status_code == 200


def test_regenerate_and_stop(cast: Cast, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def again(question: Any, *, mode: Mode, llm: str) -> Answer:
        calls.append((question.pk, mode, llm))
        return Answer.objects.create(question=question, number=2, llm="q", status="running")

    monkeypatch.setattr(views, "answer_regenerate", again)
    monkeypatch.setattr(views, "answer_stop", lambda answer: calls.append(answer.pk))
    client = signed_in(cast.editor)
    response = client.post(f"/q/{answer.question_id}/regenerate/", {"mode": "passages", "llm": ""}, headers=HTMX)
    newer = Answer.objects.get(number=2)
    assert f'data-answer="{newer.pk}" data-status="running"' in response.content.decode()
    assert client.post(f"/a/{newer.pk}/stop/", headers=HTMX).status_code == 204
    assert calls == [(answer.question_id, Mode.PASSAGES, ""), newer.pk]


def test_a_follow_up_goes_to_the_same_documents(
    cast: Cast, answer: Answer, document: Document, asked: list[dict[str, Any]]
) -> None:
    url = f"/q/{answer.question_id}/follow-up/"
    page = signed_in(cast.editor).post(url, {"text": "And then?"}, headers=HTMX).content.decode()
    assert f'<hx-partial hx-target="#thread-{answer.question_id}" hx-swap="beforeend">' in page
    assert asked[0]["parent"] == answer.question
    assert "documents" not in asked[0]  # it is put to what its parent was


def test_a_waiting_answer_says_so(cast: Cast) -> None:
    document = bare_document(cast.workspace, cast.owner, status="ingesting")
    waiting = ask(document, cast.owner, "How long?", status="waiting")
    page = signed_in(cast.viewer).get(f"/d/{document.pk}/").content.decode()
    assert f'hx-sse:connect="/a/{waiting.pk}/events/"' in page
    assert "Waiting for waiting.pdf to be read in" in page


@pytest.mark.parametrize(("cost", "said"), [(0, "$0"), (0.0042, "$0.0042"), (0.000012, "$0.000012"), (1.25, "$1.25")])
def test_costs_are_said_shortly(cost: float, said: str) -> None:
    assert dollars(cost) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1.94, "1.9 s"), (48.4, "48 s"), (59.7, "1 min 0 s"), (200, "3 min 20 s"), (3900, "1 h 5 min")],
)
def test_times_are_said_as_spoken(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_pages_come_as_numbers_or_ranges() -> None:
    assert page_ranges([1, 2, 3, 7]) == page_ranges([[1, 3], [7, 7]]) == [(1, 3), (7, 1)]
    assert range_words([[1, 3], [7, 7]]) == "1-3, 7"


def test_the_copied_text_carries_its_citations(cast: Cast, answer: Answer) -> None:
    card = card_for(answer, Member.objects.get(user=cast.viewer))
    assert card.copy_text == (
        "It runs for three years. [1] It is free.\n\n[1] agreement.txt, page 1: “The term is three years.”"
    )
    assert card.receipt == [
        "whole",
        "412 tokens, 97 % cached",
        "qwen2.5-coder-0.5b-instruct",
        "$0",
        "first word 1.9 s",
        "6.2 s",
    ]


@pytest.mark.parametrize("path", ["/q/{question}/", "/a/{answer}/card/", "/w/firm/ask/"])
def test_an_outsider_sees_no_question(cast: Cast, answer: Answer, path: str) -> None:
    url = path.format(question=answer.question_id, answer=answer.pk)
    assert signed_in(cast.outsider).get(url).status_code == 404
    assert signed_in(cast.viewer).get(url).status_code == 200


@pytest.mark.parametrize(
    "path", ["/q/{question}/regenerate/", "/q/{question}/follow-up/", "/a/{answer}/stop/", "/w/firm/ask/"]
)
def test_asking_needs_an_editor(cast: Cast, answer: Answer, path: str) -> None:
    url = path.format(question=answer.question_id, answer=answer.pk)
    assert signed_in(cast.outsider).post(url).status_code == 404
    assert signed_in(cast.viewer).post(url).status_code == 403
