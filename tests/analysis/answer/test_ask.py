"""Putting questions: what is refused, what waits, what is released, what is stopped."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from analysis import progress
from analysis.answer import run as runs
from analysis.answer.ask import (
    LONGEST_QUESTION,
    answer_regenerate,
    answer_stop,
    question_ask,
    release_waiting,
    stop_key,
    summary_ask,
)
from analysis.errors import UserError
from analysis.models import Answer, AnswerStatus, IngestStatus, Purpose, Question
from analysis.types import Mode
from tests.analysis.answer.rows import become, document
from tests.analysis.llm.scripted_server import ScriptedLLM
from tests.conftest import Cast

pytestmark = pytest.mark.usefixtures("bundled_llm")


def ask(cast: Cast, text: str = "How long?", *documents, **more) -> Answer:
    return question_ask(workspace=cast.workspace, user=cast.owner, text=text, documents=list(documents), **more)


def status_of(answer: Answer) -> str:
    return Answer.objects.values_list("status", flat=True).get(pk=answer.pk)


def messages(answer: Answer) -> list[str]:
    return [e.data["message"] for e in progress.replay(progress.answer_stream(answer.pk)) if e.name == "progress"]


@pytest.mark.parametrize(
    ("text", "code", "sentence"),
    [
        ("", "empty_question", "Write a question first."),
        (" \n\t\x00", "empty_question", "Write a question first."),
        (
            "x" * 1_000_000,
            "question_too_long",
            "A question can be 10,000 characters long; this one has 1,000,000. "
            "Longer text can be uploaded as a document.",
        ),
    ],
)
def test_a_question_that_is_none_is_refused_and_nothing_is_kept(
    cast: Cast, text: str, code: str, sentence: str
) -> None:
    with pytest.raises(UserError) as caught:
        ask(cast, text, document(cast))
    assert (caught.value.code, str(caught.value)) == (code, sentence)
    assert not Question.objects.exists()


def test_the_longest_question_is_taken(cast: Cast) -> None:
    row = document(cast)
    with pytest.raises(UserError, match="8,192") as caught:
        ask(cast, "w " * (LONGEST_QUESTION // 2 - 1) + "ww", row, mode=Mode.WHOLE)
    assert caught.value.code == "does_not_fit"
    assert not Question.objects.exists()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"mode": "skim"}, "unknown_mode"),
        ({"llm": "gpt-17"}, "unknown_llm"),
    ],
)
def test_what_is_not_there_is_refused(cast: Cast, more: dict, code: str) -> None:
    with pytest.raises(UserError) as caught:
        ask(cast, "How long?", document(cast), **more)
    assert caught.value.code == code
    assert not Question.objects.exists()


def test_an_unknown_model_is_told_what_there_is(cast: Cast) -> None:
    with pytest.raises(
        UserError, match=r"There is no language model 'gpt-17' here\. You can use: qwen2\.5-coder-0\.5b"
    ):
        ask(cast, "How long?", document(cast), llm="gpt-17")


def test_a_workspace_without_documents_cannot_be_asked(cast: Cast) -> None:
    with pytest.raises(UserError) as caught:
        ask(cast)
    assert caught.value.code == "no_documents"


def test_a_question_keeps_its_documents_plan_and_numbers(cast: Cast) -> None:
    row = document(cast)
    answer = ask(cast, " How long? ", row)
    question = answer.question
    assert (question.text, question.asker, question.across_workspace) == ("How long?", cast.owner, False)
    assert list(question.documents.all()) == [row]
    assert (answer.number, answer.status, answer.mode) == (1, AnswerStatus.QUEUED, "whole")
    assert answer.plan["document_ids"] == [str(row.pk)]


def test_a_question_to_the_workspace(cast: Cast) -> None:
    row = document(cast)
    answer = ask(cast)
    assert answer.question.across_workspace
    assert answer.plan["document_ids"] == [str(row.pk)]


@pytest.mark.django_db(transaction=True)
def test_a_question_before_the_document_is_ready_waits_says_so_and_is_released(cast: Cast) -> None:
    first = document(cast, "first.pdf", status=IngestStatus.INGESTING)
    second = document(cast, "second.pdf", status=IngestStatus.QUEUED)
    answer = ask(cast, "How long?", first, second)
    assert (answer.status, answer.plan) == (AnswerStatus.WAITING, {})
    assert messages(answer) == ["Waiting for first.pdf, second.pdf to be read in"]
    runs.answer_run(str(answer.pk))
    assert status_of(answer) == AnswerStatus.WAITING

    become(first, IngestStatus.READY)
    release_waiting(first)
    assert status_of(answer) == AnswerStatus.WAITING
    assert messages(answer)[-1] == "Waiting for second.pdf to be read in"

    become(second, IngestStatus.FAILED)
    release_waiting(second)
    assert status_of(answer) == AnswerStatus.QUEUED


@pytest.mark.django_db(transaction=True)
def test_when_every_document_fails_the_answer_says_so(cast: Cast) -> None:
    row = document(cast, "scan.pdf", status=IngestStatus.INGESTING)
    answer = ask(cast, "How long?", row)
    become(row, IngestStatus.FAILED)
    release_waiting(row)
    runs.answer_run(str(answer.pk))
    answer.refresh_from_db()
    assert (answer.status, answer.error_code) == (AnswerStatus.FAILED, "no_documents")
    assert answer.error_message == "scan.pdf could not be read in, so there is nothing to answer from."


@pytest.mark.django_db(transaction=True)
def test_a_document_that_becomes_ready_while_the_question_is_put_does_not_leave_it_waiting(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = document(cast, status=IngestStatus.INGESTING)
    # Ready in the very moment after the question has looked, when nobody is there yet to be released.
    create = Answer.objects.create

    def ready_first(**fields):
        made = create(**fields)
        become(row, IngestStatus.READY)
        return made

    monkeypatch.setattr(Answer.objects, "create", ready_first)
    assert status_of(ask(cast, "How long?", row)) == AnswerStatus.QUEUED


@pytest.mark.django_db(transaction=True)
def test_across_the_workspace_one_ready_document_is_enough(cast: Cast) -> None:
    document(cast, "ready.pdf")
    document(cast, "later.pdf", status=IngestStatus.INGESTING)
    assert ask(cast).status == AnswerStatus.QUEUED


@pytest.mark.django_db(transaction=True)
def test_across_the_workspace_the_first_ready_document_releases(cast: Cast) -> None:
    row = document(cast, "one.pdf", status=IngestStatus.INGESTING)
    answer = ask(cast)
    assert answer.status == AnswerStatus.WAITING
    become(row, IngestStatus.READY)
    release_waiting(row)
    assert status_of(answer) == AnswerStatus.QUEUED


def test_stopping_tells_the_worker_by_a_key_and_the_row(cast: Cast) -> None:
    answer = ask(cast, "How long?", document(cast))
    Answer.objects.filter(pk=answer.pk).update(status=AnswerStatus.RUNNING)
    answer_stop(answer)
    answer.refresh_from_db()
    assert (answer.status, answer.stop_requested) == (AnswerStatus.RUNNING, True)
    assert progress.connection().exists(stop_key(answer.pk))


def test_regenerating_stops_what_is_being_written(cast: Cast) -> None:
    first = ask(cast, "How long?", document(cast))
    second = answer_regenerate(first.question, mode=Mode.PASSAGES)
    assert (status_of(first), second.number, second.mode) == (AnswerStatus.STOPPED, 2, "passages")


def test_asking_for_a_summary_twice_is_one_summary(cast: Cast) -> None:
    row = document(cast)
    first, second = (summary_ask(document=row, user=cast.owner) for _ in range(2))
    assert first.pk == second.pk
    assert (first.question.purpose, first.question.text) == (Purpose.SUMMARY, "Summary of lease.pdf")
    Answer.objects.update(status=AnswerStatus.DONE)
    third = summary_ask(document=row, user=cast.owner)
    assert (third.question_id, third.number) == (first.question_id, 2)


def test_answers_that_lost_their_message_or_their_worker_are_sent_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = document(cast)
    lost, dead, alive, fresh = (ask(cast, f"{n}?", row) for n in range(4))
    now = timezone.now()
    Answer.objects.filter(pk=lost.pk).update(created_at=now - timedelta(minutes=2))
    Answer.objects.filter(pk=dead.pk).update(status="running", lease_expires_at=now - timedelta(seconds=1))
    Answer.objects.filter(pk=alive.pk).update(status="running", lease_expires_at=now + timedelta(seconds=60))
    sent: list[object] = []
    monkeypatch.setattr(runs, "enqueue", lambda answer: sent.append(answer.pk))
    runs.requeue_expired()
    runs.requeue_expired()
    assert sorted(map(str, sent)) == sorted([str(lost.pk), str(dead.pk)])
    assert fresh.pk not in sent


def test_a_waiting_answer_whose_release_was_lost_is_found(cast: Cast) -> None:
    row = document(cast, status=IngestStatus.INGESTING)
    answer = ask(cast, "How long?", row)
    become(row, IngestStatus.READY)
    Answer.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    runs.requeue_expired()
    assert status_of(answer) == AnswerStatus.QUEUED


def test_a_parent_of_another_workspace_is_nobodys(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    from workspaces.models import Workspace

    elsewhere = Workspace.objects.get(slug="elsewhere")
    foreign = Question.objects.create(workspace=elsewhere, text="?", across_workspace=True)
    with pytest.raises(ValueError, match="another workspace"):
        ask(cast, "How long?", document(cast), parent=foreign)
