"""The evaluation pages: figures as they were found, comparison question by question, and nothing for other people."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from analysis.models import EvaluationRun, EvaluationTrial
from analysis.views.plots import CURVE_HEIGHT, CURVE_WIDTH, charts, whisker
from tests.conftest import Cast
from tests.evaluations import make_run
from workspaces.models import User


@pytest.fixture
def client(cast: Cast) -> Client:
    User.objects.filter(pk=cast.owner.pk).update(is_staff=True)
    client = Client()
    client.force_login(User.objects.get(pk=cast.owner.pk))
    return client


def page(client: Client, name: str, query: str = "", **arguments: object) -> str:
    reply = client.get(reverse(name, kwargs=arguments) + query)
    assert reply.status_code == 200, reply.content
    return reply.content.decode()


def test_without_runs_the_page_says_how_to_make_one(client: Client) -> None:
    assert "python manage.py evaluate" in page(client, "evaluation_runs")


def test_runs_are_listed_with_their_headlines(client: Client) -> None:
    run = make_run(note="words alone", found=0.5, llm="some-llm")
    html = page(client, "evaluation_runs")
    assert f'<a href="/evaluation/{run.pk}/">{run.pk}: legalbench-rag</a>' in html
    assert "words alone" in html
    assert "some-llm" in html
    assert 'recall@8 <strong class="numbers">50.0 %</strong>' in html
    assert "words alone" in page(client, "evaluation_runs", "?name=legalbench-rag")
    assert "words alone" not in page(client, "evaluation_runs", "?name=cuad")


def test_a_run_shows_its_figures_categories_and_failures(client: Client) -> None:
    run = make_run(note="words alone", found=0.5)
    html = page(client, "evaluation_run", run_id=run.pk)
    assert "manage.py evaluate legalbench-rag contracts --workspace kept<" in html
    assert "40, 20 failed" in html
    low, high = (100 * run.figures["measures"]["recall@8"][end] for end in ("low", "high"))
    assert f"{low:.1f} to {high:.1f}" in html
    assert html.count("<polyline") == 2  # precision and recall over depths
    assert '<th scope="row">leases</th>' in html
    assert html.count('<details class="missed">') == 20
    assert "&lt;b&gt;The rent is due.&lt;/b&gt;" in html
    of_leases = page(client, "evaluation_run", "?category=leases", run_id=run.pk)
    assert of_leases.count('<details class="missed">') == 10


def test_failures_go_on_over_pages(client: Client) -> None:
    run = make_run(note="", found=0.25)
    assert "1 to 20 of 30" in page(client, "evaluation_run", run_id=run.pk)
    assert "21 to 30 of 30" in page(client, "evaluation_run", "?page=2", run_id=run.pk)


def test_runs_are_compared_question_by_question(client: Client) -> None:
    before, after = make_run(note="before", found=0.5), make_run(note="after", found=0.75)
    html = page(client, "evaluation_compare", f"?run={after.pk}&run={before.pk}")
    # The earlier run is the first, whichever way round they were chosen.
    assert html.index("before") < html.index("after")
    assert "40 trials shared with the first" in html
    assert "+25.0 (" in html
    assert '<span class="badge badge-ok">better</span>' in html
    assert '<span class="badge badge-bad">worse</span>' not in html
    assert "Failed in the first, and does no more" in html
    assert html.count('<details class="missed">') == 10
    assert "Failed, and did not in the first" not in html


def test_a_run_compared_with_its_like_is_neither_better_nor_worse(client: Client) -> None:
    runs = [make_run(note="same", found=0.5) for _ in range(3)]
    html = page(client, "evaluation_compare", "?" + "&".join(f"run={run.pk}" for run in runs))
    assert "+0.0 (0.0 to 0.0)" in html
    assert "badge-ok" not in html
    assert "badge-bad" not in html


@pytest.mark.parametrize("query", ["", "?run=1", "?run=x&run=y", "?run=999998&run=999999"])
def test_what_cannot_be_compared_is_said(client: Client, query: str) -> None:
    reply = client.get(reverse("evaluation_compare") + query)
    assert reply.status_code == 422
    assert b"Choose two runs or more" in reply.content


def test_runs_of_two_evaluations_are_not_compared(client: Client) -> None:
    one, other = make_run(note="", found=0.5), make_run(note="", found=0.5)
    EvaluationRun.objects.filter(pk=other.pk).update(name="needle")
    reply = client.get(f"{reverse('evaluation_compare')}?run={one.pk}&run={other.pk}")
    assert reply.status_code == 422
    assert b"Only runs of the same evaluation" in reply.content


def test_all_trials_can_be_had_as_lines(client: Client) -> None:
    run = make_run(note="", found=0.5)
    lines = page(client, "evaluation_trials", run_id=run.pk).splitlines()
    assert [json.loads(line)["failed"] for line in lines] == [False] * 20 + [True] * 20


def test_a_run_is_deleted_with_its_trials(client: Client) -> None:
    run, other = make_run(note="", found=0.5), make_run(note="", found=0.5, trials=4)
    reply = client.post(reverse("evaluation_delete", kwargs={"run_id": run.pk}))
    assert reply["Location"] == "/evaluation/"
    assert EvaluationTrial.objects.count() == other.trials.count() == 4


def test_whiskers_and_curves_by_hand() -> None:
    found = {"value": 0.5, "low": 0.25, "high": 1.5}
    assert (whisker(found, 1.0).low, whisker(found, 1.0).value, whisker(found, 1.0).high) == (25, 50, 100)
    figures = {f"recall@{k}": {"value": value, "low": 0.0, "high": 1.0} for k, value in ((1, 0.0), (2, 0.5), (4, 1.0))}
    (chart,) = charts([("one", figures)], [*figures, "precision@1", "complete"])
    assert (chart.title, chart.ticks) == ("recall", [(0, 1), (CURVE_WIDTH / 2, 2), (CURVE_WIDTH, 4)])
    (curve,) = chart.curves
    assert curve.points == f"0.0,{CURVE_HEIGHT}.0 {CURVE_WIDTH / 2},{CURVE_HEIGHT / 2} {CURVE_WIDTH}.0,0.0"
    assert curve.dots[1][2] == "one, 2: 50.0 %"
