"""Titles and parties, from openings as contracts are written; every name is a span of the text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.ingest.understand.identity import identity_of

SUPPLY = """EXHIBIT 10.4

MASTER SUPPLY AGREEMENT

This Master Supply Agreement (this "Agreement") is made as of May 2, 2024 (the "Effective Date") by and between
Harbour Foods, Inc., a Delaware corporation with offices at 12 Quay Street ("Harbour" or the "Supplier"), and Quill
Bakeries Limited, a company registered in England (the “Buyer”). Harbour and the Buyer are together the "Parties".

WHEREAS, the Supplier makes flour; and "Flour Products Company" means what it makes;
"""


def parties(text: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(" ".join(party.name.split()), party.roles) for party in identity_of(text).parties]


def test_title_and_parties_with_their_short_names():
    identity = identity_of(SUPPLY)
    assert identity.title == "MASTER SUPPLY AGREEMENT" == SUPPLY[identity.start_char : identity.end_char]
    assert parties(SUPPLY) == [("Harbour Foods, Inc.", ("Harbour", "Supplier")), ("Quill Bakeries Limited", ("Buyer",))]
    assert all(SUPPLY[party.start_char : party.end_char] == party.name for party in identity.parties)


@pytest.mark.parametrize(
    ("opening", "title"),
    [
        ("Mutual Non-Disclosure Agreement\n\nThis is made today.", "Mutual Non-Disclosure Agreement"),
        ("Exhibit 10.2 LICENSE AND DEVELOPMENT AGREEMENT THIS AGREEMENT is made", "LICENSE AND DEVELOPMENT AGREEMENT"),
        ("Exhibit 2.1\n\nAGREEMENT AND PLAN OF MERGER\n\namong\n\nALPHA, INC.", "AGREEMENT AND PLAN OF MERGER"),
        ("Dear Sirs,\n\nThis Letter Agreement sets out what was said.", "Letter Agreement"),
        ("# Lieferantenrahmenvertrag\n\nzwischen der A GmbH und der B AG", "Lieferantenrahmenvertrag"),
        ("技术服务合同\n\n甲方：北京一号科技有限公司\n乙方：上海二号贸易有限公司", "技术服务合同"),
        ("Minutes of a meeting\n\nNothing was agreed.", ""),
        ("", ""),
    ],
)
def test_titles(opening: str, title: str):
    identity = identity_of(opening)
    assert identity.title == title == opening[identity.start_char : identity.end_char]


@pytest.mark.parametrize(
    ("opening", "found"),
    [
        ("between Alpha GmbH & Co KG, Hafenstraße 1, Hamburg, and Beta Inc, Suite 200, Novato",
         [("Alpha GmbH & Co KG", ()), ("Beta Inc", ())]),
        ("among\n\nALPHA HOLDINGS, INC.,\n\nBETA MERGER SUB, LLC\n\nand\n\nGAMMA BANK, N.A.\n\nDated as of May 2",
         [("ALPHA HOLDINGS, INC.", ()), ("BETA MERGER SUB, LLC", ()), ("GAMMA BANK, N.A.", ())]),
        ("between quill.example, inc., with its place of business at The Granary @ Quay Street (“Quill”) and the buyer",
         [("quill.example, inc.", ("Quill",))]),
        ("by and among PSS, PSS Merger Corp. (“Merger Sub”) and Gulf Supply, Inc. (“Gulf”)",
         [("PSS Merger Corp.", ("Merger Sub",)), ("Gulf Supply, Inc.", ("Gulf",))]),
        ("between a seller with offices at The Old Granary, 12 Quay Street (“Seller”) and Ann Miller (“Buyer”)",
         [("Ann Miller", ("Buyer",))]),
        ("zwischen der Nordlicht GmbH (nachfolgend „Auftraggeber“) und der Südwind AG (nachfolgend „Auftragnehmer“)",
         [("Nordlicht GmbH", ("Auftraggeber",)), ("Südwind AG", ("Auftragnehmer",))]),
        ("甲方：北京一号科技有限公司\n乙方（受托方）：上海二号贸易有限公司\n",
         [("北京一号科技有限公司", ("甲方",)), ("上海二号贸易有限公司", ("乙方",))]),
        ("between Delta Ltd (“Delta”) and Maria Keller (the “Consultant”), each a “Party”, and the “Work”",
         [("Delta Ltd", ("Delta",)), ("Maria Keller", ("Consultant",))]),
        ("between ______ (“Recipient”) and ______ (“Discloser”)", []),
        ("The difference between a lease and a licence is old.", []),
    ],
)  # fmt: skip
def test_parties(opening: str, found: list[tuple[str, tuple[str, ...]]]):
    assert parties(opening) == found


def test_what_is_defined_later_is_no_party():
    later = SUPPLY + 'between "Orders" and Ports Authority Inc. (the "Port")'
    assert parties(later) == parties(SUPPLY)


@settings(max_examples=60)
@given(st.text('abAB 12\n.,()"“”&between and Inc Agreement 甲方：合同', max_size=400))
def test_any_text_has_an_identity_made_of_its_own_words(text: str):
    identity = identity_of(text)
    assert text[identity.start_char : identity.end_char] == identity.title
    assert all(text[party.start_char : party.end_char] == party.name for party in identity.parties)
