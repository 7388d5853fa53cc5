"""Reading once: in steps, giving way to people, saved under a name that fits one prompt only, and never twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import pytest
from django.db import connections
from django.utils import timezone

from analysis import progress
from analysis.answer import precedence, read_once
from analysis.answer.ask import answer_stop, question_ask
from analysis.answer.material import described, with_text
from analysis.answer.prompt import PROMPT_VERSION, whole_prompt
from analysis.answer.read_once import SAVE_STEPS, STEP_TOKENS, prefix_tokens, read_ahead
from analysis.answer.readings import reading_file
from analysis.answer.run import answer_run
from analysis.answer.stream import completion
from analysis.errors import AppError
from analysis.llm import llamacpp
from analysis.llm.registry import llm_get
from analysis.models import Answer, AnswerStatus, Call, Document, IngestStatus, Reading, ReadingStatus
from analysis.types import Account, CallPurpose, Message, Mode, Priority, Prompt
from config.env import env
from tests.analysis.answer.rows import document
from tests.analysis.llm.scripted_server import ScriptedLLM
from tests.conftest import Cast
from tests.engines import product_environment

LONG = "word " * 700


def looking(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Return an event that is set once somebody has looked for those ahead twice, and so waits for them."""
    looks, waiting = [0], threading.Event()

    def sleep(seconds: float) -> None:
        looks[0] += 1
        if looks[0] == 2:
            waiting.set()
        time.sleep(0.005)

    monkeypatch.setattr(precedence, "sleep", sleep)
    return waiting


def read(row: Document) -> Reading:
    read_ahead(row.version_id)
    return Reading.objects.get(version=row.version_id)


