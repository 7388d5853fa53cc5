"""Answers from the question to the last event: the rows, the receipt, and what happens when something breaks."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from analysis import progress
from analysis.answer.ask import answer_regenerate, answer_stop, question_ask
from analysis.answer.material import with_text
from analysis.answer.read_once import prefix_tokens
from analysis.answer.run import answer_run, requeue_expired
from analysis.llm import client
from analysis.llm.registry import llm_get
from analysis.models import Answer, AnswerStatus, CitationRow, Document, IngestStatus, Reading, SentenceRow
from analysis.progress import Event
from analysis.types import Hit, Mode, RelevantSpan, Source
from tests.analysis.answer.rows import document
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM, flat
from tests.conftest import Cast
from tests.engines import product_environment
from workspaces.models import Workspace

TEXT = "The term is five years. Delaware law governs this lease. The rent is $900 a month."


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch, words_as_meaning: None) -> None:
    monkeypatch.setattr(client, "BACKOFF_SECONDS", 0.001)


def asked(
    cast: Cast, *documents: Document, text: str = "How long is the term?", mode: Mode = Mode.WHOLE, **more
) -> Answer:
    return question_ask(
        workspace=cast.workspace, user=cast.owner, text=text, documents=list(documents), mode=mode, **more
    )


def run(answer: Answer) -> Answer:
    answer_run(str(answer.pk))
    answer.refresh_from_db()
    return answer


def events(answer: Answer, *names: str) -> list[Event]:
    found = progress.replay(progress.answer_stream(answer.pk))
    return [event for event in found if not names or event.name in names]


def until(true: Callable[[], object]) -> None:
    """Wait for what another thread or process does."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def followed(answer: Answer) -> str:
    """The text as a reader of the stream has it."""
    text = ""
    for event in events(answer, "token"):
        text = text[: event.data["start_char"]] + event.data["text"]
    return text


def rows_of(answer: Answer) -> list[tuple]:
    sentences = SentenceRow.objects.filter(answer=answer).values_list("ordinal", "start_char", "end_char", "supported")
    citations = CitationRow.objects.filter(sentence__answer=answer).values_list(
        "sentence__ordinal", "ordinal", "version_id", "start_char", "end_char"
    )
    return [*sentences, *citations]


