"""Asking, planning, reading answers, stopping, asking again; summaries likewise."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analysis.api.schemas import AnswerOut
from analysis.llm import registry
from analysis.llm.catalogue import LLM
from analysis.models import Answer, AnswerStatus, DocumentVersion, Purpose, Question
from tests.api.conftest import Caller
from tests.conftest import Cast
from tests.rows import TEXT, add_sentence, make_answer, make_document

QUESTIONS = "/workspaces/firm/questions"
# Nothing listens there: what is tested here happens before a language model is called.
LLMS = [
    LLM(id="reader", name="Reader", family="Test", window_tokens=8000, max_output_tokens=500, answer_tokens=500,
        base_url="http://127.0.0.1:1/v1", price_in_usd_per_million=0.5, self_hosted=True),
    LLM(id="other", name="Other", family="Test", window_tokens=300, max_output_tokens=100, answer_tokens=100,
        base_url="http://127.0.0.1:1/v1"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def llms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "llms", lambda *_: LLMS)
    for module in ("analysis.api.workspaces", "analysis.answer.alternatives"):
        monkeypatch.setattr(f"{module}.llms", lambda *_: LLMS)


@pytest.fixture
def version(cast: Cast) -> DocumentVersion:
    version = make_document(cast)
    DocumentVersion.objects.filter(pk=version.pk).update(characters=len(TEXT), page_count=2)
    return version


def test_the_language_models_come_with_window_and_price_the_default_first(viewer: Caller) -> None:
    first, second = viewer.get("/llms").json()
    assert first == {
        "id": "reader",
        "name": "Reader",
        "family": "Test",
        "window_tokens": 8000,
        "max_output_tokens": 500,
        "price_in_usd_per_million": 0.5,
        "price_cached_usd_per_million": 0.0,
        "price_out_usd_per_million": 0.0,
        "self_hosted": True,
        "vision": False,
        "default": True,
    }
    assert (second["id"], second["default"]) == ("other", False)


def test_a_plan_says_mode_tokens_and_why_and_runs_nothing(viewer: Caller, version: DocumentVersion) -> None:
    body = {"text": "How long?", "document_ids": [str(version.document_id)], "mode": "whole"}
    response = viewer.post("/workspaces/firm/plan", body)
    plan = response.json()
    assert response.status_code == 200
    assert (plan["mode"], plan["requested"], plan["llm"]) == ("whole", "whole", "reader")
    assert plan["document_ids"] == [str(version.document_id)]
    assert plan["why"].startswith("You chose whole. The whole document is ")
    assert 0 < plan["document_tokens"] < plan["prompt_tokens"] < plan["window_tokens"] == 8000
    assert not Question.objects.exists()


def test_a_document_that_does_not_fit_is_refused_with_numbers_not_cut(viewer: Caller, cast: Cast) -> None:
    long = make_document(cast, "long.pdf", TEXT * 60)
    DocumentVersion.objects.filter(pk=long.pk).update(characters=len(TEXT * 60))
    body = {"text": "How long?", "document_ids": [str(long.document_id)], "mode": "whole", "llm": "other"}
    response = viewer.post("/workspaces/firm/plan", body)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "does_not_fit")
    assert response.json()["error"]["message"].endswith("Reader can read it whole.")


def test_asking_gives_202_with_the_plan_and_a_question_by_the_asker(
    editor: Caller, cast: Cast, version: DocumentVersion
) -> None:
    body = {"text": " How long? ", "document_ids": [str(version.document_id)], "mode": "whole"}
    response = editor.post(QUESTIONS, body)
    asked = response.json()
    assert response.status_code == 202
    question = Question.objects.get(pk=asked["id"])
    answer = question.answers.get()
    assert (question.text, question.asker, question.workspace) == ("How long?", cast.editor, cast.workspace)
    assert [document.pk for document in question.documents.all()] == [version.document_id]
    begun = {"answer_id": str(answer.pk), "number": 1, "llm": "reader", "status": "queued", "plan": asked["plan"]}
    assert asked == {"id": str(question.pk), **begun, "answers": [begun]}
    assert (asked["plan"]["mode"], asked["plan"]["document_ids"]) == ("whole", [str(version.document_id)])


def test_several_language_models_answer_the_same_question(
    editor: Caller, viewer: Caller, version: DocumentVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "llms", lambda *_: [LLMS[0], replace(LLMS[0], id="twin")])
    body = {"text": "How long?", "document_ids": [str(version.document_id)], "llms": ["reader", "twin"]}
    asked = editor.post(QUESTIONS, body).json()
    assert [(each["number"], each["llm"], each["status"]) for each in asked["answers"]] == [
        (1, "reader", "queued"),
        (2, "twin", "queued"),
    ]
    answers = viewer.get(f"/questions/{asked['id']}/answers").json()
    assert [(each["number"], each["usage"]["llm"]) for each in answers] == [(1, "reader"), (2, "twin")]
    assert viewer.get(f"/questions/{asked['id']}", number=2).json()["answer_id"] == asked["answers"][1]["answer_id"]
    refused = editor.post(QUESTIONS, body | {"llms": ["reader"]})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "too_few_llms")


def test_without_documents_the_whole_workspace_is_asked(editor: Caller, version: DocumentVersion) -> None:
    asked = editor.post(QUESTIONS, {"text": "How long?"}).json()
    assert Question.objects.get(pk=asked["id"]).across_workspace
    assert asked["plan"]["document_ids"] == [str(version.document_id)]


def test_a_question_to_a_document_that_is_being_read_in_waits(editor: Caller, version: DocumentVersion) -> None:
    DocumentVersion.objects.filter(pk=version.pk).update(status="ingesting")
    asked = editor.post(QUESTIONS, {"text": "How long?", "document_ids": [str(version.document_id)]}).json()
    assert (asked["status"], asked["plan"]) == ("waiting", None)
    reply = editor.get(f"/questions/{asked['id']}").json()
    assert (reply["status"], reply["stage"], reply["plan"]) == ("waiting", "waiting", None)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"text": "  "}, 422, "empty_question"),
        ({"text": "a" * 10**6}, 422, "question_too_long"),
        ({"llm": "gpt-17"}, 422, "unknown_llm"),
        ({"mode": "skim"}, 422, "invalid"),
        ({"document_ids": [str(uuid.uuid4())]}, 404, "not_found"),
        ({"document_ids": ["lease.pdf"]}, 422, "invalid"),
        ({"parent_id": str(uuid.uuid4())}, 404, "not_found"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_leaves_no_question(
    editor: Caller, version: DocumentVersion, changes: dict, status: int, code: str
) -> None:
    response = editor.post(QUESTIONS, {"text": "How long?"} | changes)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert not Question.objects.exists()


def test_a_document_of_another_workspace_cannot_be_asked(
    cast: Cast, editor: Caller, caller: Callable[..., Caller]
) -> None:
    from dataclasses import replace

    from workspaces.models import Workspace

    foreign = make_document(replace(cast, workspace=Workspace.objects.get(slug="elsewhere")))
    for path in (QUESTIONS, "/workspaces/firm/plan"):
        assert editor.post(path, {"text": "How?", "document_ids": [str(foreign.document_id)]}).status_code == 404


def test_a_follow_up_names_its_question(editor: Caller, cast: Cast, version: DocumentVersion) -> None:
    parent = make_answer(cast, version, "Five years.").question
    asked = editor.post(QUESTIONS, {"text": "And then?", "parent_id": str(parent.pk)}).json()
    assert editor.get(f"/questions/{asked['id']}").json()["parent_id"] == str(parent.pk)


def test_an_answer_with_its_evidence(viewer: Caller, cast: Cast, version: DocumentVersion) -> None:
    answer = make_answer(cast, version, "Five years.")
    Answer.objects.filter(pk=answer.pk).update(coverage={"parts": 1, "pages_read": [[1, 2]]})
    start, end = TEXT.index("five"), TEXT.index(".")
    add_sentence(answer, 0, "Five years.", (version, start, end))

    reply = viewer.get(f"/questions/{answer.question_id}").json()

    assert (reply["status"], reply["mode"], reply["answer"]) == ("done", "whole", "Five years.")
    assert reply["sentences"] == [
        {"text": "Five years.", "start_char": 0, "end_char": 11, "supported": True, "reason": "", "citations": [0]}
    ]
    assert reply["citations"] == [
        {
            "document_id": str(version.document_id),
            "document_name": "lease.pdf",
            "version": 1,
            "start_char": start,
            "end_char": end,
            "quote": TEXT[start:end],
            "page_number": 1,
            "place": "page 1",
            "rectangles": [],
            "pages": [{"page_number": 1, "rectangles": []}],
            "start_seconds": None,
            "end_seconds": None,
            "score": 0.9,
            "path": None,
            "start_line": 0,
            "end_line": 0,
            "repository_id": None,
            "snapshot": None,
            "commit": None,
            "stale": False,
        }
    ]
    assert reply["coverage"]["parts"] == 1  # what the receipt holds beyond the documented fields comes too
    AnswerOut.model_validate(reply)
    text = viewer.get(f"/documents/{version.document_id}/text", start_char=start, end_char=end).json()["text"]
    assert text == reply["citations"][0]["quote"]


def test_the_latest_answer_is_shown_and_earlier_ones_by_number(
    viewer: Caller, cast: Cast, version: DocumentVersion
) -> None:
    first = make_answer(cast, version, "Five.")
    Answer.objects.create(question=first.question, number=2, text="Six.", status=AnswerStatus.DONE, llm="reader")
    place = f"/questions/{first.question_id}"
    assert viewer.get(place).json()["answer"] == "Six."
    assert viewer.get(place, number=1).json()["answer"] == "Five."
    assert viewer.get(place, number=3).status_code == 404
    assert viewer.get(place, number=0).status_code == 422


def test_asking_again_in_another_mode_keeps_the_earlier_answer(
    editor: Caller, cast: Cast, version: DocumentVersion
) -> None:
    first = make_answer(cast, version, "Five.")
    response = editor.post(f"/questions/{first.question_id}/regenerate", {"mode": "passages"})
    again = response.json()
    assert (response.status_code, again["number"], again["plan"]["mode"]) == (202, 2, "passages")
    assert list(first.question.answers.values_list("number", "status")) == [(1, "done"), (2, "queued")]


def test_stopping_an_answer_that_waits_ends_it(editor: Caller, cast: Cast, version: DocumentVersion) -> None:
    answer = make_answer(cast, version, "", AnswerStatus.QUEUED)
    reply = editor.post(f"/questions/{answer.question_id}/stop")
    assert reply.status_code == 200
    assert reply.json() == {"id": str(answer.question_id), "answer_id": str(answer.pk), "status": "stopped"}


def test_stopping_a_finished_answer_leaves_it(editor: Caller, cast: Cast, version: DocumentVersion) -> None:
    answer = make_answer(cast, version, "Five.")
    assert editor.post(f"/questions/{answer.question_id}/stop").json()["status"] == "done"


def test_a_viewer_reads_and_plans_but_does_not_ask_stop_or_summarise(
    viewer: Caller, cast: Cast, version: DocumentVersion
) -> None:
    answer = make_answer(cast, version, "Five.")
    place = f"/questions/{answer.question_id}"
    assert viewer.get(place).status_code == 200
    refused = [
        viewer.post(QUESTIONS, {"text": "How long?"}),
        viewer.post(f"{place}/stop"),
        viewer.post(f"{place}/regenerate", {}),
        viewer.post(f"/documents/{version.document_id}/summaries", {}),
    ]
    assert [response.status_code for response in refused] == [403] * 4
    assert Question.objects.count() == 1


def test_questions_come_newest_first_with_their_status(viewer: Caller, cast: Cast, version: DocumentVersion) -> None:
    other = make_document(cast, "other.pdf")
    old = make_answer(cast, version, "Five.")
    new = make_answer(cast, other, "", AnswerStatus.RUNNING)

    page = viewer.get(QUESTIONS).json()
    assert page["count"] == 2
    assert [(item["id"], item["status"]) for item in page["items"]] == [
        (str(new.question_id), "running"),
        (str(old.question_id), "done"),
    ]
    assert page["items"][0]["asked_by"] == "owner@firm.example"
    only = viewer.get(QUESTIONS, document_id=version.document_id).json()
    assert [item["id"] for item in only["items"]] == [str(old.question_id)]


def test_more_questions_cost_no_more_queries(viewer: Caller, cast: Cast, version: DocumentVersion) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert viewer.get(QUESTIONS).status_code == 200
        return len(captured)

    make_answer(cast, version, "Five.")
    viewer.get(QUESTIONS)  # writes last_used_at, once
    few = queries()
    for _ in range(4):
        make_answer(cast, version, "Five.")
    assert queries() == few


def test_a_summary_is_asked_for_and_read_under_its_own_noun(
    editor: Caller, viewer: Caller, version: DocumentVersion
) -> None:
    response = editor.post(f"/documents/{version.document_id}/summaries", {})
    asked = response.json()
    assert response.status_code == 202
    assert Question.objects.get(pk=asked["id"]).purpose == Purpose.SUMMARY
    summary = viewer.get(f"/summaries/{asked['id']}").json()
    assert (summary["purpose"], summary["document_ids"]) == ("summary", [str(version.document_id)])
    assert editor.post(f"/summaries/{asked['id']}/stop").json()["status"] == "stopped"


def test_a_question_is_not_a_summary(viewer: Caller, cast: Cast, version: DocumentVersion) -> None:
    answer = make_answer(cast, version, "Five.")
    assert viewer.get(f"/summaries/{answer.question_id}").status_code == 404
