"""Which documents a query names."""

from __future__ import annotations

import pytest

from analysis.answer.retrieve.asking import query_terms
from analysis.answer.retrieve.naming import Naming, name_terms, naming, rarity_of, scope_of
from analysis.models import Document
from tests.analysis.answer.retrieve.rows import FEES, LAW, put


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("AcmeInc_Supply%20Agreement.pdf", {"acm", "inc", "acmeinc", "suppli", "agreement"}),
        ("GreenStorm+NDA.docx", {"greenstorm", "green", "storm", "nda"}),
        ("EX-10.2.txt", {"ex", "10", "2"}),
        ("", set()),
    ],
)
def test_terms_of_a_files_name(name: str, terms: set[str]):
    assert name_terms(name, "en") == terms


@pytest.mark.django_db
def test_a_file_name_weighs_most_then_title_and_parties_then_the_opening(cast):
    opening = "SUPPLY AGREEMENT\n\nbetween Acme Limited (the “Supplier”) and Tern plc (the “Buyer”), in Cork.\n\n"
    put(cast.workspace, "Zephyr.pdf", opening, FEES)
    for n in range(3):
        put(cast.workspace, f"{n}.pdf", LAW, FEES)
    scope = scope_of(Document.objects.filter(workspace=cast.workspace))
    scores = [max(naming(query_terms(word, ["en"]), scope).scores.values()) for word in ("Zephyr", "Acme", "Cork")]
    # Of four documents none has the file's name in its text, and one has each of the others.
    assert scores == pytest.approx([2.0 * rarity_of(0, 4), 1.5 * rarity_of(1, 4), rarity_of(1, 4)])


@pytest.mark.django_db
def test_no_document_is_named_when_all_are_alike(cast):
    for n in range(4):
        put(cast.workspace, f"{n}.pdf", FEES, LAW)
    scope = scope_of(Document.objects.filter(workspace=cast.workspace))
    assert naming(query_terms("Which laws govern the fees?", ["en"]), scope).named(4) == []


def test_few_that_stand_out_are_named():
    assert Naming({1: 5.0, 2: 4.1, 3: 1.0}, strength=1.2).named(10) == [1, 2]
    assert Naming({1: 5.0, 2: 4.1, 3: 4.5, 4: 4.4}, strength=1.2).named(10) == []
    assert Naming({1: 5.0}, strength=0.5).named(10) == []
    assert Naming().named(10) == []