def test_a_whole_answer_with_its_sentences_receipt_and_events(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    bundled_llm.replies = [Reply(words=[" The term", " is five", " years."])]
    row = document(cast, text=TEXT, pages=2)
    answer = run(asked(cast, row))
    assert (answer.status, answer.text, answer.mode) == (AnswerStatus.DONE, "The term is five years.", "whole")
    sentence = answer.sentences.get()
    assert (sentence.start_char, sentence.end_char, sentence.supported) == (0, 23, True)
    cited = sentence.citations.get()
    assert TEXT[cited.start_char : cited.end_char] == "The term is five years."
    assert cited.version_id == row.version_id

    sent = len(bundled_llm.tokenize(bundled_llm.template(bundled_llm.requests[0]["messages"])))
    receipt = answer.coverage
    assert (receipt["characters_read"], receipt["characters_total"]) == (len(TEXT), len(TEXT))
    assert (receipt["pages_read"], receipt["pages_skipped"], receipt["passages"]) == ([[1, 2]], [], [])
    assert (receipt["tokens_sent"], receipt["tokens_cached"]) == (sent, 0)
    assert (receipt["finish_reason"], receipt["answer_cut"], receipt["estimate_exact"]) == ("stop", False, True)
    assert answer.plan["prompt_tokens"] == sent
    assert answer.usage["llm"] == llm_get().id
    assert (answer.usage["completion_tokens"], answer.usage["calls"], answer.usage["cost_usd"]) == (3, 1, 0.0)

    assert [(e.data["start_char"], e.data["text"]) for e in events(answer, "token")] == [
        (0, "The term"), (8, " is five"), (16, " years."),
    ]  # fmt: skip
    assert [e.name for e in events(answer)][-2:] == ["answer", "done"]
    assert events(answer, "answer")[0].data == {"id": str(answer.pk)}
    assert events(answer, "done")[0].data == {"status": "done"}
    assert followed(answer) == answer.text


def test_the_second_question_reads_only_itself(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = document(cast, text="word " * 1000)
    prefix = len(prefix_tokens(with_text(row), llm_get()))
    run(asked(cast, row))
    second = run(asked(cast, row, text="Which law?"))
    assert second.usage["cached_tokens"] >= prefix
    assert second.usage["prompt_tokens"] - second.usage["cached_tokens"] < 15


def test_after_a_restart_of_the_server_the_reading_comes_from_disk(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = document(cast, text="word " * 1000)
    prefix = len(prefix_tokens(with_text(row), llm_get()))
    run(asked(cast, row))
    bundled_llm.restart()
    second = run(asked(cast, row, text="Which law?"))
    assert second.usage["cached_tokens"] >= prefix
    reading = Reading.objects.get()
    assert (reading.status, reading.tokens_done, reading.tokens_total) == ("read", prefix, prefix)


def test_a_lost_reading_file_is_read_anew_and_the_answer_comes_all_the_same(
    cast: Cast, bundled_llm: ScriptedLLM
) -> None:
    row = document(cast, text="word " * 1000)
    run(asked(cast, row))
    bundled_llm.restart()
    (bundled_llm.folder / Reading.objects.get().file_name).unlink()
    second = run(asked(cast, row, text="Which law?"))
    assert (second.status, second.text) == (AnswerStatus.DONE, "The answer.")
    assert (bundled_llm.folder / Reading.objects.get().file_name).exists()


def all_probable(question: str, source: Source) -> list[RelevantSpan]:
    return [RelevantSpan(source.start_char, source.end_char, 0.5)]


def test_passages_that_fit_are_sent_in_the_order_of_the_text_and_are_on_the_receipt(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentences = [f"Clause {number} is about the {'rent ' * 100}." for number in range(20)]
    text = "LEASE of 1 May 2020. " + "filler " * 100 + " ".join(sentences)
    row = document(cast, text=text, pages=4)

    def hit(number: int) -> Hit:
        start = text.index(sentences[number])
        return Hit(
            str(row.pk), row.name, row.version_id, start, start + len(sentences[number]), 2, sentences[number], 1.0
        )

    hits = [hit(9), hit(3), hit(15), hit(17), hit(5), hit(7), hit(11)]
    monkeypatch.setattr("analysis.answer.retrieve.retrieve", lambda query, documents, limit: hits)
    monkeypatch.setattr("analysis.answer.probable.relevant_in", all_probable)
    monkeypatch.setattr("analysis.answer.probable.clause_asked", lambda question, meaning: None)
    answer = run(asked(cast, row, mode=Mode.PASSAGES))
    content = flat(bundled_llm.requests[0]["messages"][1]["content"])
    sent = [number for number in range(20) if sentences[number] in content]
    # 1,300 tokens less about 150 of the opening: five clauses of 210 fit, and the beginning of a sixth.
    assert sent == [3, 5, 9, 15, 17]
    assert "Clause 7 is about" in content
    assert "Clause 11 is about" not in content
    assert content.index(sentences[3]) < content.index(sentences[9]) < content.index(sentences[15])
    assert "LEASE of 1 May 2020." in content
    passages = answer.coverage["passages"]
    assert [p["start_char"] for p in passages] == [0, *(text.index(sentences[n]) for n in [3, 5, 7, 9, 15, 17])]
    assert all(text[p["start_char"] : p["end_char"]] in content for p in passages)
    assert answer.coverage["characters_read"] == sum(p["end_char"] - p["start_char"] for p in passages)
    assert answer.coverage["characters_read"] < answer.coverage["characters_total"] == len(text)
    assert answer.coverage["tokens_sent"] <= answer.plan["prompt_tokens"]


def test_a_follow_up_carries_the_earlier_question_and_answer(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    bundled_llm.replies = [Reply(words=["Five years."]), Reply(words=["From May."])]
    row = document(cast, text=TEXT)
    first = run(asked(cast, row))
    second = asked(cast, text="From when?", parent=first.question)
    run(second)
    assert [d.pk for d in second.question.documents.all()] == [row.pk]
    messages = bundled_llm.requests[1]["messages"]
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user"]
    assert messages[:2] == bundled_llm.requests[0]["messages"]
    assert (messages[2]["content"], messages[3]["content"]) == ("Five years.", "Question: From when?")
    assert second.usage["cached_tokens"] >= len(bundled_llm.tokenize(bundled_llm.template(messages[:2]))) - 3


def test_history_that_does_not_fit_is_dropped_oldest_first_and_is_on_the_receipt(
    cast: Cast, bundled_llm: ScriptedLLM
) -> None:
    bundled_llm.replies = [Reply(words=["long " * 1000]), Reply(words=["short."]), Reply()]
    row = document(cast, text=TEXT)
    first = run(asked(cast, row, text="First?"))
    second = run(asked(cast, text="Second?", parent=first.question))
    third = run(asked(cast, text="Third?", parent=second.question))
    assert "".join(flat(m["content"]) for m in bundled_llm.requests[2]["messages"]).count("long") == 0
    assert third.coverage["history_dropped"] == 1
    assert second.coverage["history_dropped"] == 1
    assert "Second?" in flat(bundled_llm.requests[2]["messages"][1]["content"])


def test_an_endpoint_that_stays_away_sends_the_answer_back_to_the_queue(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(status=503)]
    answer = run(asked(cast, document(cast)))
    assert (answer.status, answer.attempts, answer.lease_token) == (AnswerStatus.QUEUED, 1, None)
    assert events(answer, "progress")[-1].data["message"] == (
        "The language model's endpoint is not working right now (status 503). Trying again in 5 s."
    )
    scripted_llm.replies = [Reply(words=["Five years."])]
    assert run(answer).status == AnswerStatus.DONE


def test_after_four_attempts_it_fails_with_the_reason(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(status=503)]
    answer = asked(cast, document(cast))
    for _ in range(4):
        run(answer)
    assert (answer.status, answer.error_code) == (AnswerStatus.FAILED, "engine_unavailable")
    assert events(answer)[-1].name == "failed"
    assert events(answer)[-1].data == {"code": answer.error_code, "message": answer.error_message}


def test_a_stream_that_is_cut_fails_and_keeps_no_half_answer(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(words=["Half"], cut=True)]
    answer = run(asked(cast, document(cast)))
    assert (answer.status, answer.error_code, answer.text) == (AnswerStatus.FAILED, "llm_broken_stream", "")
    assert answer.error_message == "The connection to the language model was cut before the answer was complete."


def test_a_server_that_read_less_than_it_was_sent_is_found_out(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    bundled_llm.told_tokens = 40
    answer = run(asked(cast, document(cast, text="word " * 500)))
    assert (answer.status, answer.error_code) == (AnswerStatus.FAILED, "llm_read_less")
    assert "read only 40 of about 1," in answer.error_message


def test_what_nobody_foresaw_is_logged_and_not_shown(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("analysis.answer.run.cite", lambda text, sources, **_: 1 / 0)
    answer = run(asked(cast, document(cast)))
    assert (answer.status, answer.error_code) == (AnswerStatus.FAILED, "internal")
    assert answer.error_message == "Something went wrong on our side. It has been logged; please try again."
    assert "ZeroDivisionError" in caplog.text


def test_an_answer_at_its_longest_is_on_the_receipt(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    bundled_llm.replies = [Reply(finish="length")]
    answer = run(asked(cast, document(cast)))
    assert (answer.coverage["answer_cut"], answer.coverage["finish_reason"]) == (True, "length")


def test_running_twice_changes_nothing(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    answer = run(asked(cast, document(cast)))
    before = (rows_of(answer), len(events(answer)), answer.finished_at)
    run(answer)
    assert (rows_of(answer), len(events(answer)), answer.finished_at) == before
    assert len(bundled_llm.requests) == 1


def test_regenerating_makes_a_further_answer(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    first = run(asked(cast, document(cast)))
    second = run(answer_regenerate(first.question, mode=Mode.WHOLE))
    assert (first.number, second.number, second.status) == (1, 2, AnswerStatus.DONE)


def test_thinking_is_kept_beside_the_answer(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(reasoning=["Let", " me see"], words=["Five years."])]
    answer = run(asked(cast, document(cast)))
    assert (answer.reasoning, answer.text) == ("Let me see", "Five years.")
    assert [e.data["text"] for e in events(answer, "reasoning")] == ["Let", " me see"]


def test_reasoning_and_its_events_go_where_the_workspace_keeps_none(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    Workspace.objects.filter(pk=cast.workspace.pk).update(keep_reasoning=False)
    scripted_llm.replies = [Reply(reasoning=["Let", " me see"], words=["Five years."])]
    answer = run(asked(cast, document(cast, text=TEXT)))
    assert (answer.reasoning, answer.text) == ("", "Five years.")
    assert events(answer, "reasoning") == []
    assert "thinking" in [e.data["stage"] for e in events(answer, "progress")]


# Stopping


def test_an_answer_that_has_not_begun_stops_at_once(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    answer = asked(cast, document(cast))
    answer_stop(answer)
    run(answer)
    assert (answer.status, answer.text) == (AnswerStatus.STOPPED, "")
    assert [(e.name, e.data) for e in events(answer)] == [("done", {"status": "stopped"})]
    assert bundled_llm.requests == []


@pytest.mark.django_db(transaction=True)
def test_stopping_closes_the_model_and_keeps_what_was_written(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    bundled_llm.replies = [Reply(words=["The term is five years. ", "And"], hold=threading.Event(), after=1)]
    answer = asked(cast, document(cast, text=TEXT))
    worker = threading.Thread(target=lambda: (answer_run(str(answer.pk)), connections.close_all()))
    worker.start()
    until(lambda: followed(answer))
    answer_stop(answer)
    assert bundled_llm.disconnected.wait(5)
    worker.join(20)
    answer.refresh_from_db()
    assert (answer.status, answer.text) == (AnswerStatus.STOPPED, "The term is five years.")
    assert answer.sentences.get().supported is True
    assert events(answer)[-1].data == {"status": "stopped"}
    assert answer.coverage["finish_reason"] == "stopped"


def test_a_stopped_answer_whose_worker_died_keeps_what_its_readers_have_seen(
    cast: Cast, bundled_llm: ScriptedLLM
) -> None:
    answer = asked(cast, document(cast))
    past = timezone.now() - timedelta(seconds=1)
    Answer.objects.filter(pk=answer.pk).update(status=AnswerStatus.RUNNING, lease_expires_at=past)
    stream = progress.answer_stream(answer.pk)
    for start_char, text in [(0, "Lost"), (0, "The te"), (6, "rm")]:
        progress.emit(stream, "token", {"start_char": start_char, "text": text})
    answer_stop(answer)
    run(answer)
    assert (answer.status, answer.text) == (AnswerStatus.STOPPED, "The term")
    assert bundled_llm.requests == []


# Death


WORKER = (
    "import django; django.setup(); import sys; from analysis.answer.run import answer_run; answer_run(sys.argv[1])"
)


def _worker(answer: Answer) -> subprocess.Popen[bytes]:
    """A process of the product's own, on the test's database, that runs the answer."""
    return subprocess.Popen([sys.executable, "-c", WORKER, str(answer.pk)], env=product_environment())


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_half_way_leaves_one_finished_answer_with_the_same_rows(
    cast: Cast, bundled_llm: ScriptedLLM
) -> None:
    words = ["The term is five years. ", "Delaware law governs."]
    row = document(cast, text=TEXT)
    bundled_llm.replies = [Reply(words=words)]
    undisturbed = run(asked(cast, row))

    let_go = threading.Event()
    bundled_llm.replies = [Reply(words=words, hold=let_go, after=1), Reply(words=words)]
    answer = asked(cast, row)
    worker = _worker(answer)
    try:
        until(lambda: followed(answer))
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert bundled_llm.disconnected.wait(5)
    answer.refresh_from_db()
    assert (answer.status, answer.text) == (AnswerStatus.RUNNING, "")

    # A living lease is left alone; an expired one is taken over.
    run(answer)
    assert answer.status == AnswerStatus.RUNNING
    Answer.objects.filter(pk=answer.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    progress.connection().delete(*progress.connection().keys("lectern:slots:*"))
    requeue_expired()
    run(answer)
    assert (answer.status, answer.attempts, answer.text) == (AnswerStatus.DONE, 2, undisturbed.text)
    assert rows_of(answer) == rows_of(undisturbed)
    assert followed(answer) == answer.text
    starts = [e.data["start_char"] for e in events(answer, "token")]
    assert starts == [0, 0, 24]
    assert [e.name for e in events(answer, "answer", "done", "failed")] == ["answer", "done"]


def test_a_failed_document_leaves_the_question_to_the_others(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    good, bad = document(cast, "good.pdf", TEXT), document(cast, "bad.pdf", status=IngestStatus.FAILED)
    answer = run(asked(cast, good, bad))
    assert answer.status == AnswerStatus.DONE
    assert [d["document_name"] for d in answer.coverage["documents"]] == ["good.pdf"]
    assert answer.coverage["not_read_in"] == [{"document_id": str(bad.pk), "document_name": "bad.pdf"}]
