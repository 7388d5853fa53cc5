"""Documents cut for a sweep: to the limit, along the sections, quickly for long ones, and once."""

from __future__ import annotations

import hashlib

import pytest

from analysis.answer.material import described
from analysis.answer.sweep import cut as cutting
from analysis.answer.sweep.cut import cut, part_limit
from analysis.answer.sweep.readers import NO_PART, QuestionReader
from analysis.llm.registry import llm_get
from analysis.llm.tokens import count_tokens
from tests.analysis.answer.sweep.rows import QUESTION, contract, swept_document
from tests.analysis.llm.scripted_server import ScriptedLLM
from tests.conftest import Cast


def test_pieces_name_their_text_and_cover_the_documents_in_order(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    texts = [contract({}, sections=3), "Short."]
    rows = [swept_document(cast, text, f"{n}.txt", pages=1) for n, text in enumerate(texts)]
    pieces = cut([described(row) for row in rows], llm_get(), limit=2048)
    assert [piece.version_id for piece in pieces] == [rows[0].version_id] * 3 + [rows[1].version_id]
    assert [(p.document_id, p.start_char, p.end_char) for p in pieces[3:]] == [(str(rows[1].pk), 0, 6)]
    for piece in pieces[:3]:
        words = texts[0][piece.start_char : piece.end_char]
        assert words.startswith("SECTION")
        assert piece.digest == hashlib.sha256(words.encode()).hexdigest()


def test_a_document_is_cut_once_for_a_limit(
    cast: Cast, scripted_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = described(swept_document(cast, contract({}, sections=3)))
    first = cut([row], llm_get(), limit=2048)
    monkeypatch.setattr(cutting, "count_tokens", lambda text, llm: pytest.fail("counted again"))
    assert cut([row], llm_get(), limit=2048) == first


def test_a_long_document_is_cut_with_a_few_counts_and_within_the_limit(
    cast: Cast, bundled_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "LONG_CHARACTERS", 1000)
    counted: list[str] = []
    monkeypatch.setattr(cutting, "count_tokens", lambda text, llm: counted.append(text) or count_tokens(text, llm))
    text = "The supplier keeps the records of the service. " * 2000
    row = described(swept_document(cast, text, pages=1))
    pieces = cut([row], llm_get(), limit=1000)
    assert len(counted) == 8
    sizes = [count_tokens(text[piece.start_char : piece.end_char], llm_get()) for piece in pieces]
    assert max(sizes) <= 1000
    assert sum(sizes) == count_tokens(text, llm_get())


def test_a_part_takes_what_the_model_is_given_at_once_or_what_the_question_leaves(
    cast: Cast, bundled_llm: ScriptedLLM
) -> None:
    llm = llm_get()
    assert part_limit(llm, QuestionReader(QUESTION, llm).prompt(NO_PART, "")) == llm.part_tokens
    long = QuestionReader("why " * 3000, llm).prompt(NO_PART, "")
    limit = part_limit(llm, long)
    assert 0 < limit < llm.part_tokens
    assert limit % cutting.STEP_TOKENS == 0
