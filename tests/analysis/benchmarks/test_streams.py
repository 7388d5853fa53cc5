"""The benchmark of streams: the real web process, cut connections, and every event on its page once."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session

from analysis.benchmarks import streams
from analysis.benchmarks.streams import Source
from analysis.models import Answer, Document
from workspaces.models import User, Workspace


@pytest.mark.django_db(transaction=True)
def test_every_page_has_every_event_once_though_connections_are_cut() -> None:
    report = streams.run(people=5, streams=20, events=200, seconds=4, drops=4)
    values = report.values
    assert (values["streams"], values["people"], values["lost"], values["doubled"]) == (20, 5, 0, 0)
    assert values["events"] >= 700
    assert values["taken up again"] >= 4
    assert 0 < values["p50 ms"] <= values["p95 ms"] <= values["max ms"]
    left = Answer.objects.count(), Document.objects.count(), Workspace.objects.count(), User.objects.count()
    assert (*left, Session.objects.count()) == (0, 0, 0, 0, 0)


def test_a_word_missing_and_a_word_twice_are_counted() -> None:
    source = Source("answer", "", "", sent=[1.0, 2.0, 3.0])
    page = {"seen": [[0, 1.5], [1, 2.5]], "shown": [0, 1, 1]}
    assert streams._found(source, page) == (1, 1, [0.5, 0.5])
    assert streams._found(source, page | {"shown": [1, 0]}) == (1, 1, [0.5, 0.5])


def test_a_step_that_was_overtaken_comes_with_the_later_one_and_the_last_must_come() -> None:
    source = Source("document", "", "", sent=[1.0, 2.0, 3.0])
    assert streams._found(source, {"seen": [[2, 2.25]]}) == (1, 0, [0.25, 1.25])
