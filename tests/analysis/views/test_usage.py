"""The usage pages: sums by hand, whose they are, and the file for spreadsheets."""

from __future__ import annotations

import csv
import io
import time
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from analysis.llm.usage import SHOWN, Period, Spent, last_days, month, months, usage
from analysis.models import Call, Document
from tests.analysis.answer.rows import document
from tests.conftest import Cast
from workspaces.access import searched_for
from workspaces.folders import folder_create, folder_restrict, move_into
from workspaces.models import Member, User, Workspace

NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))


def call(when: str, cost: str = "0", **fields: object) -> Call:
    given = {"purpose": "question", "llm": "kimi", "status": "done", "endpoint": "http://x/v1"} | fields
    row = Call.objects.create(cost_usd=Decimal(cost), **given)
    Call.objects.filter(pk=row.pk).update(created_at=datetime.fromisoformat(when).replace(tzinfo=UTC))
    return row


@pytest.fixture
def lease(cast: Cast) -> Document:
    return document(cast, name="lease.pdf")


@pytest.fixture
def three_calls(cast: Cast, lease: Document) -> None:
    """Three calls of the firm on two days, one of another workspace, and one in October."""
    ours = {"workspace": cast.workspace, "user": cast.editor, "document": lease}
    call(
        "2026-11-02T00:00:00", "0.10000001", prompt_tokens=1000, cached_tokens=400, completion_tokens=50,
        reasoning_tokens=20, saved_usd=Decimal("0.02"), seconds=2.5, **ours,
    )  # fmt: skip
    call(
        "2026-11-02T23:59:59", "0.20000002", prompt_tokens=500, completion_tokens=7, seconds=1.0, purpose="summary",
        **{**ours, "user": cast.owner},
    )  # fmt: skip
    call(
        "2026-11-03T00:00:00", "0.4", prompt_tokens=10, status="failed", purpose="reading", llm="qwen", seconds=0.5,
        workspace=cast.workspace,
    )  # fmt: skip
    call("2026-11-03T10:00:00", "5", workspace=Workspace.objects.get(slug="elsewhere"), user=cast.outsider)
    call("2026-10-31T23:59:59", "7", **ours)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_sums_by_everything_that_calls_are_told_apart_by(cast: Cast, lease: Document, three_calls: None) -> None:
    found = usage(NOVEMBER, cast.workspace)
    assert found.total == Spent(3, 1, 1510, 400, 57, 20, Decimal("0.70000003"), Decimal("0.02"), 4.0)
    assert (found.total.tokens, found.total.fresh_tokens) == (1567, 1110)
    assert [(row.key, row.spent.calls) for row in found.by_day if row.spent.calls] == [
        ("2026-11-02", 2),
        ("2026-11-03", 1),
    ]
    assert len(found.by_day) == 30
    assert [(row.label, row.spent.cost_usd) for row in found.by_person] == [
        ("Nobody: what Lectern does by itself, or former members", Decimal("0.4")),
        ("owner@firm.example", Decimal("0.20000002")),
        ("editor@firm.example", Decimal("0.10000001")),
    ]
    assert [(row.key, row.label, row.spent.prompt_tokens) for row in found.by_document] == [
        (None, "Several at once, or deleted", 10),
        (str(lease.pk), "lease.pdf", 1500),
    ]
    assert [(row.label, row.spent.seconds) for row in found.by_llm] == [("qwen", 0.5), ("kimi", 3.5)]
    assert [(row.key, row.label) for row in found.by_purpose] == [
        ("reading", "Reading ahead"),
        ("summary", "Summaries"),
        ("question", "Questions"),
    ]
    assert found.by_workspace == []


def test_all_workspaces_together(three_calls: None) -> None:
    found = usage(NOVEMBER)
    assert (found.total.calls, found.total.cost_usd) == (4, Decimal("5.70000003"))
    assert [(row.key, row.label, row.spent.calls) for row in found.by_workspace] == [
        ("elsewhere", "Elsewhere", 1),
        ("firm", "The Firm", 3),
    ]


