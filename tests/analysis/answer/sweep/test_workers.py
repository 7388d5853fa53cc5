"""Several workers on one sweep: each part is read once, and a worker's death costs no more than the part it had."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection, connections
from django.utils import timezone

from analysis import progress
from analysis.answer.sweep import read
from analysis.answer.sweep.read import read_parts, sweep_of
from analysis.answer.sweep.rows import claim_part, lay_parts, parts_of_answer
from analysis.models import Answer, AnswerStatus, PartStatus, SweepPart
from analysis.models.lease import MAX_ATTEMPTS, LeaseLost, release
from tests.analysis.answer.sweep.rows import (
    NEEDLE,
    PART,
    Clerk,
    asked,
    contract,
    rows_of,
    run,
    section,
    swept_document,
)
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM, flat
from tests.analysis.review.meanings import word_vectors
from tests.conftest import Cast

FOUND = {1: NEEDLE.format("one"), 4: NEEDLE.format("two")}
WORKER = (
    "import django; django.setup(); import sys; from analysis.answer.sweep.read import read_parts; "
    "read_parts(sys.argv[1])"
)


@pytest.fixture(autouse=True)
def no_embedder(words_as_meaning: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.review.relevance.embed", word_vectors)


@pytest.fixture
def clerk(scripted_llm: ScriptedLLM) -> Clerk:
    return Clerk(scripted_llm)


def laid(answer: Answer) -> None:
    """Bring the answer to where its own run has made its parts."""
    from analysis.answer import material
    from analysis.answer.sweep.plan import pieces_for

    Answer.objects.filter(pk=answer.pk).update(
        status=AnswerStatus.RUNNING, lease_expires_at=timezone.now() + timedelta(minutes=1), attempts=1
    )
    reader = sweep_of(answer, lambda: False).reader
    documents = [material.described(document) for document in material.chosen(answer.question)]
    lay_parts(answer, reader, pieces_for(documents, reader))


def in_threads(*work) -> list[threading.Thread]:
    threads = [threading.Thread(target=lambda each=each: (each(), connections.close_all())) for each in work]
    for thread in threads:
        thread.start()
    return threads


def let_expire(rows: object) -> None:
    rows.update(lease_expires_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.django_db(transaction=True)
def test_workers_share_the_parts_and_none_is_read_twice(cast: Cast, clerk: Clerk) -> None:
    row = swept_document(cast, contract(FOUND, sections=12), pages=12)
    answer = asked(cast, row)
    laid(answer)
    together = threading.Barrier(3, timeout=20)

    def reply(body: dict) -> Reply:
        # The first three calls wait for each other: three workers are at work at the same time.
        if not together.broken and len(clerk.parts) <= 3:
            together.wait()
        return clerk.reply(body)

    clerk.server.reply_to = reply
    threads = in_threads(*[lambda: read_parts(str(answer.pk))] * 3)
    for thread in threads:
        thread.join(30)
    assert set(answer.parts.values_list("status", "attempts")) == {(PartStatus.DONE, 1)}
    assert [sum(f"SECTION {n}\n" in prompt for prompt in clerk.parts) for n in range(12)] == [1] * 12
    assert answer.calls.count() == 12


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_of_a_part_leaves_that_one_part_to_be_read_again(
    cast: Cast, clerk: Clerk
) -> None:
    row = swept_document(cast, contract(FOUND))
    undisturbed = run(asked(cast, row))
    parts_before = rows_of(undisturbed)
    SweepPart.objects.update(key="")  # so that nothing is known from before
    clerk.server.requests.clear()

    go_on, answer = threading.Event(), asked(cast, row)
    laid(answer)

    def reply(body: dict) -> Reply:
        held = "SECTION 2\n" in flat(body["messages"][-1]["content"])
        return Reply(words=["NO", "NE"], hold=go_on, after=1) if held else clerk.reply(body)

    clerk.server.reply_to = reply
    worker = _process(answer)
    try:
        assert clerk.server.holding.wait(60)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert clerk.server.disconnected.wait(5)
    statuses = list(answer.parts.values_list("status", flat=True))
    assert statuses == ["done", "done", "reading", "queued", "queued", "queued"]
    clerk.server.reply_to = clerk.reply

    # The dead worker's part is left alone while its lease lasts; the others are read.
    read_parts(str(answer.pk))
    assert list(answer.parts.values_list("status", flat=True)) == ["done", "done", "reading", *["done"] * 3]
    let_expire(answer.parts.filter(ordinal=2))
    Answer.objects.filter(pk=answer.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    run(answer)
    assert (answer.status, answer.text) == (AnswerStatus.DONE, undisturbed.text)
    assert rows_of(answer) == parts_before
    assert list(answer.parts.values_list("attempts", flat=True)) == [1, 1, 2, 1, 1, 1]
    asked_for = [sum(f"SECTION {n}\n" in prompt for prompt in clerk.parts) for n in range(6)]
    assert asked_for == [1, 1, 2, 1, 1, 1]
    assert answer.coverage["complete"] is True


def _process(answer: Answer) -> subprocess.Popen[bytes]:
    """A process of the product's own, on the test's database, that reads parts of the answer's sweep."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    environment = {
        **os.environ,
        "DATABASE_URL": urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}")),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LECTERN_LLM_URL": _llm_url(),
        "LECTERN_LLM_KEY": "scripted-key",
    }
    return subprocess.Popen([sys.executable, "-c", WORKER, str(answer.pk)], env=environment)


