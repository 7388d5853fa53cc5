"""Parts cover the document without gap, within the limit, along its sections; a change leaves most of them alone."""

from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.answer.parts import opening_end, parts_of
from analysis.answer.receipt import merged, ranges
from analysis.types import Span

NOUNS = "rent term notice tenant landlord deposit repair insurance default cure breach waiver audit export".split()


def words(text: str) -> int:
    return len(text.split())


def contract(seed: int, clauses: int) -> list[str]:
    """A contract's clauses, each a heading and three sentences of its own."""
    dice = random.Random(seed)

    def sentence() -> str:
        return f"The {' '.join(dice.choices(NOUNS, k=12))} is due."

    return [f"{number}. {dice.choice(NOUNS).title()}\n" + " ".join(sentence() for _ in range(3)) + "\n"
            for number in range(1, clauses + 1)]  # fmt: skip


def starts_of(clauses: list[str]) -> list[int]:
    return [sum(map(len, clauses[:number])) for number in range(len(clauses))]


@given(st.text(alphabet="ab. \n", max_size=400), st.integers(1, 40), st.lists(st.integers(0, 400), max_size=8))
def test_parts_cover_the_text_in_order_and_keep_to_the_limit(text: str, limit: int, starts: list[int]) -> None:
    parts = parts_of(text, starts, limit=limit, size=len)
    assert "".join(text[start:end] for start, end in parts) == text
    assert all(0 < end - start <= limit for start, end in parts)


def test_a_part_ends_where_a_section_starts() -> None:
    text = "one two three four\nSECTION five six seven eight"
    assert parts_of(text, [0, 19], limit=6, size=words) == [Span(0, 19), Span(19, 47)]


def test_without_a_section_a_part_ends_with_a_paragraph_before_a_sentence() -> None:
    text = "One two three four. Five six.\n\nSeven eight. Nine ten eleven twelve."
    assert [text[a:b] for a, b in parts_of(text, [], limit=9, size=words)] == [
        "One two three four. Five six.\n\n",
        "Seven eight. Nine ten eleven twelve.",
    ]


def test_without_either_a_part_ends_with_a_sentence() -> None:
    text = "One two three four. Five six seven eight nine."
    assert [text[a:b] for a, b in parts_of(text, [], limit=6, size=words)] == [
        "One two three four. ",
        "Five six seven eight nine.",
    ]


@pytest.mark.parametrize("with_sections", [True, False])
def test_after_an_insertion_all_but_a_few_parts_are_the_same(with_sections: bool) -> None:
    def cut(clauses: list[str]) -> list[str]:
        text, starts = "".join(clauses), starts_of(clauses) if with_sections else []
        return [text[a:b] for a, b in parts_of(text, starts, limit=400, size=words)]

    changed = []
    for seed in range(20):
        clauses = contract(seed, 200)
        place = random.Random(seed).randrange(200)
        new = "A NEW CLAUSE\nNothing herein binds the Crown. It is sovereign.\n"
        before, after = cut(clauses), cut([*clauses[:place], new, *clauses[place:]])
        assert len(after) > 30
        changed.append(len(set(after) - set(before)))
    assert min(changed) >= 1
    assert statistics.median(changed) <= 3
    assert max(changed) <= 12


def test_new_numbers_of_clauses_move_few_borders() -> None:
    clauses = contract(1, 60)
    renumbered = [clause.replace(f"{number}.", f"{number + 900}.", 1) for number, clause in enumerate(clauses, start=1)]
    first, second = (
        {
            starts_of(each).index(part.start_char)
            for part in parts_of("".join(each), starts_of(each), limit=400, size=words)
        }
        for each in (clauses, renumbered)
    )
    assert len(first) >= 10
    assert len(first - second) <= 2


def test_an_opening_ends_with_its_last_whole_sentence_within_the_limit() -> None:
    text = "One two. Three four. Five six seven."
    ends = [opening_end(text, limit=limit, size=words) for limit in (3, 4, 6, 7)]
    assert [text[:end] for end in ends] == ["One two. ", "One two. ", "One two. Three four. ", text]


def test_ranges() -> None:
    assert ranges([3, 1, 2, 7, 7]) == [[1, 3], [7, 7]]
    assert ranges([]) == []


def test_merged_joins_what_touches_or_overlaps() -> None:
    assert merged([Span(5, 9), Span(0, 3), Span(3, 4), Span(8, 12), Span(20, 21)]) == [
        Span(0, 4), Span(5, 12), Span(20, 21),
    ]  # fmt: skip
