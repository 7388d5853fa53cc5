"""Sweeps: each part read once, findings kept as spans, put together without losing one, and the receipt of it all."""

from __future__ import annotations

import json
import threading

import pytest
from django.db import connections

from analysis import progress
from analysis.answer.ask import answer_regenerate, answer_stop
from analysis.answer.sweep import read
from analysis.answer.sweep.read import read_parts
from analysis.answer.sweep.rows import place_of, swept
from analysis.llm import client
from analysis.models import Answer, AnswerStatus, Call, CallStatus, Page, PartStatus, VersionText
from analysis.progress import Event
from analysis.types import Mode, SweptPart
from tests.analysis.answer.rows import document
from tests.analysis.answer.sweep.rows import (
    LIST,
    NEEDLE,
    PART,
    Clerk,
    asked,
    contract,
    headings,
    held,
    run,
    swept_document,
)
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM, flat
from tests.conftest import Cast
from workspaces.models import Member, Role, Workspace


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch, words_as_meaning: None) -> None:
    monkeypatch.setattr(client, "BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr(read, "RETRY_SECONDS", 0.0)


@pytest.fixture
def clerk(scripted_llm: ScriptedLLM) -> Clerk:
    return Clerk(scripted_llm)


def events(answer: Answer, *names: str) -> list[Event]:
    return [event for event in progress.replay(progress.answer_stream(answer.pk)) if event.name in names]


def found_words(answer: Answer) -> list[str]:
    """The words of every finding, as its span cuts them out of its version."""
    return [
        part.version.read_text(part.start_char + each["start_char"], part.start_char + each["end_char"])
        for part in answer.parts.all()
        for each in part.result["findings"]
    ]


def elsewhere(cast: Cast) -> Cast:
    """The outsider's own workspace, with her as its owner."""
    other = Workspace.objects.get(slug="elsewhere")
    assert Member.objects.filter(workspace=other, user=cast.outsider, role=Role.OWNER).exists()
    return Cast(other, *[cast.outsider] * 6)


def test_every_part_is_read_once_and_what_is_found_is_the_answers_evidence(cast: Cast, clerk: Clerk) -> None:
    text = contract({1: NEEDLE.format("one"), 4: NEEDLE.format("two")})
    clerk.final = "The auditor number one and the auditor number two may inspect the books of the company."
    row = swept_document(cast, text)
    answer = run(asked(cast, row))
    assert (answer.status, answer.mode, answer.text) == (AnswerStatus.DONE, "sweep", clerk.final)
    parts = list(answer.parts.all())
    assert [text[part.start_char : part.end_char][:9] for part in parts] == [f"SECTION {n}" for n in range(6)]
    assert "".join(text[part.start_char : part.end_char] for part in parts) == text
    assert [sum(f"SECTION {n}\n" in prompt for prompt in clerk.parts) for n in range(6)] == [1] * 6
    assert found_words(answer) == [NEEDLE.format("one"), NEEDLE.format("two")]
    cited = [text[c.start_char : c.end_char] for s in answer.sentences.all() for c in s.citations.all()]
    assert sorted(cited) == [NEEDLE.format("one"), NEEDLE.format("two")]

    receipt = answer.coverage
    assert receipt["parts"] == {"total": 6, "read": 6, "cached": 0, "failed": 0}
    assert (receipt["complete"], receipt["characters_read"], receipt["pages_read"]) == (True, len(text), [[1, 6]])
    assert list(answer.calls.order_by("pk").values_list("purpose", flat=True)) == [*["part"] * 6, "reduce"]
    assert answer.usage["calls"] == 7
    assert answer.usage["prompt_tokens"] == sum(call.prompt_tokens for call in Call.objects.all())
    assert receipt["tokens_sent"] == answer.usage["prompt_tokens"]


def test_progress_and_findings_are_shown_as_they_come(cast: Cast, clerk: Clerk) -> None:
    text = contract({1: NEEDLE.format("one")})
    row = swept_document(cast, text)
    answer = run(asked(cast, row))
    shown = [(e.data["message"], e.data["done"], e.data["total"]) for e in events(answer, "progress")]
    assert shown[0] == ("Part 1 of 6: page 1", 0, 6)
    assert ("Part 2 of 6: pages 1 to 3", 1, 6) in shown
    assert ("Part 6 of 6: page 6", 6, 6) in shown
    assert ("Putting together what was found in one place", 0, 0) in shown
    start = text.index(NEEDLE.format("one"))
    page = Page.objects.filter(version=row.version, start_char__lte=start).count()
    assert [e.data for e in events(answer, "finding")] == [
        {
            "part": 1, "index": 0, "document_id": str(row.pk), "document_name": "lease.pdf", "page_number": page,
            "start_char": start, "end_char": start + len(NEEDLE.format("one")), "quote": NEEDLE.format("one"),
            "place": f"page {page}", "note": "", "path": None, "repository_id": None, "start_line": 0, "end_line": 0,
        }
    ]  # fmt: skip


def test_what_is_known_of_the_same_text_is_not_asked_again(cast: Cast, clerk: Clerk) -> None:
    row = swept_document(cast, contract({1: NEEDLE.format("one")}))
    first = run(asked(cast, row))
    second = run(answer_regenerate(first.question, mode=Mode.SWEEP))
    assert (second.plan["parts"], second.plan["parts_cached"]) == (6, 6)
    assert second.plan["cost_usd_cached"] <= second.plan["cost_usd_cold"]
    assert second.coverage["parts"] == {"total": 6, "read": 0, "cached": 6, "failed": 0}
    assert (len(clerk.parts), second.usage["calls"]) == (6, 1)
    assert [e.data["quote"] for e in events(second, "finding")] == [NEEDLE.format("one")]
    assert second.coverage["complete"] is True
    assert "all 6 parts are gone through, 6 of them known from before" in second.plan["why"]


def test_another_question_reads_everything_again(cast: Cast, clerk: Clerk) -> None:
    row = swept_document(cast, contract({}))
    run(asked(cast, row))
    run(asked(cast, row, text="Who may not audit the books?"))
    assert len(clerk.parts) == 12


def test_an_amended_document_is_read_where_it_was_changed(cast: Cast, clerk: Clerk) -> None:
    text = contract({1: NEEDLE.format("one")})
    row = swept_document(cast, text)
    run(asked(cast, row))
    amended = text.replace("SECTION 4\n", f"SECTION 4\nAmended. {NEEDLE.format('two')}\n")
    VersionText.objects.filter(version=row.version).update(text=amended)
    row.version.headings.all().delete()
    headings(row, amended)
    row.version.characters = len(amended)
    row.version.save()
    second = run(asked(cast, row))
    assert len(clerk.parts) == 7
    assert "Amended." in clerk.parts[6]
    assert second.coverage["parts"] == {"total": 6, "read": 1, "cached": 5, "failed": 0}
    assert found_words(second) == [NEEDLE.format("one"), NEEDLE.format("two")]


def test_two_workspaces_never_share_a_part(cast: Cast, clerk: Clerk) -> None:
    text = contract({1: NEEDLE.format("one")})
    run(asked(cast, swept_document(cast, text)))
    other = elsewhere(cast)
    theirs = run(asked(other, swept_document(other, text)))
    assert theirs.coverage["parts"] == {"total": 6, "read": 6, "cached": 0, "failed": 0}
    assert len(clerk.parts) == 12


def test_equal_parts_of_one_sweep_are_read_once(cast: Cast, clerk: Clerk) -> None:
    text = contract({1: NEEDLE.format("one")}, sections=2)
    one, two = swept_document(cast, text, "one.txt"), swept_document(cast, text, "two.txt")
    answer = run(asked(cast, one, two))
    assert len(clerk.parts) == 2
    assert answer.coverage["parts"] == {"total": 4, "read": 2, "cached": 2, "failed": 0}
    assert [part.version_id for part in answer.parts.all()] == [one.version_id] * 2 + [two.version_id] * 2
    assert found_words(answer) == [NEEDLE.format("one")] * 2
    assert "Part 3 of 4: two.txt, pages 1 to 3" in [e.data["message"] for e in events(answer, "progress")]


def test_a_part_that_cannot_be_read_is_on_the_receipt_and_in_the_answer(cast: Cast, clerk: Clerk) -> None:
    row = swept_document(cast, contract({1: NEEDLE.format("one")}))
    refusing(clerk, "SECTION 4\n")
    answer = run(asked(cast, row))
    part = answer.parts.get(ordinal=4)
    assert (answer.status, part.status) == (AnswerStatus.DONE, PartStatus.FAILED)
    assert part.error_message == "The language model's endpoint refused the request. It said: no such words"
    assert answer.coverage["parts"] == {"total": 6, "read": 5, "cached": 0, "failed": 1}
    assert answer.coverage["complete"] is False
    assert answer.text == (
        f"The auditor may inspect the books.\n\nNot read:\n\n- lease.pdf, {place_of(part)}: {part.error_message}"
    )
    ours = answer.sentences.exclude(ordinal=0)
    assert list(ours.values_list("supported", flat=True)) == [None] * ours.count()
    assert swept([part]) == [SweptPart(row.version_id, part.start_char, part.end_char, "failed")]


def refusing(clerk: Clerk, words: str) -> None:
    """Let the endpoint refuse whatever has these words in it."""

    def reply(body: dict) -> Reply:
        if words in flat(body["messages"][-1]["content"]):
            return Reply(status=400, body='{"error": {"message": "no such words"}}')
        return clerk.reply(body)

    clerk.server.reply_to = reply


def test_a_part_is_tried_again_when_the_endpoint_was_away(cast: Cast, clerk: Clerk) -> None:
    row = swept_document(cast, contract({1: NEEDLE.format("one")}))
    away = iter([True] * client.TRIES)

    def reply(body: dict) -> Reply:
        if "SECTION 1\n" in flat(body["messages"][-1]["content"]) and next(away, False):
            return Reply(status=503)
        return clerk.reply(body)

    clerk.server.reply_to = reply
    answer = run(asked(cast, row))
    assert (answer.status, answer.parts.get(ordinal=1).attempts) == (AnswerStatus.DONE, 2)
    assert answer.coverage["complete"] is True
    assert found_words(answer) == [NEEDLE.format("one")]


def test_an_endpoint_that_stays_away_fails_the_answer_in_a_sentence(cast: Cast, clerk: Clerk) -> None:
    clerk.server.reply_to = lambda body: Reply(status=503)
    answer = run(asked(cast, swept_document(cast, contract({}, sections=1), pages=1)))
    assert (answer.status, answer.error_code) == (AnswerStatus.FAILED, "no_part_read")
    assert answer.error_message == (
        "No part could be read. The language model's endpoint is not working right now (status 503)."
    )
    assert answer.parts.get().attempts == 4


# Absence


def test_absence_is_said_with_a_complete_receipt(cast: Cast, clerk: Clerk) -> None:
    row = swept_document(cast, contract({}))
    answer = run(asked(cast, row))
    assert answer.text.startswith("There is nothing about this in “lease.pdf”")
    assert "6 parts" in answer.text
    assert {sentence.supported for sentence in answer.sentences.all()} == {None}
    assert answer.coverage["complete"] is True
    assert len(clerk.server.requests) == 6


def test_absence_is_not_said_where_a_part_could_not_be_read(cast: Cast, clerk: Clerk) -> None:
    refusing(clerk, "SECTION 4\n")
    answer = run(asked(cast, swept_document(cast, contract({}))))
    assert answer.text.startswith("Nothing about this was found in what ")
    assert "There is nothing" not in answer.text
    assert "Not read:\n\n- lease.pdf, " in answer.text


def test_absence_is_not_said_where_a_page_is_unreadable(cast: Cast, clerk: Clerk) -> None:
    row = swept_document(cast, contract({}))
    Page.objects.filter(version=row.version, number=3).update(source="unreadable")
    answer = run(asked(cast, row))
    assert "There is nothing" not in answer.text
    assert answer.text.endswith("Not read:\n\n- lease.pdf, page 3: nothing on it could be made out.")


def test_absence_is_not_said_where_a_document_was_not_ready(cast: Cast, clerk: Clerk) -> None:
    bad = document(cast, "bad.pdf", status="failed")
    answer = run(asked(cast, swept_document(cast, contract({})), bad))
    assert answer.coverage["complete"] is False
    assert "There is nothing" not in answer.text
    assert answer.text.endswith("Not read:\n\n- bad.pdf: it was not read in.")


def test_a_part_with_more_than_fits_one_completion_is_read_in_halves(cast: Cast, clerk: Clerk) -> None:
    halves = " ".join(["word"] * 200)
    text = (
        f"SECTION 0\n\n{NEEDLE.format('a')}\n\n{halves}.\n\n{NEEDLE.format('b')}\n\n{halves}.\n\n{NEEDLE.format('c')}\n"
    )

    def reply(body: dict) -> Reply:
        answer = clerk.reply(body)
        if PART not in flat(body["messages"][-1]["content"]):
            return answer
        found = json.loads(answer.words[0])["quotes"]
        cut = answer.words[0][: answer.words[0].index(found[1]) + 9] if len(found) > 1 else ""
        return Reply(words=[cut], finish="length") if cut else answer

    clerk.server.reply_to = reply
    answer = run(asked(cast, swept_document(cast, text, pages=1)))
    assert answer.parts.count() == 1
    assert found_words(answer) == [NEEDLE.format(name) for name in "abc"]


# Endpoints that do not hold a completion to its shape


def test_a_part_is_asked_for_in_an_object_that_the_completion_is_held_to(cast: Cast, clerk: Clerk) -> None:
    run(asked(cast, swept_document(cast, contract({}, sections=1), pages=1)))
    [body] = clerk.server.requests
    held_to = body["response_format"]["json_schema"]
    assert (body["response_format"]["type"], held_to["name"], held_to["strict"]) == ("json_schema", "Quotes", True)
    assert held_to["schema"]["properties"]["quotes"]["items"] == {"type": "string"}
    assert '{"quotes": ["...", "..."]}' in clerk.parts[0]


def in_lines_only(clerk: Clerk, otherwise: Reply) -> None:
    """Let the endpoint know nothing of shapes: what is to be held to one gets `otherwise`."""
    clerk.server.reply_to = lambda body: otherwise if held(body) else clerk.reply(body)


@pytest.mark.parametrize(
    "otherwise",
    [
        Reply(words=[NEEDLE.format("one")]), Reply(words=["NONE"]), Reply(words=[""]), Reply(words=['["a", "list"]']),
        Reply(words=['{"quotes": [' + " " * 300], finish="length"),
        Reply(words=['As the part says, {"quotes": []}\n', NEEDLE.format("one")]),
        Reply(status=400, body='{"error": {"message": "response_format is not supported"}}'),
    ],
    ids=["lines", "none", "nothing", "another object", "white space", "words around", "refused"],
)  # fmt: skip
def test_where_nothing_holds_the_object_the_part_is_asked_for_in_lines(
    cast: Cast, clerk: Clerk, otherwise: Reply
) -> None:
    in_lines_only(clerk, otherwise)
    answer = run(asked(cast, swept_document(cast, contract({0: NEEDLE.format("one")}, sections=1), pages=1)))
    assert (answer.status, answer.text) == (AnswerStatus.DONE, clerk.final)
    assert found_words(answer) == [NEEDLE.format("one")]
    assert answer.coverage["parts"] == {"total": 1, "read": 1, "cached": 0, "failed": 0}
    assert [held(body) for body in clerk.server.requests] == [True, False, False]
    assert answer.calls.filter(purpose="part").count() == 2


def test_an_endpoint_that_fails_otherwise_is_not_asked_in_lines(cast: Cast, clerk: Clerk) -> None:
    in_lines_only(clerk, Reply(status=403))
    answer = run(asked(cast, swept_document(cast, contract({}, sections=1), pages=1)))
    assert answer.status == AnswerStatus.FAILED
    assert all(held(body) for body in clerk.server.requests)


# Reduction


def test_findings_that_do_not_fit_one_prompt_are_condensed_in_batches(cast: Cast, clerk: Clerk) -> None:
    # 30 findings of 16 estimated tokens and 24 around each, against 2,048 of text less the prompt's frame.
    found = {section: " ".join(NEEDLE.format(f"{section}-{n}") for n in range(30)) for section in range(6)}
    row = swept_document(cast, contract(found))
    clerk.final = "The auditors may inspect the books of the company."
    answer = run(asked(cast, row))
    assert answer.status == AnswerStatus.DONE
    assert clerk.condensed >= 2
    assert all(f"Digest {number}." in clerk.last for number in range(1, clerk.condensed + 1))
    condensing = [flat(b["messages"][-1]["content"]) for b in clerk.server.requests[6:-1]]
    for words in found_words(answer):
        assert sum(words in prompt for prompt in condensing) == 1
    assert answer.calls.filter(purpose="reduce").count() == clerk.condensed + 1


def test_a_list_loses_no_finding(cast: Cast, clerk: Clerk) -> None:
    text = contract({number: NEEDLE.format(f"n{number}") for number in range(6)})
    clerk.final = "The auditor number n2 may inspect the books of the company."
    row = swept_document(cast, text)
    answer = run(asked(cast, row, text=LIST))
    assert answer.text.startswith(f"{clerk.final}\n\nAlso found:\n\n**lease.pdf, page 1**\n\n- “{NEEDLE.format('n0')}”")
    cited = {
        text[c.start_char : c.end_char] for s in answer.sentences.filter(supported=True) for c in s.citations.all()
    }
    assert cited == {NEEDLE.format(f"n{number}") for number in range(6)}
    assert answer.text.count(NEEDLE.format("n2")) == 1


def test_a_model_that_makes_nothing_of_the_findings_leaves_them_to_themselves(cast: Cast, clerk: Clerk) -> None:
    clerk.final = ""
    answer = run(asked(cast, swept_document(cast, contract({0: NEEDLE.format("one")}))))
    assert answer.text == f"**lease.pdf, page 1**\n\n- “{NEEDLE.format('one')}”"
    assert [s.supported for s in answer.sentences.all()] == [None, True]


# Stopping


@pytest.mark.django_db(transaction=True)
def test_stopping_closes_every_workers_call_and_keeps_what_was_found(cast: Cast, clerk: Clerk) -> None:
    row = swept_document(cast, contract({0: NEEDLE.format("one")}))
    held, lock = [], threading.Lock()
    go_on = threading.Event()

    def reply(body: dict) -> Reply:
        prompt = flat(body["messages"][-1]["content"])
        if PART in prompt and "SECTION 0\n" not in prompt:
            with lock:
                held.append(prompt)
            return Reply(hold=go_on)
        return clerk.reply(body)

    clerk.server.reply_to = reply
    answer = asked(cast, row)
    own = threading.Thread(target=lambda: (run(answer), connections.close_all()))
    own.start()
    until(lambda: len(held) == 1)
    helper = threading.Thread(target=lambda: (read_parts(str(answer.pk)), connections.close_all()))
    helper.start()
    until(lambda: len(held) == 2)
    answer_stop(answer)
    own.join(10)
    helper.join(10)
    answer.refresh_from_db()
    assert answer.status == AnswerStatus.STOPPED
    assert answer.text == (
        "This was stopped before everything was read. Found until then:\n\n"
        f"**lease.pdf, page 1**\n\n- “{NEEDLE.format('one')}”"
    )
    assert list(answer.parts.values_list("status", flat=True)) == ["done"] + ["queued"] * 5
    assert set(answer.parts.values_list("lease_token", flat=True)) == {None}
    assert sorted(answer.calls.values_list("status", flat=True)) == [CallStatus.DONE, *[CallStatus.STOPPED] * 2]
    assert (answer.coverage["complete"], answer.coverage["parts"]["read"]) == (False, 1)
    assert answer.usage["calls"] == 3


def until(true: object) -> None:
    from tests.analysis.answer.test_run import until as wait_until

    wait_until(true)
