"""Citations: what is supported is quoted exactly, and what is not is said to be so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.answer.cite import WIDEST_QUOTE, cite
from analysis.types import CitedSentence, Identity, Party, Source

TEXT = """MASTER SERVICES AGREEMENT

This Agreement is made on March 3, 2021 between Northwind Analytics, Inc. ("Provider") and Harbor Mutual ("Customer").

4.2 Fees. Customer shall pay Provider a monthly fee of $12,500 within thirty (30) days after receipt of an invoice.

7.1 Term. This Agreement continues for three (3) years from the Effective Date.

9.3 Assignment. Customer shall not assign this Agreement to any third party without prior written consent.

12. Governing Law. This Agreement is governed by the laws of the State of Oregon."""


def blind(texts: list[str]) -> np.ndarray:
    """An embedder that sees no likeness, so that only words, numbers, names and negations decide."""
    return np.eye(len(texts), dtype=np.float32)


def source(text: str = TEXT, start_char: int = 0) -> Source:
    return Source("d", "agreement.pdf", 7, start_char, start_char + len(text), text)


def one(answer: str, text: str = TEXT):
    (sentence,) = cite(answer, [source(text)], embed=blind)
    return sentence


@pytest.mark.parametrize(
    ("answer", "quote"),
    [
        (
            "The Customer pays a monthly fee of $12,500 within 30 days of receipt of an invoice.",
            "a monthly fee of $12,500",
        ),
        ("It is governed by the laws of the State of Oregon.", "governed by the laws of the State of Oregon."),
        ("The agreement continues for three years from the Effective Date.", "continues for three (3) years"),
        (
            "Customer may not assign it to a third party without prior written consent.",
            "shall not assign this Agreement",
        ),
    ],
)
def test_a_true_sentence_is_quoted(answer, quote):
    sentence = one(answer)
    assert sentence.supported is True
    assert quote in TEXT[sentence.citations[0].start_char : sentence.citations[0].end_char]
    assert sentence.citations[0].version_id == 7


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            "The Customer pays a monthly fee of $15,000 within 30 days of receipt of an invoice.",
            "“$15,000” is not in the words",
        ),
        ("The agreement continues for five years from the Effective Date.", "“5 years” is not in the words"),
        ("It is governed by the laws of the State of Delaware.", "The name “delaware”"),
        (
            "Customer may assign this Agreement to any third party.",
            "The nearest words in the sources do not allow this.",
        ),
        ("Customer shall not pay Provider a monthly fee after receipt of an invoice.", "do not say “not”"),
        ("The agreement does not mention insurance.", "Says that something is absent"),
        ("An insurance clause was not found.", "Says that something is absent"),
        ("Bananas ripen quickly indoors.", "Nothing in the sources says this."),
        ("Section 44.1 says the agreement continues for three years from the Effective Date.", "no 44.1"),
    ],
)
def test_a_false_sentence_is_unsupported_and_says_why(answer, reason):
    sentence = one(answer)
    assert sentence.supported is False
    assert reason in sentence.reason
    assert sentence.citations == []


def test_headings_have_nothing_to_support():
    sentences = cite("## Fees\n\nCustomer shall pay Provider a monthly fee of $12,500.", [source()], embed=blind)
    assert [sentence.supported for sentence in sentences] == [None, True]


def test_offsets_are_those_of_the_version_and_not_of_the_passage():
    passage_start = TEXT.index("7.1 Term.")
    passage = Source("d", "a", 7, passage_start, len(TEXT), TEXT[passage_start:])
    (sentence,) = cite("The agreement continues for three years.", [passage], embed=blind)
    citation = sentence.citations[0]
    assert (
        TEXT[citation.start_char : citation.end_char]
        == "This Agreement continues for three (3) years from the Effective Date."
    )


def test_a_long_sentence_is_narrowed_to_the_clause_that_matters():
    filler = "; ".join(
        f"the Supplier shall keep record number {n} of all goods delivered to warehouses" for n in range(12)
    )
    wanted = "the Buyer may terminate for convenience on ninety (90) days notice"
    text = f"The Supplier agrees that: {filler}; {wanted}; and so on."
    sentence = one("The Buyer may terminate for convenience on 90 days notice.", text)
    quote = text[sentence.citations[0].start_char : sentence.citations[0].end_char]
    assert quote.startswith(wanted)
    assert len(quote) < WIDEST_QUOTE


def test_no_sources_support_nothing():
    (sentence,) = cite("Customer pays $12,500.", [], embed=blind)
    assert (sentence.supported, sentence.citations) == (False, [])


@given(st.text(max_size=400), st.text(max_size=400))
def test_every_citation_lies_within_its_source_and_sentences_hold_every_character(answer, text):
    sentences = cite(answer, [source(text, start_char=1000)], embed=blind)
    for sentence in sentences:
        for citation in sentence.citations:
            assert 1000 <= citation.start_char < citation.end_char <= 1000 + len(text)
    outside = set(range(len(answer))) - {i for s in sentences for i in range(s.start_char, s.end_char)}
    assert all(answer[i].isspace() for i in outside)


NDA = """CONFIDENTIALITY AGREEMENT

