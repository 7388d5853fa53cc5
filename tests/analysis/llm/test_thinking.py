"""Thinking between tags is told apart from the answer, wherever the chunks are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.llm.thinking import ThinkTags


def split(chunks: list[str], *, opened: bool = False, complete: bool = True) -> tuple[str, str]:
    """Return (reasoning, text) of the chunks, joined."""
    tags = ThinkTags(opened=opened)
    pieces = [piece for chunk in chunks for piece in tags.feed(chunk)]
    pieces += tags.end(complete=complete)
    return tuple("".join(words for kind, words in pieces if kind == wanted) for wanted in ("reasoning", "text"))


CONTENT = "<think>\nFive < seven.</thin\n</think>\n\nFive years </think> as <think> said."


@given(cuts=st.lists(st.integers(0, len(CONTENT)), max_size=12))
def test_it_does_not_matter_where_the_chunks_are_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(CONTENT)]
    chunks = [CONTENT[start:end] for start, end in pairwise(edges)]
    reasoning, text = split(chunks)
    assert reasoning == "Five < seven.</thin\n"
    assert text == "Five years </think> as <think> said."


def test_words_are_passed_on_as_they_come() -> None:
    tags = ThinkTags()
    assert list(tags.feed("<thi")) == []
    assert list(tags.feed("nk>First")) == [("reasoning", "First")]
    assert list(tags.feed(" second</th")) == [("reasoning", " second")]
    assert list(tags.feed("ink>")) == []
    assert list(tags.feed("\n\nYes")) == [("text", "Yes")]
    assert list(tags.feed(" it is")) == [("text", " it is")]


def test_an_answer_without_thinking_is_left_as_it_is() -> None:
    assert split(["  The tag ", "<think> is quoted </think>."]) == ("", "  The tag <think> is quoted </think>.")


def test_an_answer_that_begins_like_a_tag_is_not_lost() -> None:
    assert split(["<th"]) == ("", "<th")


@pytest.mark.parametrize("chunks", [["Hm. ", "</think>", "Yes"], ["<think>Hm. </think>Yes"]])
def test_a_template_may_have_opened_the_tag_already(chunks: list[str]) -> None:
    assert split(chunks, opened=True) == ("Hm. ", "Yes")


def test_a_model_that_was_to_think_and_did_not_has_answered() -> None:
    assert split(["Yes, ", "it is."], opened=True)[1] == "Yes, it is."


def test_thinking_that_was_cut_off_is_no_answer() -> None:
    assert split(["Let me ", "see</th"], opened=True, complete=False) == ("Let me see</th", "")
    assert split(["<think>Let me see"], complete=True) == ("Let me see", "")