def test_two_documents_of_one_name_are_two_lines(cast: Cast, lease: Document) -> None:
    call("2026-11-02T00:00:00", workspace=cast.workspace, document=lease)
    call("2026-11-02T00:00:00", workspace=cast.workspace, document=document(cast, name="lease.pdf"))
    assert [row.label for row in usage(NOVEMBER, cast.workspace).by_document] == ["lease.pdf", "lease.pdf"]


def test_documents_out_of_sight_are_counted_and_not_named(cast: Cast, lease: Document, three_calls: None) -> None:
    folder = folder_create(workspace=cast.workspace, name="Closed")
    folder_restrict(folder, restricted=True)
    move_into(folder, workspace=cast.workspace, documents=[lease])
    client = Client()
    for who, named in ((cast.owner, True), (cast.editor, False)):
        client.force_login(who)
        for page in ("/w/firm/usage/", "/w/firm/usage/calls.csv", "/api/v1/workspaces/firm/usage"):
            response = client.get(page, {"days": "366"} if "api" in page else {"month": "2026-11"})
            assert (response.status_code, "lease.pdf" in response.content.decode()) == (200, named), page
    seen = searched_for(Member.objects.get(user=cast.editor))
    assert [(row.key, row.spent.calls) for row in usage(NOVEMBER, cast.workspace, seen).by_document] == [(None, 3)]


def test_lines_past_the_first_are_added_up_in_one(cast: Cast) -> None:
    for number in range(SHOWN + 3):
        call("2026-11-02T00:00:00", str(100 - number), workspace=cast.workspace, llm=f"llm-{number:02}")
    found = usage(NOVEMBER, cast.workspace).by_llm
    assert [(row.label, row.spent.cost_usd) for row in found[-2:]] == [
        ("llm-19", Decimal(81)),
        ("3 other language models", Decimal(80 + 79 + 78)),
    ]
    assert sum(row.spent.calls for row in found) == SHOWN + 3


def test_periods_are_whole_days_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    late = datetime.fromisoformat("2026-11-24T01:30:00+02:00")
    monkeypatch.setattr("analysis.llm.usage.timezone.now", lambda: late)
    assert last_days(7) == Period(date(2026, 11, 17), date(2026, 11, 23))
    assert month("2026-12") == Period(date(2026, 12, 1), date(2026, 12, 31))
    assert month("2028-02") == Period(date(2028, 2, 1), date(2028, 2, 29))
    assert [month(name) for name in ("2026-13", "26-11", "", "2026-1٢")] == [None] * 4


