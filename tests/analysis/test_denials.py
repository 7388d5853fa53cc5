"""Whether one sentence denies what another says, in languages whose grammar is not read."""

from __future__ import annotations

import pytest

from analysis.denials import denied_otherwise


@pytest.mark.parametrize(
    ("claim", "stated"),
    [
        ("Der Auftragnehmer haftet für mittelbare Schäden.", "Der Auftragnehmer haftet nicht für mittelbare Schäden."),
        ("Der Kunde schuldet keine Vergütung für den Monat.", "Der Kunde schuldet eine Vergütung für den Monat."),
        ("乙方承担间接损失的赔偿责任。", "乙方不承担任何间接损失的赔偿责任。"),
        ("甲方无权解除合同。", "甲方有权解除合同。"),
        ("Le prestataire est responsable du retard.", "Le prestataire n'est pas responsable du retard."),
    ],
)
def test_denied(claim: str, stated: str) -> None:
    assert denied_otherwise(claim, stated)
    assert denied_otherwise(stated, claim)


@pytest.mark.parametrize(
    ("claim", "stated"),
    [
        ("Der Auftragnehmer haftet nicht für Schäden.", "Für mittelbare Schäden haftet der Auftragnehmer nicht."),
        ("乙方不承担间接损失。", "乙方不承担任何间接损失的赔偿责任。"),
        ("合同因不可抗力解除。", "发生不可抗力的，合同解除。"),
        ("赔偿金额为一万元。", "赔偿金额不超过一万元。"),
        ("The Supplier is liable.", "The Supplier is not liable."),  # English is `force`'s
        ("Der Auftragnehmer haftet.", "The Supplier is not liable."),
    ],
)
def test_not_denied(claim: str, stated: str) -> None:
    assert not denied_otherwise(claim, stated)


def test_the_clause_that_is_spoken_of_counts() -> None:
    stated = "甲方应当在三十日内付款，乙方不得转让本合同。"
    assert not denied_otherwise("甲方应当在三十日内付款。", stated)
    assert denied_otherwise("乙方可以转让本合同。", stated)