def _llm_url() -> str:
    from config.env import env

    return env.llm_url


def test_a_lease_is_taken_over_and_the_one_before_cannot_write(cast: Cast, clerk: Clerk) -> None:
    answer = asked(cast, swept_document(cast, contract({}, sections=1), pages=1))
    laid(answer)
    first = claim_part(answer)
    assert first is not None
    assert claim_part(answer) is None
    let_expire(first.rows)
    second = claim_part(answer)
    assert second is not None
    assert (second.part.pk, second.part.attempts) == (first.part.pk, 2)
    with pytest.raises(LeaseLost):
        release(first.rows, first.token, status=PartStatus.DONE, result={"findings": []})
    release(second.rows, second.token, status=PartStatus.DONE, result={"findings": [], "by": "the second"})
    assert SweepPart.objects.get().result["by"] == "the second"


def test_a_part_that_breaks_off_each_time_is_given_up(cast: Cast, clerk: Clerk) -> None:
    answer = asked(cast, swept_document(cast, contract({}, sections=2), pages=1))
    laid(answer)
    SweepPart.objects.filter(answer=answer, ordinal=0).update(attempts=MAX_ATTEMPTS)
    read_parts(str(answer.pk))
    rows = list(answer.parts.values_list("status", "error_message"))
    assert rows == [("failed", "This was tried 4 times and broke off each time."), ("done", "")]
    assert len(clerk.parts) == 1


def test_no_part_is_taken_of_an_answer_that_is_over(cast: Cast, clerk: Clerk) -> None:
    answer = asked(cast, swept_document(cast, contract({}, sections=1), pages=1))
    laid(answer)
    Answer.objects.filter(pk=answer.pk).update(status=AnswerStatus.STOPPED)
    assert claim_part(answer) is None
    read_parts(str(answer.pk))
    assert clerk.server.requests == []


def test_parts_are_laid_once_and_anew_for_another_version(cast: Cast, clerk: Clerk) -> None:
    text = contract({}, sections=2)
    row = swept_document(cast, text, pages=1)
    answer = asked(cast, row)
    laid(answer)
    first = list(parts_of_answer(answer).values_list("pk", flat=True))
    laid(answer)
    assert list(parts_of_answer(answer).values_list("pk", flat=True)) == first
    other = swept_document(cast, text, "other.pdf", pages=1)
    answer.question.documents.set([other])
    laid(answer)
    assert set(parts_of_answer(answer).values_list("version_id", flat=True)) == {other.version_id}
    assert parts_of_answer(answer).count() == 2


def test_helpers_are_sent_for_one_less_than_the_endpoint_takes(
    cast: Cast, clerk: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr("analysis.tasks.read_parts.delay", sent.append)
    answer = run(asked(cast, swept_document(cast, contract({}))))
    assert sent == [str(answer.pk)] * 3
    two = run(asked(cast, swept_document(cast, contract({}, sections=2).replace("s0", "t0").replace("s1", "t1"))))
    assert sent[3:] == [str(two.pk)]


def test_on_the_bundled_server_no_helper_takes_a_slot_from_people(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr("analysis.tasks.read_parts.delay", sent.append)
    bundled_llm.window_tokens = 2048
    answer = run(asked(cast, swept_document(cast, section(0, words=700), pages=1)))
    assert answer.parts.count() == 2
    assert (answer.status, sent) == (AnswerStatus.DONE, [])
    assert all(PART in flat(body["messages"][-1]["content"]) for body in bundled_llm.requests)
    assert len({body["id_slot"] for body in bundled_llm.requests}) == 1


def test_how_far_a_long_part_has_been_read_is_shown(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr("analysis.answer.findings.nearest.nearest", lambda *_: [])
    bundled_llm.replies = [Reply(words=["NONE"])]
    answer = run(asked(cast, swept_document(cast, contract({}))))
    messages = [event.data["message"] for event in progress.replay(progress.answer_stream(answer.pk))
                if event.name == "progress"]  # fmt: skip
    found = [re.fullmatch(r"Part 1 of \d+: .+, (\d+) % read", message) for message in messages]
    shares = [int(match[1]) for match in found if match]
    assert shares == sorted(shares)
    assert len(shares) > 1
    assert 50 < shares[-1] <= 100
