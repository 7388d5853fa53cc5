"""Reading once: in steps, giving way to people, saved under a name that fits one prompt only, and never twice."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from analysis import progress
from analysis.answer import read_once
from analysis.answer.ask import question_ask
from analysis.answer.material import described, with_text
from analysis.answer.prompt import whole_prompt
from analysis.answer.read_once import STEP_TOKENS, prefix_tokens, read_ahead, reading_file
from analysis.llm import slots
from analysis.llm.catalogue import llm_get
from analysis.models import Answer, AnswerStatus, Document, IngestStatus, Reading, ReadingStatus
from analysis.types import Mode
from config.env import env
from tests.analysis.answer.rows import document
from tests.analysis.llm.scripted_server import ScriptedLLM
from tests.conftest import Cast

LONG = "word " * 700


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
    bundled_llm.read(2, tokens[: 2 * STEP_TOKENS])
    past = timezone.now() - timedelta(seconds=1)
    Reading.objects.create(
        version=row.version, llm=llm_get().id, prompt_version=1, status=ReadingStatus.READING,
        tokens_done=2 * STEP_TOKENS, lease_expires_at=past, attempts=1,
    )  # fmt: skip
    assert read(row).status == ReadingStatus.READ
    assert bundled_llm.prefills == [STEP_TOKENS, len(tokens) - 3 * STEP_TOKENS]


def test_a_living_reader_is_left_alone(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = document(cast, text=LONG)
    Reading.objects.create(
        version=row.version, llm=llm_get().id, prompt_version=1, status=ReadingStatus.READING,
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
    monkeypatch.setattr(read_once, "LOOK_SECONDS", 0.01)
    row = document(cast, text=LONG)
    question_ask(workspace=cast.workspace, user=cast.owner, text="?", documents=[row], mode=Mode.WHOLE)
    reader = threading.Thread(target=lambda: (read_ahead(row.version_id), connections.close_all()))
    reader.start()
    looked = 0
    while looked < 20:
        looked += Reading.objects.filter(status=ReadingStatus.READING).exists()
        time.sleep(0.01)
    assert bundled_llm.prefills == []
    Answer.objects.update(status=AnswerStatus.DONE)
    reader.join(20)
    assert Reading.objects.get().status == ReadingStatus.READ
    assert bundled_llm.prefills[0] == STEP_TOKENS


def test_the_least_recently_used_reading_makes_room(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, used, new = (document(cast, f"{name}.pdf", LONG + name) for name in ("old", "used", "new"))
    oldest, size = read(old), 0
    size = read(used).size_bytes
    now = timezone.now()
    Reading.objects.filter(version=old.version).update(last_used_at=now - timedelta(days=2))
    Reading.objects.filter(version=used.version).update(last_used_at=now)
    monkeypatch.setattr(env, "slots_max_bytes", int(size * 2.5))
    read(new)
    kept = set(Reading.objects.values_list("version__document__name", flat=True))
    assert kept == {"used.pdf", "new.pdf"}
    assert not (bundled_llm.folder / oldest.file_name).exists()


def test_readings_that_were_left_behind_are_sent_to_a_worker_once(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    from analysis import tasks

    sent: list[int] = []
    monkeypatch.setattr(tasks.read_version, "delay", sent.append)
    rows = [document(cast, f"{n}.pdf") for n in range(3)]
    past, later = (timezone.now() + timedelta(seconds=s) for s in (-1, 60))
    states = [("queued", None), ("reading", past), ("reading", later)]
    for row, (status, expires) in zip(rows, states, strict=True):
        Reading.objects.create(version=row.version, llm="x", prompt_version=1, status=status, lease_expires_at=expires)
    read_once.requeue_expired()
    read_once.requeue_expired()
    assert sent == [rows[0].version_id, rows[1].version_id]


# Slots


def test_two_people_have_a_slot_each_and_a_third_waits(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    llm = replace(llm_get(), slots=3)
    among = slots.peoples_slots(llm)
    waited: list[bool] = []
    with (
        slots.slot_for(llm, "a", among=among, should_stop=lambda: False) as first,
        slots.slot_for(llm, "b", among=among, should_stop=lambda: False) as second,
    ):
        assert {first.number, second.number} == {0, 1}
        with slots.slot_for(
            llm, "c", among=among, should_stop=lambda: bool(waited), on_wait=lambda: waited.append(True)
        ) as third:
            assert third is None
    assert waited == [True]


def test_a_question_gets_the_slot_that_has_read_its_document(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    llm = llm_get()
    slots.remember_read(llm, 0, "lease")
    slots.remember_read(llm, 1, "deed")
    for key, number in [("deed", 1), ("lease", 0), ("deed", 1)]:
        with slots.slot_for(llm, key, among=[0, 1], should_stop=lambda: False) as slot:
            assert (slot.number, slot.held) == (number, key)
            assert slots.read_by(llm)[number] == ""
        slots.remember_read(llm, number, key)
