"""Words that may be put for each other in a contract, and words that may not."""

import pytest

from analysis.alike import concepts


def same(one: str, other: str) -> bool:
    return [word.stem for word in concepts(one)] == [word.stem for word in concepts(other)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("share", "disclosed"),
        ("the Vendor", "the Supplier"),
        ("the Receiving Party", "the Recipient"),
        ("third parties", "outsiders"),
        ("create a copy", "reproduce"),
        ("terminated", "termination"),
        ("verbally", "oral"),
    ],
)
def test_what_says_the_same_is_one_concept(one: str, other: str) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("return", "destroy"), ("buy", "sell"), ("landlord", "tenant"), ("information", "notify"), ("Discloser", "share")],
)
def test_what_must_be_told_apart_is_not(one: str, other: str) -> None:
    assert not same(one, other)