This Agreement is made between Northwind Analytics, Inc. (the "Discloser") and Harbor Mutual (the "Recipient").

1. The Recipient shall not:
(a) disclose the Information to any third party;
(b) copy the Information.

2. Information means technical and commercial information, whether or not it is marked as confidential.

3. The Recipient may disclose the Information to its employees only.

4. The Discloser shall pay EUR 500 on 1 May 2026. The Recipient is not required to return the Information.

5. The Recipient may appoint a deputy.

6. The duties under this Agreement survive its termination."""


def party(name: str, *roles: str) -> Party:
    return Party(name, roles, NDA.index(name), NDA.index(name) + len(name))


PARTIES = {7: Identity(parties=(party("Northwind Analytics, Inc.", "Discloser"), party("Harbor Mutual", "Recipient")))}


def of_nda(answer: str) -> CitedSentence:
    (sentence,) = cite(answer, [source(NDA)], identities=PARTIES, embed=blind)
    return sentence


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("The Recipient may disclose the Information to third parties.", "do not allow this"),
        ("The Recipient may make copies of the Information.", "do not allow this"),
        ("Information means only technical and commercial information.", "do not say “only”"),
        ("All Information is marked as confidential.", "not so"),
        ("The Recipient shall return the Information.", "need not be"),
        ("The Recipient shall appoint a deputy.", "may be done, not that it must"),
        ("The duties under this Agreement do not survive its termination.", "do not say “not”"),
        ("The Recipient shall pay EUR 500 on May 1, 2026.", "it is “Discloser”, not “Recipient”"),
        ("Harbor Mutual shall pay EUR 500 on May 1, 2026.", "it is “Discloser”, not “Recipient”"),
        ("The Discloser shall pay EUR 500 on 5 May 2026.", "“5 May 2026” is not in the words"),
        ("The Discloser shall pay USD 500 on 1 May 2026.", "“USD 500” is not in the words"),
    ],
)
def test_what_the_sources_say_otherwise_is_unsupported(answer: str, reason: str) -> None:
    sentence = of_nda(answer)
    assert (sentence.supported, sentence.citations) == (False, [])
    assert reason in sentence.reason


@pytest.mark.parametrize(
    ("answer", "quote"),
    [
        ("The Recipient may not share the Information with third parties.", "(a) disclose the Information to any"),
        ("The Recipient may share the Information with its employees only.", "3. The Recipient may disclose"),
        ("The Discloser shall pay EUR 500 on May 1, 2026.", "4. The Discloser shall pay EUR 500"),
        ("The duties under this Agreement survive the end of it.", "6. The duties under"),
    ],
)
def test_other_words_for_the_same_are_supported(answer: str, quote: str) -> None:
    sentence = of_nda(answer)
    assert sentence.supported, sentence.reason
    assert NDA[sentence.citations[0].start_char :].startswith(quote)


def test_a_party_by_its_name_is_cited_with_the_place_that_says_who_it_is() -> None:
    sentence = of_nda("Northwind Analytics shall pay EUR 500 on May 1, 2026.")
    quotes = [NDA[c.start_char : c.end_char] for c in sentence.citations]
    assert quotes[0] == "4. The Discloser shall pay EUR 500 on 1 May 2026."
    assert quotes[1].startswith("This Agreement is made between Northwind Analytics, Inc.")
