"""The benchmark of sweeps: real worker processes, every part once, and nothing left behind."""

from __future__ import annotations

import pytest

from analysis.benchmarks import sweep
from analysis.models import Call, Document, SweepPart
from workspaces.models import Workspace


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_the_parts_of_a_sweep_and_each_is_read_once() -> None:
    report = sweep.run(parts=6, workers=[2], latency=0.3)
    workers, parts, seconds, _, _, calls, twice = report.rows[0]
    assert (workers, calls, twice) == (2, parts, 0)
    assert 4 <= parts <= 9
    # Two at a time at 0.3 s each, and less than one after the other.
    assert parts / 2 * 0.3 <= float(seconds)
    assert report.values["seconds"] == {2: pytest.approx(float(seconds), abs=0.01)}
    assert (
        SweepPart.objects.count() == Document.objects.count() == Workspace.objects.count() == Call.objects.count() == 0
    )
