"""The bundled model itself: it answers from the document, reads it once, and stops when told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connections

from analysis.answer.ask import answer_stop, question_ask
from analysis.answer.material import with_text
from analysis.answer.read_once import STEP_TOKENS, prefix_tokens, read_ahead
from analysis.answer.run import answer_run
from analysis.llm import endpoint, llamacpp
from analysis.llm.registry import llm_get
from analysis.llm.tokens import count_prompt
from analysis.models import Answer, AnswerStatus, Document, Reading
from analysis.types import Message, Mode
from config.env import env
from local import home, llama_server, process
from tests.analysis.answer.rows import document
from tests.analysis.answer.test_run import followed, until
from tests.conftest import Cast, serving

pytestmark = [pytest.mark.model, pytest.mark.usefixtures("llama_server", "words_as_meaning")]

TEXT = """LEASE AGREEMENT

This Lease is made on 3 May 2021 between Harbour Estates Limited (the "Landlord") and Maria Keller (the "Tenant").

1. Term. The term of this lease is seven years from 1 June 2021.

2. Rent. The Tenant shall pay the Landlord a rent of EUR 2,150 per month, due on the third working day of each month.

3. Governing law. This lease is governed by the laws of Ireland.
"""


@pytest.fixture(autouse=True)
def fresh_facts() -> None:
    endpoint.forget_endpoints()


@pytest.fixture
def own_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A port for a server that a test may kill, known to the product as the bundled model's."""
    port, before = process.free_port(), home.read_endpoints()
    monkeypatch.setattr(env, "llm_url", llama_server.url(port))
    home.write_endpoints(before | {"llm_url": llama_server.url(port)})
    yield port
    home.write_endpoints(before)


def ask(cast: Cast, row: Document, text: str) -> Answer:
    return question_ask(workspace=cast.workspace, user=cast.owner, text=text, documents=[row], mode=Mode.WHOLE)


def run(answer: Answer) -> Answer:
    answer_run(str(answer.pk))
    answer.refresh_from_db()
    return answer


def test_the_endpoint_is_known_for_what_it_is(db: None, llama_server: str) -> None:
    llm = llm_get()
    assert (llm.id, llm.dialect, llm.slots, llm.window_tokens) == (
        "qwen2.5-coder-0.5b-instruct", "llamacpp", 3, 32768,
    )  # fmt: skip


def test_a_prompt_is_counted_as_the_server_counts_it(db: None, llama_server: str) -> None:
    template = (
        "<|im_start|> system \\n Hi <|im_end|> \\n <|im_start|> user \\n <|im_end|> \\n <|im_start|> assistant \\n"
    )
    assert count_prompt([Message("system", "Hi"), Message("user", "")], llm_get()) == (len(template.split()), True)


@pytest.mark.django_db(transaction=True)
def test_it_answers_from_the_document_and_reads_it_once(cast: Cast) -> None:
    row = document(cast, "lease.pdf", TEXT)
    read_ahead(row.version_id)
    prefix = len(prefix_tokens(with_text(row), llm_get()))
    assert Reading.objects.get().tokens_total == prefix
    first = run(ask(cast, row, "Which law governs this lease?"))
    assert (first.status, "Ireland" in first.text) == (AnswerStatus.DONE, True)
    assert first.usage["cached_tokens"] >= prefix - 1
    assert first.usage["prompt_tokens"] - first.usage["cached_tokens"] < 20
    cited = first.sentences.get(supported=True).citations.first()
    assert "governed by the laws of Ireland" in TEXT[cited.start_char : cited.end_char]
    second = run(ask(cast, row, "What is the rent per month?"))
    assert "2,150" in second.text
    assert second.usage["cached_tokens"] >= prefix - 1


@pytest.mark.django_db(transaction=True)
def test_a_question_goes_on_from_where_a_reading_has_come_and_a_killed_server_loses_nothing(
    cast: Cast, own_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Unlike sentences, so that the model's own repetition has no part in it.
    text = TEXT + " ".join(f"Clause {number} is about matter {number * 7919 % 1000}." for number in range(4, 84))
    row = document(cast, "long.pdf", text)
    with serving(own_port) as server:
        asked: list[Answer] = []
        ready, prefill = threading.Event(), llamacpp.prefill

        def first_step_then_asked(*args, **options) -> int | None:
            read = prefill(*args, **options)
            if not asked:
                asked.append(ask(cast, row, "Which law governs this lease?"))
                ready.set()
            return read

        monkeypatch.setattr(llamacpp, "prefill", first_step_then_asked)
        reader = threading.Thread(target=lambda: (read_ahead(row.version_id), connections.close_all()))
        reader.start()
        assert ready.wait(120)
        first = run(asked[0])
        reader.join(120)
        # A slot's state may be short of its last token, which is then read again.
        assert STEP_TOKENS - 1 <= first.usage["cached_tokens"] <= STEP_TOKENS
        second = run(ask(cast, row, "What is the rent per month?"))
        server.kill()
        server.wait()
    endpoint.forget_endpoints()
    with serving(own_port):
        third = run(ask(cast, row, "Who is the tenant?"))
    prefix = Reading.objects.get().tokens_total
    assert prefix > 2 * STEP_TOKENS
    for answer in (second, third):
        assert answer.status == AnswerStatus.DONE
        assert answer.usage["cached_tokens"] >= prefix - 1


@pytest.mark.django_db(transaction=True)
def test_stopping_stops_the_model(cast: Cast) -> None:
    row = document(cast, "lease.pdf", TEXT)
    answer = ask(cast, row, "Copy this lease word by word.")
    worker = threading.Thread(target=lambda: (answer_run(str(answer.pk)), connections.close_all()))
    worker.start()
    until(lambda: followed(answer))
    answer_stop(answer)
    stopped_at = time.monotonic()
    worker.join(30)
    answer.refresh_from_db()
    assert answer.status == AnswerStatus.STOPPED
    assert 0 < len(answer.text) < len(TEXT)
    assert time.monotonic() - stopped_at < 15
