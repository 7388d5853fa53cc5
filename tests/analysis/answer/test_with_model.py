"""The bundled model itself: it answers from the document, reads it once, and stops when told to."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connections

from analysis.answer.ask import answer_stop, question_ask
from analysis.answer.material import with_text
from analysis.answer.read_once import prefix_tokens, read_ahead
from analysis.answer.run import answer_run
from analysis.llm import endpoint
from analysis.llm.catalogue import llm_get
from analysis.llm.tokens import count_prompt
from analysis.models import Answer, AnswerStatus, Document, Reading
from analysis.types import Message, Mode
from tests.analysis.answer.rows import document
from tests.analysis.answer.test_run import followed, until
from tests.conftest import Cast

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


def ask(cast: Cast, row: Document, text: str) -> Answer:
    return question_ask(workspace=cast.workspace, user=cast.owner, text=text, documents=[row], mode=Mode.WHOLE)


def run(answer: Answer) -> Answer:
    answer_run(str(answer.pk))
    answer.refresh_from_db()
    return answer


def test_the_endpoint_is_known_for_what_it_is(llama_server: str) -> None:
    llm = llm_get()
    assert (llm.id, llm.dialect, llm.slots, llm.window_tokens) == (
        "qwen2.5-coder-0.5b-instruct", "llamacpp", 3, 32768,
    )  # fmt: skip


def test_a_prompt_is_counted_as_the_server_counts_it(llama_server: str) -> None:
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
