"""Units of source code: whole statements, end to end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analysis.ingest.code_units import LONGEST_CHARACTERS, units

SOURCE = '''def weigh(letter, scale, *, in_grams=True, rounded=False, tare=0):
    """Return what a letter weighs, on the scale that is given, and without its tare."""
    weight = scale.put_on_and_read_what_it_shows_after_a_while(letter)

    if rounded:
        weight = round(
            weight,
            # To the gram.
            0,
        )
    # Tare is what the scale shows
    # when nothing is on it.
    return weight - tare if in_grams else (weight - tare) / GRAMS_IN_AN_OUNCE
'''


def pieces(text: str) -> list[str]:
    return [text[slice(*unit)] for unit in units(text, 0, len(text))]


def test_statements_stay_whole_with_their_comments_and_the_empty_lines_after_them():
    lines = SOURCE.splitlines(keepends=True)
    assert pieces(SOURCE) == [
        lines[0],
        lines[1],
        "".join(lines[2:4]),
        "".join(lines[4:10]),
        "".join(lines[10:]),
    ]


def test_closing_marks_belong_to_what_they_close():
    text = "function post(letter) {\n  send(letter, somewhere, with_a_stamp_of(85), today);\n}\n\nlet x = 1;\n"
    assert pieces(text)[-1] == "let x = 1;\n"
    assert pieces(text)[-2].endswith("}\n\n")


def test_a_line_without_an_end_is_cut():
    assert [len(piece) for piece in pieces("x" * 4 * LONGEST_CHARACTERS)] == [600, 600, 1200]


@given(st.text("ab ()[]{}#/*\"',\n\t🙂", max_size=400), st.data())
def test_units_cover_what_they_are_of(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    found = units(text, start, end)
    assert "".join(text[slice(*unit)] for unit in found) == text[start:end]
    assert all(unit.start_char < unit.end_char for unit in found)