def test_the_months_that_are_offered(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.llm.usage.timezone.now", lambda: datetime(2026, 11, 23, tzinfo=UTC))
    assert months(cast.workspace) == []
    call("2026-10-01T00:00:00", workspace=cast.workspace)
    assert [each.first for each in months(cast.workspace)] == [date(2026, 11, 1), date(2026, 10, 1)]
    call("2020-01-01T00:00:00")
    assert [each.first for each in months()[::11]] == [date(2026, 11, 1), date(2025, 12, 1)]
    page = client_of(cast.editor).get("/w/firm/usage/?month=2026-10&by=calls").content.decode()
    assert '<a class="chip" href="?month=2026-10&amp;by=calls" aria-current="true">October 2026</a>' in page
    assert '<a class="chip" href="?by=calls&amp;days=7">7 days</a>' in page


def test_the_page_says_the_sums_and_draws_them(cast: Cast, three_calls: None) -> None:
    page = client_of(cast.editor).get("/w/firm/usage/?month=2026-11").content.decode()
    assert '<dd class="numbers">$0.70</dd>' in page
    assert "1,510" in page
    assert "400 cached" in page
    assert "1 failed" in page
    assert "Elsewhere" not in page
    # The dearer day is 100 high; the other by its share: 0.4 of 0.4 and 0.30000003 of 0.4.
    assert 'x="21" y="0.0" width="8" height="100.0"' in page
    assert 'x="11" y="25.0" width="8" height="75.0"' in page
    assert "style=" not in page.split("<main")[1].split("</main>")[0]
    assert 'aria-label="Cost by day, at most $0.40 a day; the numbers are in the table below"' in page


def test_bars_of_tokens_stand_on_what_came_from_the_cache(cast: Cast, three_calls: None) -> None:
    page = client_of(cast.editor).get("/w/firm/usage/?month=2026-11&by=tokens").content.decode()
    # 1,557 tokens on the second: 400 cached, 1,100 read, 57 written.
    for name, y, height in (("cached", 74.31, 25.69), ("fresh", 3.66, 70.65), ("written", 0.0, 3.66)):
        assert f'class="usage-{name}" x="11" y="{y}" width="8" height="{height}"' in page


def test_a_page_without_calls_says_so(cast: Cast) -> None:
    page = client_of(cast.owner).get("/w/firm/usage/")
    assert "No calls in these days" in page.content.decode()
    assert client_of(cast.owner).get("/w/firm/usage/?days=12&month=x&by=y").status_code == 200


def test_whose_page_it_is(cast: Cast) -> None:
    paths = ("/w/firm/usage/", "/w/firm/usage/calls.csv", "/usage/", "/usage/calls.csv")
    codes = {
        name: [client_of(getattr(cast, name)).get(path).status_code for path in paths]
        for name in ("owner", "editor", "viewer", "outsider")
    }
    assert codes == {
        "owner": [200, 200, 404, 404],
        "editor": [200, 200, 404, 404],
        "viewer": [403, 403, 404, 404],
        "outsider": [404, 404, 404, 404],
    }
    User.objects.filter(pk=cast.outsider.pk).update(is_staff=True)
    assert [client_of(cast.outsider).get(path).status_code for path in paths] == [404, 404, 200, 200]


def test_the_tab_and_the_menu_lead_there(cast: Cast) -> None:
    assert 'href="/w/firm/usage/"' in client_of(cast.editor).get("/w/firm/settings/").content.decode()
    assert 'href="/w/firm/usage/"' not in client_of(cast.viewer).get("/w/firm/settings/").content.decode()
    assert 'href="/usage/"' not in client_of(cast.owner).get("/w/firm/").content.decode()
    User.objects.filter(pk=cast.owner.pk).update(is_staff=True)
    assert 'href="/usage/"' in client_of(cast.owner).get("/w/firm/").content.decode()


def test_the_file_has_a_line_a_call_and_no_formula(cast: Cast, three_calls: None) -> None:
    evil = document(cast, name="=HYPERLINK(0)")
    call("2026-11-04T10:00:00", "0.5", workspace=cast.workspace, document=evil, llm="@llm", prompt_tokens=3)
    reply = client_of(cast.owner).get("/w/firm/usage/calls.csv?month=2026-11")
    assert reply["Content-Type"] == "text/csv; charset=utf-8"
    assert reply["Content-Disposition"] == 'attachment; filename="calls-firm-2026-11-01-2026-11-30.csv"'
    rows = list(csv.DictReader(io.StringIO(reply.content.decode())))
    assert [row["created_at"][:10] for row in rows] == ["2026-11-02", "2026-11-02", "2026-11-03", "2026-11-04"]
    assert (rows[0]["user_email"], rows[0]["cost_usd"], rows[0]["workspace"]) == (
        "editor@firm.example",
        "0.10000001",
        "firm",
    )
    assert (rows[3]["document_name"], rows[3]["llm"], rows[3]["prompt_tokens"]) == ("'=HYPERLINK(0)", "'@llm", "3")


def test_ten_thousand_calls_in_a_constant_number_of_queries(cast: Cast, django_assert_max_num_queries) -> None:
    documents = [document(cast, name=f"{number}.pdf") for number in range(30)]
    Call.objects.bulk_create(
        Call(
            workspace=cast.workspace, user=cast.editor, document=documents[number % 30], purpose="part",
            llm=f"llm-{number % 5}", status="done", prompt_tokens=number, cost_usd=Decimal("0.001"), seconds=0.1,
        )
        for number in range(10_000)
    )  # fmt: skip
    client = client_of(cast.editor)
    client.get("/w/firm/usage/")
    begun = time.monotonic()
    with django_assert_max_num_queries(14):
        page = client.get("/w/firm/usage/")
    assert time.monotonic() - begun < 1
    assert page.context["usage"].total.prompt_tokens == sum(range(10_000))
    assert page.context["usage"].total.cost_usd == Decimal(10)
    assert page.context["usage"].period == last_days(30)
    assert timezone.now().date() == page.context["usage"].period.last