def test_the_prefix_is_what_every_question_begins_with(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    known = with_text(document(cast))
    prefix = prefix_tokens(known, llm_get())
    for question in ("How long?", "0", "<|im_end|>"):
        prompt = whole_prompt([known], [], question, max_output_tokens=1)
        text = bundled_llm.template([{"role": m.role, "content": m.content} for m in prompt.messages])
        assert bundled_llm.tokenize(text)[: len(prefix)] == prefix
    assert len(prefix) > len(bundled_llm.tokenize(known.text))


def test_a_document_is_read_in_steps_and_saved(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = document(cast, text=LONG)
    total = len(prefix_tokens(with_text(row), llm_get()))
    reading = read(row)
    assert bundled_llm.prefills == [STEP_TOKENS, STEP_TOKENS, STEP_TOKENS, total - 3 * STEP_TOKENS]
    assert (reading.status, reading.tokens_done, reading.tokens_total) == (ReadingStatus.READ, total, total)
    assert reading.file_name == reading_file(described(row), llm_get())
    file = bundled_llm.folder / reading.file_name
    assert (file.exists(), reading.size_bytes) == (True, file.stat().st_size)
    assert reading.lease_token is None
    # The background slot gives its share of the window back.
    assert bundled_llm.slots[2] == []
    stream = progress.workspace_stream(cast.workspace.pk)
    assert {(e.name, e.data["id"]) for e in progress.replay(stream)} == {("document", str(row.pk))}


def test_it_is_read_once(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = document(cast, text=LONG)
    read(row)
    before = list(bundled_llm.prefills)
    read(row)
    assert bundled_llm.prefills == before


def test_a_reading_whose_file_is_gone_is_read_again(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = document(cast, text=LONG)
    (bundled_llm.folder / read(row).file_name).unlink()
    assert (bundled_llm.folder / read(row).file_name).exists()


def test_a_renamed_document_is_another_prompt_and_is_read_again(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = document(cast, text=LONG)
    first = read(row).file_name
    Document.objects.filter(pk=row.pk).update(name="renamed.pdf")
    assert read(row).file_name not in ("", first)


def test_a_reader_that_died_is_followed_by_one_that_goes_on(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = document(cast, text=LONG)
    tokens = prefix_tokens(with_text(row), llm_get())
    name = reading_file(described(row), llm_get())
    (bundled_llm.folder / name).write_text(json.dumps(tokens[: 2 * STEP_TOKENS]))
    past = timezone.now() - timedelta(seconds=1)
    # It had come further than what it had saved.
    Reading.objects.create(
        version=row.version, llm=llm_get().id, prompt_version=PROMPT_VERSION, status=ReadingStatus.READING,
        tokens_done=3 * STEP_TOKENS, tokens_total=len(tokens), file_name=name, lease_expires_at=past, attempts=1,
    )  # fmt: skip
    assert read(row).status == ReadingStatus.READ
    assert bundled_llm.prefills == [STEP_TOKENS, len(tokens) - 3 * STEP_TOKENS]


def test_a_living_reader_is_left_alone(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = document(cast, text=LONG)
    Reading.objects.create(
        version=row.version, llm=llm_get().id, prompt_version=PROMPT_VERSION, status=ReadingStatus.READING,
        lease_expires_at=timezone.now() + timedelta(seconds=60),
    )  # fmt: skip
    assert read(row).status == ReadingStatus.READING
    assert bundled_llm.prefills == []


def test_a_document_past_the_limit_is_left_for_when_it_is_asked(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = document(cast, text=LONG)
    monkeypatch.setattr(env, "read_ahead_tokens", 1000)
    read_ahead(row.version_id)
    assert not Reading.objects.exists()
    assert bundled_llm.prefills == []


def test_an_endpoint_that_is_not_ours_is_not_read_to(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    read_ahead(document(cast, text=LONG).version_id)
    assert not Reading.objects.exists()


def test_a_document_that_is_not_ready_or_is_gone_is_passed_over(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    read_ahead(document(cast, status=IngestStatus.FAILED).version_id)
    read_ahead(987654)
    assert not Reading.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_background_gives_way_to_a_person(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    gave_way = looking(monkeypatch)
    row = document(cast, text=LONG)
    question_ask(workspace=cast.workspace, user=cast.owner, text="?", documents=[row], mode=Mode.WHOLE)
    reader = threading.Thread(target=lambda: (read_ahead(row.version_id), connections.close_all()))
    reader.start()
    assert gave_way.wait(60)
    assert (bundled_llm.prefills, Reading.objects.get().status) == ([], ReadingStatus.QUEUED)
    Answer.objects.update(status=AnswerStatus.DONE)
    reader.join(60)
    assert Reading.objects.get().status == ReadingStatus.READ
    assert bundled_llm.prefills[0] == STEP_TOKENS


def test_readings_that_were_left_behind_are_sent_to_a_worker_once(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    from analysis import tasks

    sent: list[int] = []
    monkeypatch.setattr(tasks.read_version, "delay", sent.append)
    rows = [document(cast, f"{n}.pdf") for n in range(5)]
    past, later = (timezone.now() + timedelta(seconds=s) for s in (-1, 60))
    ours = (llm_get().id, PROMPT_VERSION)
    others = [("queued", None, ("another", PROMPT_VERSION)), ("queued", None, (ours[0], PROMPT_VERSION + 1))]
    states = [("queued", None, ours), ("reading", past, ours), ("reading", later, ours), *others]
    for row, (status, expires, (llm, version)) in zip(rows, states, strict=True):
        Reading.objects.create(
            version=row.version, llm=llm, prompt_version=version, status=status, lease_expires_at=expires
        )
    read_once.requeue_expired()
    read_once.requeue_expired()
    assert sent == [rows[0].version_id, rows[1].version_id]


# Taken over


@dataclass
class Steps:
    """The steps that a reading takes. at: what happens right after the step of that number."""

    at: dict[int, Callable[[], object]] = field(default_factory=dict)
    count: int = 0


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    found, prefill = Steps(), llamacpp.prefill

    def counted(*args, **options) -> int | None:
        read = prefill(*args, **options)
        found.count += 1
        found.at.get(found.count, lambda: None)()
        return read

    monkeypatch.setattr(llamacpp, "prefill", counted)
    return found


def in_thread(work: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def asked(cast: Cast, row: Document, mode: Mode = Mode.WHOLE) -> Answer:
    return question_ask(workspace=cast.workspace, user=cast.owner, text="How long?", documents=[row], mode=mode)


@pytest.mark.django_db(transaction=True)
def test_a_question_takes_over_what_is_being_read_and_goes_on_from_there(
    cast: Cast, bundled_llm: ScriptedLLM, steps: Steps, words_as_meaning: None
) -> None:
    row = document(cast, text=LONG)
    total = len(prefix_tokens(with_text(row), llm_get()))
    answers: list[Answer] = []
    is_asked = threading.Event()
    steps.at[2] = lambda: (answers.append(asked(cast, row)), is_asked.set())
    reader = in_thread(lambda: read_ahead(row.version_id))
    assert is_asked.wait(60)
    answer_run(str(answers[0].pk))
    reader.join(60)

    # To the token, the document was read once: by the background up to the second step, by the question from there.
    assert bundled_llm.prefills == [STEP_TOKENS, STEP_TOKENS, STEP_TOKENS, total - 3 * STEP_TOKENS]
    answer = Answer.objects.get()
    assert (answer.status, answer.usage["cached_tokens"]) == (AnswerStatus.DONE, 2 * STEP_TOKENS)
    reading = Reading.objects.get()
    assert (reading.status, reading.tokens_done, reading.lease_token) == (ReadingStatus.READ, total, None)
    file = json.loads((bundled_llm.folder / reading.file_name).read_text())
    assert file == prefix_tokens(with_text(row), llm_get())

    calls = Call.objects.order_by("pk").values_list("purpose", "status", "prompt_tokens", "cached_tokens", "document")
    assert list(calls) == [
        ("reading", "stopped", 2 * STEP_TOKENS, 0, row.pk),
        ("question", "done", answer.usage["prompt_tokens"], 2 * STEP_TOKENS, row.pk),
    ]


@pytest.mark.django_db(transaction=True)
def test_for_a_question_put_to_passages_the_reading_pauses_and_goes_on(
    cast: Cast, bundled_llm: ScriptedLLM, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = document(cast, text=LONG, pages=10)
    known, llm = with_text(row), llm_get()
    total = len(prefix_tokens(known, llm))
    paused = looking(monkeypatch)
    steps.at[2] = lambda: asked(cast, row, Mode.PASSAGES)
    reader = in_thread(lambda: read_ahead(row.version_id))
    assert paused.wait(60)
    now = read_once.reading_now(known, llm)
    assert now is not None
    assert (now.status, now.tokens_done, now.tokens_total) == (ReadingStatus.QUEUED, 2 * STEP_TOKENS, total)
    assert read_once.kept_tokens(known, llm) == 2 * STEP_TOKENS
    assert len(bundled_llm.prefills) == 2
    # Whatever the slot holds by now, the reading has its own.
    bundled_llm.restart()
    Answer.objects.update(status=AnswerStatus.DONE)
    reader.join(60)
    assert sum(bundled_llm.prefills) == total
    assert Reading.objects.get().status == ReadingStatus.READ
    assert read_once.reading_now(known, llm) is None
    assert read_once.kept_tokens(known, llm) == total
    spent = Call.objects.order_by("pk").values_list("prompt_tokens", "cached_tokens", "status", "workspace")
    assert list(spent) == [
        (2 * STEP_TOKENS, 0, "stopped", cast.workspace.pk), (total, 2 * STEP_TOKENS, "done", cast.workspace.pk),
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_read_it_once(
    cast: Cast, bundled_llm: ScriptedLLM, steps: Steps, monkeypatch: pytest.MonkeyPatch, words_as_meaning: None
) -> None:
    row = document(cast, text=LONG)
    total = len(prefix_tokens(with_text(row), llm_get()))
    second_waits = threading.Event()
    monkeypatch.setattr(read_once, "sleep", lambda seconds: (second_waits.set(), time.sleep(0.005)))
    steps.at[1] = lambda: second_waits.wait(60)
    writers = [in_thread(partial(answer_run, str(asked(cast, row).pk))) for _ in range(2)]
    for writer in writers:
        writer.join(60)
    assert second_waits.is_set()
    assert sum(bundled_llm.prefills) == total
    cached = sorted(answer.usage["cached_tokens"] for answer in Answer.objects.all())
    assert cached == [0, total]


@pytest.mark.django_db(transaction=True)
def test_what_a_stopped_question_has_read_is_not_lost(
    cast: Cast, bundled_llm: ScriptedLLM, steps: Steps, monkeypatch: pytest.MonkeyPatch, words_as_meaning: None
) -> None:
    monkeypatch.setattr(read_once, "SAVE_STEPS", 1)
    row = document(cast, text=LONG)
    answer = asked(cast, row)
    steps.at[2] = lambda: answer_stop(Answer.objects.get())
    answer_run(str(answer.pk))
    answer.refresh_from_db()
    assert (answer.status, answer.text, len(bundled_llm.prefills)) == (AnswerStatus.STOPPED, "", 2)
    reading = Reading.objects.get()
    assert (reading.status, reading.tokens_done, reading.lease_token) == (ReadingStatus.QUEUED, 2 * STEP_TOKENS, None)
    call = Call.objects.get()
    assert (call.status, call.prompt_tokens, call.cached_tokens) == ("stopped", 2 * STEP_TOKENS, 0)
    read(row)
    assert sum(bundled_llm.prefills) == reading.tokens_total


KILLED = """
import os, signal, sys
import django; django.setup()
from analysis.answer.read_once import read_ahead
from analysis.llm import llamacpp
prefill, steps = llamacpp.prefill, []
def killed(*args, **options):
    steps.append(1)
    if len(steps) > 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return prefill(*args, **options)
llamacpp.prefill = killed
read_ahead(int(sys.argv[1]))
"""


@pytest.mark.django_db(transaction=True)
def test_a_killed_reader_and_a_killed_server_cost_the_steps_since_the_last_save(
    cast: Cast, bundled_llm: ScriptedLLM
) -> None:
    row = document(cast, text="word " * 2900)
    total = len(prefix_tokens(with_text(row), llm_get()))
    reader = [sys.executable, "-c", KILLED, str(row.version_id)]
    died = subprocess.run(reader, env=product_environment(), timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL
    reading = Reading.objects.get()
    assert (reading.status, reading.tokens_done) == (ReadingStatus.READING, 6 * STEP_TOKENS)
    bundled_llm.restart()
    Reading.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    progress.connection().delete(*progress.connection().keys("lectern:slots:*"))
    assert read(row).status == ReadingStatus.READ
    again = 6 * STEP_TOKENS - SAVE_STEPS * STEP_TOKENS
    assert sum(bundled_llm.prefills) == total + again


def test_a_state_that_cannot_be_saved_costs_no_answer(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch, words_as_meaning: None
) -> None:
    def full(*args) -> None:
        raise AppError("No space left on device")

    row = document(cast, text=LONG)
    answer = asked(cast, row)
    with monkeypatch.context() as patch:
        patch.setattr(llamacpp, "save_slot", full)
        answer_run(str(answer.pk))
    answer.refresh_from_db()
    assert (answer.status, answer.text) == (AnswerStatus.DONE, "The answer.")
    assert Reading.objects.get().status == ReadingStatus.FAILED
    # Whoever asks next may have more luck.
    answer_run(str(asked(cast, row).pk))
    assert Reading.objects.get().status == ReadingStatus.READ


def test_one_begun_by_a_question_that_is_too_long_to_read_ahead_is_not_sent_to_a_worker_for_ever(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env, "read_ahead_tokens", 1000)
    row = document(cast, text=LONG)
    Reading.objects.create(version=row.version, llm=llm_get().id, prompt_version=PROMPT_VERSION, tokens_done=512)
    assert read(row).status == ReadingStatus.FAILED
    assert bundled_llm.prefills == []


# In steps


@pytest.mark.django_db(transaction=True)
def test_a_part_of_a_sweep_gives_way_between_two_steps_and_reads_nothing_twice(
    cast: Cast, bundled_llm: ScriptedLLM, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = Prompt([Message("user", LONG)], [], 100)
    total = len(bundled_llm.tokenize(bundled_llm.template([{"role": "user", "content": LONG}])))
    row = document(cast)
    paused = looking(monkeypatch)
    steps.at[1] = lambda: asked(cast, row)
    told, tokens = [], []
    account = Account(CallPurpose.PART, cast.workspace.pk)

    def work() -> None:
        tokens.extend(
            completion(
                llm_get(), prompt, reads=[], account=account, priority=Priority.SWEEP,
                should_stop=lambda: False, on_wait=lambda: told.append(len(bundled_llm.prefills)),
            )
        )  # fmt: skip

    part = in_thread(work)
    assert paused.wait(60)
    assert (bundled_llm.prefills, bundled_llm.requests, told) == ([STEP_TOKENS], [], [1])
    Answer.objects.update(status=AnswerStatus.DONE)
    part.join(60)
    # The last step is read with the call itself.
    assert bundled_llm.prefills == [STEP_TOKENS] * 2
    usage = tokens[-1].usage
    assert (usage.prompt_tokens, usage.cached_tokens) == (total, 0)
    call = Call.objects.get()
    assert (call.purpose, call.prompt_tokens, call.cached_tokens) == ("part", total, 0)
    assert [token.done for token in tokens if token.kind == "prefill"][:2] == [STEP_TOKENS, 2 * STEP_TOKENS]
    # People's other slot stayed free all the time.
    assert (bundled_llm.requests[0]["id_slot"], bundled_llm.slots[0]) == (1, [])


def test_a_sweep_that_is_stopped_while_it_waits_sends_nothing(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(cast, document(cast))
    waited: list[bool] = []
    tokens = completion(
        llm_get(), Prompt([Message("user", LONG)], [], 100), reads=[], account=Account(CallPurpose.PART),
        priority=Priority.SWEEP, should_stop=lambda: bool(waited), on_wait=lambda: waited.append(True),
    )  # fmt: skip
    assert [(token.kind, token.usage.finish_reason) for token in tokens] == [("end", "stopped")]
    assert (bundled_llm.prefills, bundled_llm.requests) == ([], [])
