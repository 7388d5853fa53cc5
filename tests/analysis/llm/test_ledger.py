"""The ledger: exactly one row for each call, whatever becomes of it, at the prices of its day."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from analysis.errors import AppError, EngineUnavailable
from analysis.ingest.upload import document_delete
from analysis.llm import client
from analysis.llm.catalogue import LLM
from analysis.llm.ledger import LONGEST_CALL, close_lost, metered, record, spent
from analysis.llm.tokens import estimate
from analysis.models import Answer, Call, CallStatus, Document, Question
from analysis.types import Account, CallPurpose, Message, Prompt, Source, Usage
from tests.analysis.answer.rows import document
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM
from tests.conftest import Cast
from workspaces.models import Workspace

SECRET = "A clause that nobody else may read."
USAGE = {"prompt_tokens": 1000, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 400}}


@pytest.fixture
def llm(scripted_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch) -> LLM:
    """A hosted LLM: $2 a million tokens in, $0.50 cached, $8 out."""
    monkeypatch.setattr(client, "BACKOFF_SECONDS", 0.001)
    return LLM(
        id="hosted", name="Hosted", family="", window_tokens=4096, max_output_tokens=512, base_url=scripted_llm.url,
        price_in_usd_per_million=2.0, price_cached_usd_per_million=0.5, price_out_usd_per_million=8.0, key="sk-secret",
    )  # fmt: skip


@pytest.fixture
def row(cast: Cast) -> Document:
    return document(cast, text=SECRET)


@pytest.fixture
def answer(cast: Cast, row: Document) -> Answer:
    question = Question.objects.create(workspace=cast.workspace, asker=cast.editor, text="Who may read it?")
    question.documents.add(row)
    return Answer.objects.create(question=question, llm="hosted")


@pytest.fixture
def account(cast: Cast, answer: Answer, row: Document) -> Account:
    return Account(CallPurpose.QUESTION, cast.workspace.pk, cast.editor.pk, str(answer.pk), str(row.pk))


@pytest.fixture
def prompt(row: Document) -> Prompt:
    source = Source(str(row.pk), row.name, row.version_id, 0, len(SECRET), SECRET)
    return Prompt([Message("system", "Answer."), Message("user", f"<doc>\n{SECRET}\n</doc>\n\nWho?")], [source], 100)


def only_call() -> Call:
    return Call.objects.get()


def test_a_finished_call_is_priced_to_the_last_digit(
    llm: LLM, prompt: Prompt, account: Account, scripted_llm: ScriptedLLM, cast: Cast, answer: Answer, row: Document
) -> None:
    scripted_llm.replies = [Reply(usage=USAGE)]
    assert [token.kind for token in metered(llm, prompt, account)] == ["text", "text", "text", "end"]
    call = only_call()
    assert (call.status, call.purpose, call.llm, call.endpoint) == ("done", "question", "hosted", scripted_llm.url)
    assert (call.workspace, call.user, call.answer, call.document) == (cast.workspace, cast.editor, answer, row)
    assert (call.prompt_tokens, call.cached_tokens, call.completion_tokens) == (1000, 400, 20)
    # 600 fresh at $2, 400 cached at $0.50, 20 out at $8, each a million; and $1.50 a million saved on 400.
    assert (call.cost_usd, call.saved_usd) == (Decimal("0.00156"), Decimal("0.0006"))
    assert 0 < call.seconds_to_first_token <= call.seconds


def test_neither_key_nor_document_is_in_a_row(llm: LLM, prompt: Prompt, account: Account) -> None:
    parts = llm.base_url.split("//")
    list(metered(replace(llm, base_url=f"{parts[0]}//user:hunter2@{parts[1]}"), prompt, account))
    with connection.cursor() as cursor:
        cursor.execute("SELECT analysis_call::text FROM analysis_call")
        [(words,)] = cursor.fetchall()
    assert "Who?" in words
    assert [secret for secret in (SECRET, "clause", "sk-secret", "hunter2") if secret in words] == []
    assert only_call().endpoint == llm.base_url


def test_a_call_that_is_asked_to_stop(llm: LLM, prompt: Prompt, account: Account, scripted_llm: ScriptedLLM) -> None:
    hold = threading.Event()
    scripted_llm.replies = [Reply(words=["One", " two", " three"], hold=hold, after=2)]
    seen: list[str] = []
    for token in metered(llm, prompt, account, should_stop=lambda: len(seen) == 2):
        if token.kind == "text":
            seen.append(token.text)
    call = only_call()
    assert (call.status, call.completion_tokens, seen) == ("stopped", 2, ["One", " two"])
    # Not told by the endpoint: an estimate, so that what was paid is not missing.
    assert call.prompt_tokens > 0
    assert call.cost_usd == Decimal(call.prompt_tokens * 2 + 2 * 8) / 1_000_000


def test_a_call_that_its_reader_drops(llm: LLM, prompt: Prompt, account: Account) -> None:
    stream = metered(llm, prompt, account)
    next(stream)
    stream.close()
    call = only_call()
    assert (call.status, call.completion_tokens) == ("stopped", 1)
    assert call.prompt_tokens > 0
    assert call.seconds > 0


def test_a_call_that_is_dropped_before_it_begins_was_none(llm: LLM, prompt: Prompt, account: Account) -> None:
    metered(llm, prompt, account).close()
    assert Call.objects.count() == 0


def test_a_reader_that_leaves_after_the_end_leaves_a_finished_call(llm: LLM, prompt: Prompt, account: Account) -> None:
    stream = metered(llm, prompt, account)
    while next(stream).kind != "end":
        pass
    stream.close()
    assert only_call().status == "done"


def test_a_call_that_breaks_off(llm: LLM, prompt: Prompt, account: Account, scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(cut=True)]
    with pytest.raises(AppError):
        list(metered(llm, prompt, account))
    call = only_call()
    assert (call.status, call.completion_tokens) == ("failed", 3)
    assert call.prompt_tokens > 0
    assert call.cost_usd > 0
    assert call.seconds > 0


def test_an_endpoint_that_is_away_costs_nothing_and_is_one_row(llm: LLM, prompt: Prompt, account: Account) -> None:
    with pytest.raises(EngineUnavailable):
        list(metered(replace(llm, base_url="http://127.0.0.1:9/v1"), prompt, account))
    call = only_call()
    assert (call.status, call.prompt_tokens, call.cost_usd) == ("failed", 0, Decimal(0))


def test_a_refusal_is_one_row(llm: LLM, prompt: Prompt, account: Account, scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(status=401, body='{"error": {"message": "no"}}')]
    with pytest.raises(AppError):
        list(metered(llm, prompt, account))
    assert (only_call().status, only_call().cost_usd) == ("failed", 0)


@pytest.mark.parametrize(
    ("delete", "left"),
    [
        (lambda: document_delete(Document.objects.get()), ("workspace", "user")),
        (lambda: Question.objects.all().delete(), ("workspace", "user", "document")),
        (lambda: Workspace.objects.filter(slug="firm").delete(), ("user",)),
    ],
)
def test_what_is_deleted_during_a_call_is_left_out_of_its_row(
    llm: LLM, prompt: Prompt, account: Account, delete: Callable[[], object], left: tuple[str, ...]
) -> None:
    stream = metered(llm, prompt, account)
    next(stream)
    delete()
    list(stream)
    call = only_call()
    assert tuple(n for n in ("workspace", "user", "answer", "document") if getattr(call, n) is not None) == left
    assert (call.status, call.completion_tokens, call.prompt) == ("done", 3, [])


@pytest.mark.django_db(transaction=True)
def test_what_is_deleted_between_the_look_and_the_write_costs_no_row(
    llm: LLM, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Call.save

    def delete() -> None:
        Question.objects.all().delete()
        connection.close()

    def save_late(call: Call, **more: object) -> None:
        elsewhere = threading.Thread(target=delete)
        elsewhere.start()
        elsewhere.join()
        save(call, **more)

    monkeypatch.setattr(Call, "save", save_late)
    record(llm, Usage(prompt_tokens=10), account)
    assert (only_call().answer_id, only_call().prompt_tokens) == (None, 10)


def test_the_row_of_a_deleted_answer_stays_without_its_words(
    llm: LLM, prompt: Prompt, account: Account, answer: Answer
) -> None:
    list(metered(llm, prompt, account))
    assert only_call().prompt[1]["pieces"][-1] == "\n</doc>\n\nWho?"
    answer.question.delete()
    call = only_call()
    assert (call.answer_id, call.prompt, call.completion_tokens) == (None, [], 3)


def test_a_change_of_prices_changes_no_row(llm: LLM, account: Account, answer: Answer) -> None:
    usage = Usage(prompt_tokens=1_000_000, completion_tokens=1_000_000)
    record(llm, usage, account)
    record(replace(llm, price_in_usd_per_million=200.0, price_out_usd_per_million=0.0), usage, account)
    costs = list(Call.objects.order_by("pk").values_list("cost_usd", flat=True))
    assert costs == [Decimal(10), Decimal(200)]
    assert spent(answer) == {"calls": 2, "cost_usd": 210.0, "saved_usd": 0.0}


def test_a_call_without_an_answer_keeps_no_words(llm: LLM, prompt: Prompt, cast: Cast) -> None:
    list(metered(llm, prompt, Account(CallPurpose.TEST)))
    record(llm, Usage(prompt_tokens=5), Account(CallPurpose.READING, cast.workspace.pk))
    rows = list(Call.objects.order_by("pk").values_list("purpose", "workspace", "prompt"))
    assert rows == [("test", None, []), ("reading", cast.workspace.pk, [])]


def test_numbers_that_cannot_be_are_cut_to_those_that_can(llm: LLM, account: Account) -> None:
    record(llm, Usage(prompt_tokens=10, cached_tokens=50, completion_tokens=-3), account, status=CallStatus.FAILED)
    record(llm, Usage(prompt_tokens=2**40), account)
    first, second = Call.objects.order_by("pk")
    assert (first.prompt_tokens, first.cached_tokens, first.completion_tokens) == (10, 10, 0)
    assert first.cost_usd == Decimal("0.000005")
    assert second.prompt_tokens == 2**31 - 1


def test_a_call_whose_process_dies_leaves_its_estimate(
    scripted_llm: ScriptedLLM, llm: LLM, account: Account, prompt: Prompt
) -> None:
    scripted_llm.replies = [Reply(words=["The", " firm."], hold=threading.Event(), after=1)]
    stream = metered(llm, prompt, account)
    assert next(stream).text == "The"
    sent = sum(estimate(message.content) for message in prompt.messages)
    call = Call.objects.get()
    assert (call.status, call.prompt_tokens, call.completion_tokens) == (CallStatus.OPEN, sent, 0)
    assert call.cost_usd == Decimal(sent) * 2 / 10**6
    close_lost()
    assert Call.objects.get().status == CallStatus.OPEN
    Call.objects.update(created_at=timezone.now() - LONGEST_CALL - timedelta(seconds=1))
    close_lost()
    assert (Call.objects.get().status, Call.objects.get().prompt_tokens) == (CallStatus.FAILED, sent)
    stream.close()
    closed = Call.objects.get()
    assert (closed.pk, closed.status, closed.completion_tokens) == (call.pk, CallStatus.STOPPED, 1)
    assert closed.created_at == call.created_at  # it counts for the day on which it began
