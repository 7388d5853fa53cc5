"""Who goes first at the bundled server, and which worker's threads a person never waits for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from analysis.answer import precedence
from analysis.answer.ask import question_ask
from analysis.answer.precedence import ahead, give_way, queue_of
from analysis.llm.registry import llm_get
from analysis.models import Answer, AnswerStatus, Purpose, Question
from analysis.progress import connection
from analysis.types import Mode, Priority
from config.heartbeat import note_alive
from tests.analysis.answer.rows import document
from tests.analysis.llm.scripted_server import ScriptedLLM
from tests.conftest import Cast


def answer(cast: Cast, mode: str = "whole", *, purpose: str = Purpose.QUESTION, **facts) -> Answer:
    question = Question.objects.create(workspace=cast.workspace, asker=cast.owner, text="?", purpose=purpose)
    return Answer.objects.create(question=question, mode=mode, **{"llm": llm_get().id, **facts})


def names(priority: Priority, rows: dict[str, Answer]) -> set[str]:
    ids = set(ahead(llm_get(), priority).values_list("pk", flat=True))
    return {name for name, row in rows.items() if row.pk in ids}


def test_people_go_first_then_sweeps_and_summaries(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    rows = {
        "whole": answer(cast),
        "passages": answer(cast, "passages"),
        "sweep": answer(cast, "sweep"),
        "to be a sweep": answer(cast, "", mode_requested=Mode.SWEEP),
        "summary read whole": answer(cast, "whole", purpose=Purpose.SUMMARY),
    }
    assert names(Priority.PERSON, rows) == set()
    assert names(Priority.SWEEP, rows) == {"whole", "passages"}
    assert names(Priority.AHEAD, rows) == set(rows)


def test_only_what_is_alive_and_of_this_model_counts(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    now = timezone.now()
    running = {"status": AnswerStatus.RUNNING, "lease_expires_at": now + timedelta(seconds=60)}
    rows = {
        "running": answer(cast, **running),
        "its worker died": answer(cast, **running | {"lease_expires_at": now - timedelta(seconds=1)}),
        "nobody took it": answer(cast),
        "of another model": answer(cast, llm="another"),
        "done": answer(cast, status=AnswerStatus.DONE),
        "waits for its document": answer(cast, status=AnswerStatus.WAITING),
    }
    past = now - timedelta(seconds=precedence.QUEUED_SECONDS + 1)
    Answer.objects.filter(pk=rows["nobody took it"].pk).update(created_at=past)
    assert names(Priority.SWEEP, rows) == names(Priority.AHEAD, rows) == {"running"}


def test_giving_way_ends_with_the_answer_or_with_a_stop(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = answer(cast)
    waits: list[str] = []
    monkeypatch.setattr(precedence, "sleep", lambda seconds: waits.append("slept"))
    stops = iter([False, False, True])
    assert give_way(llm_get(), Priority.SWEEP, lambda: next(stops), lambda: waits.append("told")) is False
    assert waits == ["told", "slept", "slept"]

    waits.clear()
    finish = Answer.objects.filter(pk=row.pk)
    monkeypatch.setattr(precedence, "sleep", lambda seconds: finish.update(status=AnswerStatus.DONE))
    assert give_way(llm_get(), Priority.SWEEP, lambda: False, lambda: waits.append("told")) is True
    assert waits == ["told"]


def test_elsewhere_nobody_waits(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    answer(cast)
    assert give_way(llm_get(), Priority.AHEAD, lambda: False) is True


def test_what_can_wait_is_written_by_the_worker_for_sweeps_where_there_is_one(
    cast: Cast, bundled_llm: ScriptedLLM
) -> None:
    person, sweep = answer(cast), answer(cast, "sweep")
    summary = answer(cast, purpose=Purpose.SUMMARY)
    assert [queue_of(each) for each in (person, sweep, summary)] == ["answers", "answers", "answers"]
    note_alive(connection(), ["sweep"])
    assert [queue_of(each) for each in (person, sweep, summary)] == ["answers", "sweep", "sweep"]


def test_an_answer_is_sent_to_its_queue(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks
) -> None:
    from analysis import tasks

    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(tasks.run_answer, "apply_async", lambda args, queue, countdown: sent.append((args[0], queue)))
    note_alive(connection(), ["sweep"])
    row = document(cast)
    asked = []
    for mode in (Mode.WHOLE, Mode.SWEEP):
        with django_capture_on_commit_callbacks(execute=True):
            asked.append(question_ask(workspace=cast.workspace, user=cast.owner, text="?", documents=[row], mode=mode))
    assert sent == [(str(asked[0].pk), "answers"), (str(asked[1].pk), "sweep")]
