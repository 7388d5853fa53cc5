"""Saved readings: never half a file, within their limits of size and age, rebuilt when the prompt changes."""

from __future__ import annotations

import json
import os
import threading
import time
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from analysis.answer import readings
from analysis.answer.material import described, with_text
from analysis.answer.prompt import PROMPT_VERSION, DocumentText
from analysis.answer.read_once import kept_tokens, read_ahead
from analysis.answer.readings import ORPHAN_SECONDS, evict, opened, reading_file, save, tidy, usable_reading
from analysis.llm import llamacpp
from analysis.llm.registry import llm_get
from analysis.models import Document, Reading, ReadingStatus
from analysis.models.lease import LeaseLost, claim
from config.env import env
from tests.analysis.answer.rows import document
from tests.analysis.llm.scripted_server import ScriptedLLM
from tests.conftest import Cast

LONG = "word " * 300


def read(row: Document) -> Reading:
    read_ahead(row.version_id)
    return Reading.objects.get(version=row.version_id)


def files(llm: ScriptedLLM) -> set[str]:
    return {file.name for file in llm.folder.iterdir()}


@pytest.fixture(autouse=True)
def empty_room(bundled_llm: ScriptedLLM) -> None:
    for file in bundled_llm.folder.iterdir():
        file.unlink()


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


def test_a_reading_unused_for_too_long_is_deleted_and_one_in_use_is_not(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env, "slots_max_days", 30)
    now = timezone.now()
    for name, days in [("old.pdf", 31), ("young.pdf", 29)]:
        reading = read(document(cast, name, LONG))
        Reading.objects.filter(pk=reading.pk).update(last_used_at=now - timedelta(days=days))
    busy = read(document(cast, "busy.pdf", LONG))
    Reading.objects.filter(pk=busy.pk).update(
        last_used_at=now - timedelta(days=31), status=ReadingStatus.READING, lease_expires_at=now + timedelta(minutes=1)
    )
    tidy()
    assert set(Reading.objects.values_list("version__document__name", flat=True)) == {"young.pdf", "busy.pdf"}
    assert files(bundled_llm) == set(Reading.objects.values_list("file_name", flat=True))


def test_files_that_no_row_names_are_removed_once_they_cannot_be_in_the_making(
    cast: Cast, bundled_llm: ScriptedLLM
) -> None:
    kept = read(document(cast, text=LONG)).file_name
    past = time.time() - ORPHAN_SECONDS - 1
    for name, at in [("orphan.kv", past), ("fresh.part", time.time()), ("dead.part", past)]:
        (bundled_llm.folder / name).write_text("")
        os.utime(bundled_llm.folder / name, (at, at))
    os.utime(bundled_llm.folder / kept, (past, past))
    tidy()
    assert files(bundled_llm) == {kept, "fresh.part"}


