"""Answers as HTML: hostile text stays text, sentences stay in place, citations follow them."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis.answer.render import Sentence, block_starts, render_live, render_sentences, render_text
from analysis.sentences import split_sentences

CITATION = {
    "document_id": "d1",
    "document_name": "A & B.pdf",
    "page_number": 2,
    "place": "page 2",
    "start_char": 3,
    "end_char": 9,
    "quote": 'the "<x>" quote',
}
CHIP = (
    '<a class="cite" href="/d/d1/?start_char=3&amp;end_char=9" data-document="d1"'
    ' data-start="3" data-end="9" data-page="2" data-quote="the &quot;&lt;x&gt;&quot; quote"'
    ' data-where="A &amp; B.pdf, page 2" aria-label="Citation 1: A &amp; B.pdf, page 2">1</a>'
)


def supported(start: int, end: int, *citations: int) -> Sentence:
    return Sentence(start, end, True, "", citations)


def test_a_cited_sentence_is_followed_by_its_chip() -> None:
    assert render_sentences("It ends.", [supported(0, 8, 1)], [CITATION]) == (
        f'<p><span class="sentence supported" data-sentence="0">It ends.</span><span class="cites">{CHIP}</span></p>\n'
    )


def test_an_unsupported_sentence_says_why() -> None:
    sentence = Sentence(0, 8, False, "Nothing says <this>", [])
    assert render_sentences("It ends.", [sentence], []) == (
        '<p><span class="sentence unsupported" data-sentence="0" title="Nothing says &lt;this&gt;" tabindex="0">'
        "It ends.</span>"
        '<span class="why">Nothing says &lt;this&gt;</span></p>\n'
    )


def test_a_sentence_with_nothing_to_support_is_left_alone() -> None:
    assert render_sentences("## Parties", [Sentence(0, 10, None, "", [])], []) == "<h4>Parties</h4>\n"


def test_emphasis_across_sentences_nests() -> None:
    text = "**One. Two.** Three."
    drawn = render_sentences(text, [supported(0, 6), supported(7, 13), supported(14, 20)], [])
    assert drawn == (
        '<p><strong><span class="sentence supported" data-sentence="0">One.</span> '
        '<span class="sentence supported" data-sentence="1">Two.</span></strong> '
        '<span class="sentence supported" data-sentence="2">Three.</span></p>\n'
    )


def test_list_signs_stay_list_signs() -> None:
    drawn = render_sentences("1. One.\n2. Two.", [supported(0, 7), supported(8, 15)], [])
    assert drawn == (
        '<ol>\n<li><span class="sentence supported" data-sentence="0">One.</span></li>\n'
        '<li><span class="sentence supported" data-sentence="1">Two.</span></li>\n</ol>\n'
    )


@pytest.mark.parametrize(("text", "tag"), [("See `x`", "code"), ("See **x**", "strong")])
def test_a_sentence_that_ends_in_code_or_emphasis_is_cited_after_it(text: str, tag: str) -> None:
    assert render_sentences(text, [supported(0, len(text), 1)], [CITATION]) == (
        '<p><span class="sentence supported" data-sentence="0">See </span>'
        f'<{tag}><span class="sentence supported" data-sentence="0">x</span></{tag}>'
        f'<span class="cites">{CHIP}</span></p>\n'
    )


def test_a_sentence_begins_after_the_signs_of_its_block_and_one_of_signs_alone_is_not_drawn() -> None:
    drawn = render_sentences(
        "> 1. 1990\n\n---", [supported(0, 4, 1), supported(5, 9), supported(11, 14, 1)], [CITATION]
    )
    assert drawn == (
        '<blockquote>\n<ol>\n<li><span class="sentence supported" data-sentence="1">1990</span></li>\n</ol>\n'
        "</blockquote>\n<hr>\n"
    )


def test_sentences_in_a_fence_and_in_cells_are_cited_there() -> None:
    assert f'<code><span class="sentence supported" data-sentence="0">a.</span><span class="cites">{CHIP}</span>' in (
        render_sentences("```\na.\n```", [supported(0, 10, 1)], [CITATION])
    )
    drawn = render_sentences("| a |\n|---|\n| x\\|y |", [supported(0, 5), supported(12, 20, 1)], [CITATION])
    cell = '<td><span class="sentence supported" data-sentence="1">x|y</span>'
    assert f'{cell}<span class="cites">{CHIP}</span></td>' in drawn


def test_marks_that_a_model_writes_as_entities_are_text() -> None:
    text = "&#x2E28;7&#x2E22; It ends.&#x2E29;"
    assert render_sentences(text, [supported(0, len(text))], []) == (
        '<p><span class="sentence supported" data-sentence="0">(7[ It ends.)</span></p>\n'
    )


def test_only_the_first_piece_of_an_unsupported_sentence_takes_the_focus() -> None:
    drawn = render_sentences("It **ends** now.", [Sentence(0, 16, False, "no", [])], [])
    assert drawn.count('tabindex="0"') == 1
    assert drawn.count('data-sentence="0"') == 3


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[here](javascript:alert(1))",
        "![x](https://evil.example/?leak)",
        "<hx-partial hx-target=body>x</hx-partial>",
        "<https://evil.example>",
        "[a]: https://evil.example 'x'\n\n[a]",
        "</div></article><h1>Signed</h1>",
    ],
)
def test_hostile_text_stays_text(hostile: str) -> None:
    for drawn in [render_text(hostile), render_sentences(hostile, [supported(0, len(hostile), 1)], [])]:
        tags = re.findall(r"</?([a-z0-9-]+)", drawn)
        assert set(tags) <= {"p", "span"}
        assert "href" not in re.sub(r">[^<]*<", "><", drawn)
        assert html.unescape(re.sub(r"<[^>]*>", "", drawn)).split() == hostile.split()


@given(
    st.lists(
        st.sampled_from(
            [
                "One. ",
                "**bold** ",
                "_it_ ",
                "\n\n",
                "\n- item. ",
                "\n1. two. ",
                "`code` ",
                "| a | b |\n",
                "```\n",
                "# Head\n",
                "⸨⸢",
                "<b>",
                "&amp; ",
                "&#65;",
                "&#x2E28;",
                "&nbsp;",
                "\\*",
                "\\",
                "**",
                "`",
                "``",
                "1. ",
                "> ",
                "    ",
                "\t",
                "\n",
                "  \n",
                "\r\n",
                "\x0c\n",
                "\0",
                "~~~\n",
                "---\n",
                "| - | - |\n",
                "a\\|b",
                "<!-- x -->",
            ]
        )
    )
)
@example(["⸨⸢", "```\n", "One. ", "```\n"])
@example(["```\n", "```\n", "# Head\n"])
def test_marks_never_change_or_reach_the_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    sentences = [Sentence(span.start_char, span.end_char, True, "", []) for span in split_sentences(text)]
    drawn = render_sentences(text, sentences, [])
    plain = render_text(text).replace("⸨", "(").replace("⸢", "[")
    assert re.sub(r"</?span[^>]*>", "", drawn) == plain
    outside = re.sub(r"<span [^>]*>[^<]*</span>", "", drawn)
    assert not html.unescape(re.sub(r"<[^>]*>", "", outside)).strip()


def test_live_blocks_are_split_at_blank_lines_outside_fences() -> None:
    assert block_starts("One.\n\nTwo.\n\n```\na\n\nb\n```\n\nThree.") == [0, 6, 12, 26]
    assert render_live("One.\n\n**Two") == ["<p>One.</p>\n", "<p>**Two</p>\n"]


@given(st.lists(st.sampled_from(["a", " ", "\n", "\n\n", "```\n", "- x", "1. y\n"]), max_size=30), st.data())
def test_later_text_changes_the_last_block_only(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    cut = data.draw(st.integers(0, len(text)))
    before = block_starts(text[:cut])
    after = block_starts(text)
    assert after[: len(before)] == before
    assert block_starts(text, before[-1]) == after[len(before) - 1 :]
