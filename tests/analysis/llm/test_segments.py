"""Prompts as they are kept: rebuilt byte for byte, with nothing of a document's words in them."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.answer.findings import Found, map_prompt, reduce_prompt
from analysis.answer.prompt import DocumentText, Turn, passages_prompt, whole_prompt
from analysis.ingest.upload import document_delete
from analysis.llm.catalogue import LLM
from analysis.llm.segments import DELETED, rebuilt, segments
from analysis.models import Document
from analysis.types import Media, Message, Prompt, Source
from tests.analysis.answer.rows import document
from tests.conftest import Cast

CLAUSE = "Zwölf Flaschen <|im_end|> des Lagerweins."
LETTERS = st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")
TEXTS = st.lists(
    st.sampled_from(["Fee", " ", "\n", "\n\n", "<|im_end|>", "</document>", "Question: ", "[page 1]", "é", "term"])
    | st.text(LETTERS, max_size=5),
    max_size=12,
).map("".join)
LLM_ROW = LLM(id="test-llm", name="", family="", window_tokens=4096, max_output_tokens=512)


def texted(row: Document, text: str) -> DocumentText:
    return DocumentText(str(row.pk), row.name, row.version_id, "digest", text=text)


def source(row: Document, start: int, end: int, text: str) -> Source:
    return Source(str(row.pk), row.name, row.version_id, start, end, text[start:end])


def kept(prompt: Prompt) -> list[dict[str, object]]:
    """Return the segments as they come back from the database."""
    return json.loads(json.dumps(segments(prompt)))


def sent(prompt: Prompt) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in prompt.messages]


def shown(prompt: Prompt) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in rebuilt(kept(prompt))]


@pytest.mark.django_db
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=1, max_size=3), asked=TEXTS, said=TEXTS, cut=st.integers(0, 30))
def test_every_kind_of_prompt_is_rebuilt_byte_for_byte(
    cast: Cast, texts: list[str], asked: str, said: str, cut: int
) -> None:
    rows = [document(cast, name=f"{number}.txt", text=text) for number, text in enumerate(texts)]
    history = [Turn(asked, said)]
    whole = [texted(row, text) for row, text in zip(rows, texts, strict=True)]
    parts = [
        DocumentText(str(row.pk), row.name, row.version_id, "digest", parts=[
            (source(row, 0, cut, text), "page 1"), (source(row, cut, len(text), text), "page 2"),
        ])
        for row, text in zip(rows, texts, strict=True)
    ]  # fmt: skip
    first = source(rows[0], 0, len(texts[0]), texts[0])
    for prompt in (
        whole_prompt(whole, history, asked, max_output_tokens=10),
        passages_prompt(parts, history, asked, max_output_tokens=10),
        map_prompt(asked, first, "page 1", LLM_ROW),
        reduce_prompt(asked, [Found(first, 1, "page 1", said)], LLM_ROW, final=True),
    ):
        assert shown(prompt) == sent(prompt)


def test_the_words_of_documents_are_spans_and_nothing_else_is(cast: Cast) -> None:
    row = document(cast, text=CLAUSE)
    prompt = whole_prompt([texted(row, CLAUSE)], [], "How many?", max_output_tokens=10)
    system, user = kept(prompt)
    assert isinstance(system["pieces"][0], str)
    assert len(system["pieces"]) == 1
    before, span, after = user["pieces"]
    assert span == [row.version_id, 0, len(CLAUSE)]
    assert before.endswith('name="lease.pdf">\n')
    assert after.endswith("Question: How many?")
    assert "Flaschen" not in json.dumps(kept(prompt))


def test_a_document_that_reads_like_its_frame_is_found_in_its_own_place(cast: Cast) -> None:
    row, other = document(cast, name="a.txt", text="document"), document(cast, name="b.txt", text=CLAUSE)
    prompt = whole_prompt([texted(row, "document"), texted(other, CLAUSE)], [], "What?", max_output_tokens=10)
    pieces = kept(prompt)[1]["pieces"]
    assert [piece for piece in pieces if not isinstance(piece, str)] == [
        [row.version_id, 0, 8],
        [other.version_id, 0, len(CLAUSE)],
    ]
    assert pieces[0].endswith('name="a.txt">\n')


def test_a_short_passage_does_not_stand_in_for_a_piece_of_a_long_one(cast: Cast) -> None:
    text = "The fee is due.\nThe term is five years.\nThe fee is due."
    row = document(cast, text=text)
    parts = [(source(row, 0, 15, text), "page 1"), (source(row, 16, len(text), text), "page 1")]
    read = DocumentText(str(row.pk), row.name, row.version_id, "digest", parts=parts)
    prompt = passages_prompt([read], [], "When?", max_output_tokens=10)
    spans = [piece for piece in kept(prompt)[1]["pieces"] if not isinstance(piece, str)]
    assert spans == [[row.version_id, 0, 15], [row.version_id, 16, len(text)]]


def test_words_of_a_deleted_document_are_gone_and_the_rest_is_as_it_was(cast: Cast) -> None:
    row, other = document(cast, name="a.txt", text=CLAUSE), document(cast, name="b.txt", text="Still here.")
    prompt = whole_prompt([texted(row, CLAUSE), texted(other, "Still here.")], [], "What?", max_output_tokens=10)
    held = kept(prompt)
    document_delete(row)
    [_, user] = rebuilt(held)
    assert user.content == prompt.messages[1].content.replace(CLAUSE.replace("<|", "<\u200b|"), DELETED)
    assert [(piece.document_name, piece.gone) for piece in user.pieces if piece.document_name is not None] == [
        ("", True),
        ("b.txt", False),
    ]


@pytest.mark.django_db
def test_pictures_are_named_and_not_kept() -> None:
    prompt = Prompt([Message("user", "Read it.", media=(Media("image/png", b"\x89PNG"),))], [], 10)
    assert kept(prompt) == [{"role": "user", "media": ["image/png"], "pieces": ["Read it."]}]
    assert rebuilt(kept(prompt))[0].media == ["image/png"]


@pytest.mark.django_db
def test_what_postgresql_cannot_keep_is_replaced() -> None:
    prompt = Prompt([Message("user", "a\0b\ud800c")], [], 10)
    assert shown(prompt) == [("user", "a\ufffdb?c")]
