"""Runs of an evaluation, kept as `manage.py evaluate` keeps them, for tests that read or compare them."""

from __future__ import annotations

from pathlib import Path

from django.utils import timezone

from analysis.evaluations import legalbench_rag
from analysis.evaluations.kept import facts_of, run_keep
from analysis.evaluations.trials import Outcome, Trial, summarise
from analysis.models import EvaluationRun

SETS = ("leases", "loans")


def make_run(*, note: str, found: float, trials: int = 40, llm: str = "") -> EvaluationRun:
    """Return a run in which the first `found` share of the questions of each set was answered, from depth 8 on."""
    outcome = Outcome(
        legalbench_rag.MEASURES,
        [make_trial(number, right=number // len(SETS) < found * trials // len(SETS)) for number in range(trials)],
        llm=llm,
    )
    facts = facts_of(
        outcome,
        name="legalbench-rag",
        folder=Path("contracts"),
        note=note,
        options={"workspace": "kept", "limit": 0},
        started_at=timezone.now(),
    )
    return run_keep(outcome, summarise(outcome.measures, outcome.trials), facts)


def make_trial(number: int, *, right: bool) -> Trial:
    """Return a question of one of the sets; a right one has all of its gold within eight passages."""
    values = {"document_first": 1.0}
    for k in legalbench_rag.DEPTHS:
        share = 0.2 if k < 8 else 1.0
        values |= {f"recall@{k}": share if right else 0.0, f"precision@{k}": share / k if right else 0.0}
    return Trial(
        key=f"question {number}",
        document=f"contract {number}",
        category=SETS[number % len(SETS)],
        values=values,
        question=f"What does contract {number} say about notice?",
        gold="Notice is given in writing.",
        returned="<b>The rent is due.</b>",
        where="contract [0:17]",
        failed=not right,
    )
