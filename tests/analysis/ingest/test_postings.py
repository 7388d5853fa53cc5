"""Postings: every term of every sentence at its place, and nothing else."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.ingest.index import write_postings
from analysis.ingest.postings import (
    MOST_COUNT,
    MOST_SENTENCES,
    pack_sentences,
    postings,
    sentences_of,
    unpack,
    unpack_sentences,
)
from analysis.lexical import terms
from analysis.models import Lexicon, Posting
from analysis.types import ChunkSpan, Identity, Party, Span, Standing
from tests.analysis.answer.retrieve.rows import FEES, LAW, put

TEXT = "The boat sails. A boat and a boat. Fish."
SPANS = [ChunkSpan(0, 0, 35, "", 9), ChunkSpan(1, 35, 40, "", 1)]


def test_a_term_has_its_sentences_with_counts():
    rows = {row.term: row for row in postings(TEXT, sentences_of(TEXT, SPANS), "en", Identity())}
    assert sorted(rows) == ["boat", "fish", "sail"]
    places = unpack(rows["boat"].places)
    assert list(zip(*(column.tolist() for column in places), strict=True)) == [(0, 0, 1), (0, 1, 2)]
    assert unpack(rows["fish"].places).chunks.tolist() == [1]
    assert rows["boat"].sentence_count == 2


def test_standing_tells_identity_opening_and_body():
    text = "Acme sells boats. " + "Nothing. " * 300 + "Fish."
    identity = Identity(parties=(Party("Acme", ("Seller",), 0, 4),))
    rows = postings(text, [[Span(0, 17), Span(len(text) - 5, len(text))]], "en", identity)
    standing = {row.term: row.standing for row in rows}
    assert standing == {"acm": Standing.IDENTITY | Standing.OPENING, "boat": Standing.OPENING,
                        "fish": Standing.BODY, "sell": Standing.OPENING}  # fmt: skip


def test_what_does_not_fit_a_place_is_cut_and_not_wrapped_around():
    many = "boat " * 100 + ". " + "Sail now. " * 400
    (sentences,) = sentences_of(many, [ChunkSpan(0, 0, len(many), "", 1)])
    assert len(sentences) == MOST_SENTENCES
    assert sentences[-1].end_char == len(many.rstrip())
    rows = {row.term: row for row in postings(many, [sentences], "en", Identity())}
    assert unpack(rows["boat"].places).counts.tolist() == [MOST_COUNT - 1]


@given(st.lists(st.text("ab c.D\n合", min_size=1, max_size=40), max_size=6))
def test_postings_hold_exactly_the_terms_of_the_sentences(pieces: list[str]):
    text, spans, at = "".join(pieces), [], 0
    for ordinal, piece in enumerate(pieces):
        spans.append(ChunkSpan(ordinal, at, at + len(piece), "", 1))
        at += len(piece)
    sentences = sentences_of(text, spans)
    found: Counter[tuple[str, int, int]] = Counter()
    for row in postings(text, sentences, "en", Identity()):
        for chunk, sentence, count in zip(*unpack(row.places), strict=True):
            found[row.term, int(chunk), int(sentence)] += int(count)
    wanted = Counter(
        (term.text, chunk, number)
        for chunk, of_chunk in enumerate(sentences)
        for number, span in enumerate(of_chunk)
        for term in terms(text[slice(*span)], "en")
    )
    assert found == wanted
    assert [unpack_sentences(pack_sentences(of_chunk)) for of_chunk in sentences] == sentences


@pytest.mark.django_db
def test_written_twice_is_written_once(cast):
    version = put(cast.workspace, "a.pdf", LAW, FEES).version
    spans = [ChunkSpan(0, 0, len(LAW), "", 9), ChunkSpan(1, len(LAW), len(LAW + FEES), "", 9)]
    columns = ("version_id", "term", "standing", "sentence_count")
    before = sorted(Posting.objects.values_list(*columns))
    write_postings(version, LAW + FEES, spans)
    assert sorted(Posting.objects.values_list(*columns)) == before
    lexicon = Lexicon.objects.get()
    assert (lexicon.chunk_count, lexicon.sentence_count) == (2, 2)
