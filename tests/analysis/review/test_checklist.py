"""The built-in checklist, and what is said of one that cannot be read."""

from __future__ import annotations

import pytest

from analysis.errors import UserError
from analysis.review.checklist import ValueKind, built_in, read_checklist

LEAST = """
id = "house"
title = "House rules"
[[clause]]
id = "pets"
title = "Pets"
asks = "May pets be kept?"
value = "yes"
cues = ["pet*", "animal*"]
examples = ["No pets are allowed."]
"""


def test_the_built_in_checklist_has_a_clause_for_each_of_cuads_categories() -> None:
    clauses = built_in().clauses
    assert len(clauses) == len(built_in().by_id) == 41
    assert all(clause.examples and clause.asks.endswith("?") for clause in clauses)
    assert built_in().by_id["governing-law"].value is ValueKind.JURISDICTION


def test_a_firm_can_write_its_own() -> None:
    checklist = read_checklist(LEAST)
    (pets,) = checklist.clauses
    assert (checklist.title, pets.id, pets.value, pets.opening) == ("House rules", "pets", ValueKind.YES, False)
    assert pets.cues.count("Animals and pets") == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (LEAST.replace('value = "yes"', 'value = "smell"'), "smell"),
        (LEAST.replace('asks = "May pets be kept?"\n', ""), "asks"),
        (LEAST.replace("pet*", "(pet"), "“\\(pet” cannot be read"),
        (LEAST + LEAST.partition('rules"')[2], "same id"),
        ("id = ", "cannot be read"),
    ],
)
def test_what_is_wrong_with_one_is_said(wrong: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as refused:
        read_checklist(wrong)
    assert refused.value.code == "bad_checklist"
