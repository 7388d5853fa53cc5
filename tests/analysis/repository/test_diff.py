"""Diffs: edits that lead from one text to the other, hunks with numbers, bounded time."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from analysis.repository.diff import Edit, counts, diff, edits, lines_of

LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n", "d"]), max_size=12)


@given(LINES, LINES)
def test_edits_lead_from_the_old_text_to_the_new(old: list[str], new: list[str]) -> None:
    at, built = 0, []
    for edit in edits(old, new):
        assert at <= edit.old_start
        assert edit.old_start < edit.old_end or edit.new_start < edit.new_end
        built += old[at : edit.old_start] + new[edit.new_start : edit.new_end]
        at = edit.old_end
    assert built + old[at:] == new


@given(LINES)
def test_the_same_text_has_no_edits(lines: list[str]) -> None:
    assert edits(lines, list(lines)) == []


def test_lines_that_stand_once_are_anchors() -> None:
    old = lines_of("def a():\n    return 1\n\n\ndef b():\n    return 2\n")
    new = lines_of("def c():\n    return 3\n\n\ndef a():\n    return 1\n\n\ndef b():\n    return 2\n")
    assert edits(old, new) == [Edit(0, 0, 0, 4)]


def test_hunks_have_the_numbers_of_both_sides() -> None:
    old = "".join(f"{number}\n" for number in range(1, 21))
    new = old.replace("5\n", "five\n", 1).replace("18\n", "")
    found = diff(old, new, context=1)
    assert (found.added, found.removed) == (1, 2)
    first, second = found.hunks
    assert [(line.mark, line.old_line, line.new_line, line.text) for line in first.lines] == [
        (" ", 4, 4, "4"),
        ("-", 5, None, "5"),
        ("+", None, 5, "five"),
        (" ", 6, 6, "6"),
    ]
    assert (second.old_line, second.new_line) == (17, 17)
    assert [(line.mark, line.old_line, line.new_line) for line in second.lines] == [
        (" ", 17, 17),
        ("-", 18, None),
        (" ", 19, 18),
    ]


def test_a_line_break_at_the_end_is_a_change() -> None:
    assert (diff("a\nb", "a\nb\n").added, diff("a\nb", "a\nb\n").removed) == (1, 1)
    assert diff("", "").hunks == ()
    assert counts(edits([], lines_of("a\nb"))) == (2, 0)


def test_time_is_bounded_for_texts_without_unique_lines() -> None:
    old = ["{\n", "}\n", "\n"] * 20_000
    new = ["}\n", "{\n", "{\n", "\n"] * 15_000
    start = time.process_time()
    found = edits(old, new)
    assert counts(found)[0] - counts(found)[1] == 0
    assert time.process_time() - start < 5
