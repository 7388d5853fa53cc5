"""Chunks: exact tokens, no gap, along sections."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.ingest.chunk import MAX_TOKENS, Tokenizer, chunk
from analysis.ingest.embed import BUNDLED, _tokenizer
from analysis.types import ChunkSpan, ParsedHeading

SENTENCE = "The Supplier shall deliver the Goods within ten days. "  # nine words and a stop: 10 tokens
WORDS = st.text("abcdefghijkl äßé0123456789.;,()§ \n。合同条款🙂", max_size=3000)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return _tokenizer(BUNDLED)


def heading(text: str, words: str, level: int, label: str = "") -> ParsedHeading:
    start = text.index(words)
    return ParsedHeading(level, label, words.removeprefix(label).strip(), start, start + len(words), len(text))


def pieces(text: str, chunks: list[ChunkSpan]) -> list[str]:
    return [text[c.start_char : c.end_char] for c in chunks]


def count(tokenizer: Tokenizer, text: str) -> int:
    return len(tokenizer([text], add_special_tokens=False, verbose=False).encodings[0].offsets)


def test_short_text_is_one_chunk(tokenizer):
    assert chunk("Fees are due on receipt.", [], tokenizer) == [ChunkSpan(0, 0, 24, "", 6)]


def test_no_text_is_no_chunk(tokenizer):
    assert chunk("", [], tokenizer) == []


def test_long_section_is_cut_evenly_between_sentences(tokenizer):
    text = SENTENCE * 41  # 410 tokens: three pieces of 137, so of 14, 14 and 13 sentences
    chunks = chunk(text, [], tokenizer)
    assert [(c.ordinal, c.token_count) for c in chunks] == [(0, 140), (1, 140), (2, 130)]
    assert pieces(text, chunks) == [SENTENCE * 14, SENTENCE * 14, SENTENCE * 13]


def test_sections_are_not_mixed_and_carry_their_path(tokenizer):
    first, second = "4.1 Fees\n" + SENTENCE * 5, "4.2 Taxes\n" + SENTENCE * 5
    text = "ARTICLE IV PAYMENT\n" + first + second
    headings = [
        heading(text, "ARTICLE IV PAYMENT", 1, "ARTICLE IV"),
        heading(text, "4.1 Fees", 2, "4.1"),
        heading(text, "4.2 Taxes", 2, "4.2"),
    ]
    chunks = chunk(text, headings, tokenizer)
    assert pieces(text, chunks) == ["ARTICLE IV PAYMENT\n" + first, second]
    assert [c.heading_path for c in chunks] == ["ARTICLE IV PAYMENT > 4.1 Fees", "ARTICLE IV PAYMENT > 4.2 Taxes"]


def test_small_neighbours_go_together_under_one_parent_only(tokenizer):
    notices = "1.1 Notices\n" + SENTENCE * 4
    text = f"1 General\n{notices}1.2 Waiver\nNone.\n1.3 Costs\nShared.\n2 Term\n{SENTENCE * 4}"
    headings = [
        heading(text, "1 General", 1, "1"),
        heading(text, "1.1 Notices", 2, "1.1"),
        heading(text, "1.2 Waiver", 2, "1.2"),
        heading(text, "1.3 Costs", 2, "1.3"),
        heading(text, "2 Term", 1, "2"),
    ]
    chunks = chunk(text, headings, tokenizer)
    assert [(c.heading_path, text[c.start_char : c.end_char]) for c in chunks] == [
        ("1 General > 1.1 Notices", "1 General\n" + notices),
        ("1 General", "1.2 Waiver\nNone.\n1.3 Costs\nShared.\n"),
        ("2 Term", "2 Term\n" + SENTENCE * 4),
    ]


def test_text_before_the_first_heading_stands_alone(tokenizer):
    text = "MASTER AGREEMENT\nbetween A and B\n1 Term\nTen years."
    chunks = chunk(text, [heading(text, "1 Term", 1, "1")], tokenizer)
    assert pieces(text, chunks) == ["MASTER AGREEMENT\nbetween A and B\n", "1 Term\nTen years."]
    assert [c.heading_path for c in chunks] == ["", "1 Term"]


def test_sentence_past_the_limit_is_cut_at_lines_then_words(tokenizer):
    line = "alpha " * 150
    text = line + "\n" + line + "\n" + "beta " * 250
    chunks = chunk(text, [], tokenizer)
    assert [c.token_count for c in chunks] == [150, 150, 200, 50]
    assert pieces(text, chunks)[0] == line + "\n"


def test_path_and_text_fit_the_limit_together(tokenizer):
    text = "9 " + "Confidential Information " * 8 + "\n" + SENTENCE * 40
    chunks = chunk(text, [heading(text, "9 " + "Confidential Information " * 7 + "Confidential", 1, "9")], tokenizer)
    for piece in chunks:
        assert count(tokenizer, piece.heading_path) + piece.token_count <= MAX_TOKENS
    assert chunks[0].heading_path.startswith("9 Confidential Information")


def test_path_too_long_loses_its_outermost_headings(tokenizer):
    outer, inner = "A " + "very " * 70 + "long title", "Fees"
    text = f"{outer}\n{SENTENCE * 5}\n{inner}\n{SENTENCE * 5}"
    chunks = chunk(text, [heading(text, outer, 1), heading(text, inner, 2)], tokenizer)
    assert [c.heading_path for c in chunks] == ["", "Fees"]


def test_blocks_change_nothing(tokenizer, monkeypatch):
    text = SENTENCE * 30 + "Größe x. " * 30
    whole = chunk(text, [], tokenizer)
    monkeypatch.setattr("analysis.ingest.chunk.BLOCK_CHARACTERS", 100)
    assert chunk(text, [], tokenizer) == whole


@settings(max_examples=60)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=2000))
def test_chunks_cover_any_text_in_order(text, tokenizer):
    chunks = chunk(text, [], tokenizer)
    assert "".join(pieces(text, chunks)) == text
    assert [c.ordinal for c in chunks] == list(range(len(chunks)))
    assert all(c.start_char < c.end_char and c.token_count <= MAX_TOKENS for c in chunks)


@settings(max_examples=60)
@given(text=WORDS.filter(bool), data=st.data())
def test_chunks_cover_any_sections_with_exact_counts(text, data, tokenizer):
    starts = data.draw(st.lists(st.integers(0, len(text) - 1), max_size=12))
    # Headings open lines.
    starts = [text.rfind("\n", 0, start) + 1 for start in starts]
    headings = [
        ParsedHeading(data.draw(st.integers(1, 3)), "", text[s : s + 20], s, min(s + 20, len(text)), len(text))
        for s in starts
    ]
    chunks = chunk(text, headings, tokenizer)
    assert "".join(pieces(text, chunks)) == text
    for piece in chunks:
        assert piece.token_count == count(tokenizer, text[piece.start_char : piece.end_char])
        assert count(tokenizer, piece.heading_path) + piece.token_count <= MAX_TOKENS