def test_another_prompt_version_is_read_anew_and_the_old_state_goes(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = document(cast, text=LONG)
    old = read(row)
    assert (old.prompt_version, kept_tokens(described(row), llm_get())) == (PROMPT_VERSION, old.tokens_total)
    for module in ("readings", "prompt"):
        monkeypatch.setattr(f"analysis.answer.{module}.PROMPT_VERSION", PROMPT_VERSION + 1)
    assert (usable_reading(described(row), llm_get()), kept_tokens(described(row), llm_get())) == (None, 0)
    bundled_llm.prefills.clear()
    read_ahead(row.version_id)
    new = Reading.objects.get(prompt_version=PROMPT_VERSION + 1)
    assert (new.status, sum(bundled_llm.prefills)) == (ReadingStatus.READ, new.tokens_total)
    tidy()
    assert Reading.objects.get() == new
    assert files(bundled_llm) == {new.file_name}


def test_what_was_saved_since_one_looked_is_not_thrown_away(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = document(cast, text=LONG)
    old = read(row)
    Document.objects.filter(pk=row.pk).update(name="renamed.pdf")
    row.refresh_from_db()

    fits, looks = readings._fits, []

    def meanwhile(*args) -> bool:
        looks.append(fits(*args))
        if len(looks) == 1:
            read(row)
            return False
        return looks[-1]

    monkeypatch.setattr(readings, "_fits", meanwhile)
    known = with_text(row)
    reading = opened(known, llm_get(), old.tokens_total).get()
    assert looks[0] is False
    assert (reading.status, reading.file_name) == (ReadingStatus.READ, reading_file(known, llm_get()))


def test_who_has_lost_the_lease_leaves_the_others_file_alone(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    known, llm = with_text(document(cast, text=LONG)), llm_get()
    rows = opened(known, llm, 3)
    lost = claim(rows, waiting="queued", working="reading")
    rows.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    ours = claim(rows, waiting="queued", working="reading")
    for slot, tokens in [(0, [1, 2, 3]), (1, [7])]:
        bundled_llm.read(slot, tokens)
    save(rows, ours, llm, 0, known, done=3, total=3)
    with pytest.raises(LeaseLost):
        save(rows, lost, llm, 1, known, done=1, total=3)
    name = reading_file(known, llm)
    assert files(bundled_llm) == {name}
    assert json.loads((bundled_llm.folder / name).read_text()) == [1, 2, 3]
    assert rows.get().size_bytes == (bundled_llm.folder / name).stat().st_size


def test_a_row_never_names_half_a_file(cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch) -> None:
    known, llm = with_text(document(cast, text=LONG)), llm_get()
    rows = opened(known, llm, 3)
    lease = claim(rows, waiting="queued", working="reading")
    seen: list[tuple[str, set[str]]] = []
    save_slot = llamacpp.save_slot

    def watched(*args) -> tuple[int, int]:
        found = save_slot(*args)
        seen.append((rows.get().file_name, files(bundled_llm)))
        return found

    monkeypatch.setattr(llamacpp, "save_slot", watched)
    save(rows, lease, llm, 0, known, done=2, total=3)
    ((named, there),) = seen
    assert (named, [name.rpartition(".")[2] for name in there]) == ("", ["part"])
    reading = rows.get()
    assert (reading.status, reading.tokens_done, reading.lease_token) == (ReadingStatus.READING, 2, lease)
    assert files(bundled_llm) == {reading.file_name}


@pytest.mark.django_db(transaction=True)
def test_two_who_save_and_make_room_at_once_keep_within_the_limit_and_delete_no_more(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 0
    for number in range(4):
        size = read(document(cast, f"{number}.pdf", LONG)).size_bytes
    monkeypatch.setattr(env, "slots_max_bytes", int(size * 4.5))
    rows: list[tuple[DocumentText, object]] = []
    for number in (4, 5):
        known = with_text(document(cast, f"{number}.pdf", LONG))
        rows.append((known, opened(known, llm_get(), 3)))
    bundled_llm.slots[0] = bundled_llm.slots[1] = list(range(300))
    gate = threading.Barrier(2)
    monkeypatch.setattr(readings, "evict", lambda: (gate.wait(20), evict()))

    def work(slot: int) -> None:
        known, row = rows[slot]
        save(row, claim(row, waiting="queued", working="reading"), llm_get(), slot, known, done=3, total=3)
        connections.close_all()

    savers = [threading.Thread(target=work, args=(slot,)) for slot in (0, 1)]
    for saver in savers:
        saver.start()
    for saver in savers:
        saver.join(60)
    evict()
    kept = Reading.objects.order_by("version__document__name").values_list("version__document__name", "file_name")
    total = sum((bundled_llm.folder / name).stat().st_size for _, name in kept)
    assert total <= env.slots_max_bytes
    assert {"4.pdf", "5.pdf"} <= {name for name, _ in kept}
    # One more would have been too many: nothing was deleted twice over.
    assert total + size > env.slots_max_bytes
    assert files(bundled_llm) == {name for _, name in kept}
