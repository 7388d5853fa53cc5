"""The ledger behind answers: what is kept of each call is what the endpoint was sent, and what it took adds up."""

from __future__ import annotations

import json
import threading

import pytest
from django.db import connections

from analysis.answer.ask import answer_stop, question_ask, summary_ask
from analysis.answer.run import answer_run
from analysis.llm import client
from analysis.llm.segments import rebuilt
from analysis.models import Answer, AnswerStatus, Call, Document
from analysis.types import Mode
from tests.analysis.answer.rows import document
from tests.analysis.answer.sweep.rows import NEEDLE, Clerk, contract, swept_document
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM, flat
from tests.conftest import Cast

TEXT = "The term is five years. Delaware law governs this lease. The rent is $900 a month."


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch, words_as_meaning: None) -> None:
    monkeypatch.setattr(client, "BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr("analysis.answer.retrieve.retrieve", lambda query, documents, limit: [])


def asked(cast: Cast, *documents: Document, mode: Mode, text: str = "How long is the term?", **more) -> Answer:
    return question_ask(
        workspace=cast.workspace, user=cast.editor, text=text, documents=list(documents), mode=mode, **more
    )


def run(answer: Answer) -> Answer:
    answer_run(str(answer.pk))
    answer.refresh_from_db()
    return answer


def sent(server: ScriptedLLM) -> list[list[tuple[str, str]]]:
    """The messages of every completion that the endpoint was asked for."""
    return [[(m["role"], flat(m["content"])) for m in body["messages"]] for body in server.requests]


def kept() -> list[list[tuple[str, str]]]:
    return [[(m.role, m.content) for m in rebuilt(call.prompt)] for call in Call.objects.order_by("pk")]


def literal_words() -> str:
    """What stands in the ledger in letters, all calls together."""
    return json.dumps(list(Call.objects.values_list("prompt", flat=True)))


def test_whole_answers_on_several_documents_and_their_follow_up(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(words=["Five years."]), Reply(words=["From May."])]
    rows = [
        document(cast, name=name, text=text) for name, text in (("a.txt", TEXT), ("b.txt", "Amended <|x|> in May."))
    ]
    first = run(asked(cast, *rows, mode=Mode.WHOLE))
    run(asked(cast, *rows, mode=Mode.WHOLE, text="From when?", parent=first.question))
    assert kept() == sent(scripted_llm)
    assert [role for role, _ in kept()[1]] == ["system", "user", "assistant", "user"]
    assert [words for words in ("Delaware", "Amended") if words in literal_words()] == []


def test_an_answer_from_passages(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    row = document(cast, text=TEXT * 3, pages=3)
    run(asked(cast, row, mode=Mode.PASSAGES))
    assert kept() == sent(scripted_llm)
    assert "Delaware" not in literal_words()


def test_a_sweep(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    Clerk(scripted_llm)
    row = swept_document(cast, contract({1: NEEDLE.format("one")}))
    answer = run(asked(cast, row, mode=Mode.SWEEP, text="Who may audit the books?"))
    assert answer.status == AnswerStatus.DONE
    assert sorted(kept()) == sorted(sent(scripted_llm))
    assert [words for words in ("s1 s1", "auditor number") if words in literal_words()] == []
    assert {call.user for call in answer.calls.all()} == {cast.editor}


def test_a_summary(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    run(summary_ask(document=document(cast, text=TEXT), user=cast.editor))
    assert Call.objects.filter(purpose="summary").count() == len(bundled_llm.requests) > 1
    assert kept() == sent(bundled_llm)
    assert "Delaware" not in literal_words()


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_was_stopped_has_its_cost_in_the_ledger(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(words=["The term ", "is five."], hold=threading.Event(), after=1)]
    answer = asked(cast, document(cast, text=TEXT), mode=Mode.WHOLE)

    def stop() -> None:
        scripted_llm.holding.wait(20)
        answer_stop(answer)
        connections.close_all()

    stopper = threading.Thread(target=stop)
    stopper.start()
    run(answer)
    stopper.join()
    call = Call.objects.get()
    assert (answer.status, answer.text, call.status) == (AnswerStatus.STOPPED, "The term", "stopped")
    assert call.completion_tokens == 1
    assert call.prompt_tokens > 0
    assert answer.usage["calls"] == 1


def test_a_run_that_broke_off_is_paid_for_too(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [*[Reply(status=503)] * client.TRIES, Reply(words=["Five years."])]
    answer = run(asked(cast, document(cast, text=TEXT), mode=Mode.WHOLE))
    assert answer.status == AnswerStatus.QUEUED
    run(answer)
    assert [call.status for call in Call.objects.order_by("pk")] == ["failed", "done"]
    assert (answer.status, answer.usage["calls"]) == (AnswerStatus.DONE, 2)
