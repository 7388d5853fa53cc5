"""A workspace's policy, enforced below the pages: what leaves the house, what is spent, what is kept, who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.http import Http404
from django.test import Client
from django.utils import timezone

from analysis.answer.ask import answer_regenerate, question_ask, summary_ask
from analysis.answer.compare import question_compare
from analysis.answer.run import answer_run
from analysis.egress import EgressRefused, SenderUnknown, leave, sending_for
from analysis.errors import UserError
from analysis.ingest.embed import EndpointEncoder
from analysis.ingest.upload import document_upload
from analysis.llm.ledger import metered
from analysis.llm.media import read_page, transcribe
from analysis.llm.registry import llm_get, llms
from analysis.llm.tokens import count
from analysis.models import Answer, Call, Document, Endpoint, Question, Repository, ServedLLM
from analysis.types import Account, CallPurpose, Message, Mode, Prompt
from config.env import env
from tests.analysis.answer.rows import document
from tests.analysis.conftest import scripted_llm, words_as_meaning  # noqa: F401  # fixtures
from tests.analysis.ingest.embedding_server import EmbeddingServer
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM
from tests.analysis.repository.rows import make_rows
from tests.conftest import Cast
from workspaces import access
from workspaces.models import AuditEvent
from workspaces.policy import policy_change, require_of
from workspaces.retention import keep_to_policies

PROMPT = Prompt([Message("user", "How long is the term?")], [], 64)


pytestmark = pytest.mark.usefixtures("words_as_meaning")


@pytest.fixture
def hosted(scripted_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch) -> ScriptedLLM:  # noqa: F811
    """An endpoint outside the house, whose words cost a dollar each, as the only one there is."""
    monkeypatch.setattr(env, "llm_url", "")
    monkeypatch.setattr(env, "llm_model", "")
    place = Endpoint.objects.create(name="Away", base_url=scripted_llm.url, dialect="vllm", self_hosted=False)
    ServedLLM.objects.create(
        endpoint=place, slug="away", model="away", window_tokens=4096,
        price_in_usd_per_million=1_000, price_cached_usd_per_million=1_000, price_out_usd_per_million=1_000_000,
    )  # fmt: skip
    return scripted_llm


@pytest.fixture
def lease(cast: Cast) -> Document:
    return document(cast)


def asked(cast: Cast, lease: Document, text: str = "How long is the term?") -> Answer:
    return question_ask(workspace=cast.workspace, user=cast.editor, text=text, documents=[lease], mode=Mode.WHOLE)


def finished(answer: Answer) -> Answer:
    answer_run(str(answer.pk))
    return Answer.objects.get(pk=answer.pk)


WAYS_OUT: dict[str, Callable[[Cast, Document], object]] = {
    "question": asked,
    "summary": lambda cast, lease: summary_ask(document=lease, user=cast.editor),
    "comparison": lambda cast, lease: question_compare(
        workspace=cast.workspace, user=cast.editor, text="How long?", documents=[lease], llms=["away", "away2"]
    ),
    "completion": lambda cast, lease: list(
        metered(llm_get("away"), PROMPT, Account(CallPurpose.QUESTION, cast.workspace.pk))
    ),
    "page image": lambda cast, lease: read_page(
        llm_get("away"), b"picture", Account(CallPurpose.VISION, cast.workspace.pk)
    ),
    "recording": lambda cast, lease: transcribe(
        llm_get("away"), b"sound", "audio/wav", Account(CallPurpose.AUDIO, cast.workspace.pk)
    ),
    "plan by the API": lambda cast, lease: _refused(cast, "plan", {"text": "How long?"}),
    "question by the API": lambda cast, lease: _refused(cast, "questions", {"text": "How long?", "llm": "away"}),
}


def _refused(cast: Cast, path: str, body: dict[str, str]) -> None:
    client = Client()
    client.force_login(cast.editor)
    reply = client.post(f"/api/v1/workspaces/firm/{path}", body, content_type="application/json")
    raise UserError(reply.json()["error"]["message"], code=reply.json()["error"]["code"])


@pytest.mark.parametrize("way", WAYS_OUT)
def test_self_hosted_only_lets_nothing_out(cast: Cast, lease: Document, hosted: ScriptedLLM, way: str) -> None:
    policy_change(cast.workspace, self_hosted_only=True)
    with pytest.raises(UserError) as refused:
        WAYS_OUT[way](cast, lease)
    assert refused.value.code in {"egress_refused", "unknown_llm"}
    assert hosted.requests == []
    assert not [call for call in hosted.calls if call.startswith("POST")]


def test_an_answer_on_its_way_is_refused_when_the_policy_changes(
    cast: Cast, lease: Document, hosted: ScriptedLLM
) -> None:
    answer = asked(cast, lease)
    policy_change(cast.workspace, self_hosted_only=True)
    hosted.calls.clear()
    failed = finished(answer)
    assert (failed.status, failed.error_code) == ("failed", "unknown_llm")
    assert hosted.calls == []


def test_text_is_not_even_sent_to_be_counted(cast: Cast, hosted: ScriptedLLM) -> None:
    policy_change(cast.workspace, self_hosted_only=True)
    with sending_for(cast.workspace.pk):
        assert count("a secret clause", llm_get("away")).exact is False
    assert hosted.calls == []


def test_whose_text_it_is_must_be_known_once_a_workspace_keeps_its_own(cast: Cast) -> None:
    leave("Words", "https://away.example", self_hosted=False)
    policy_change(cast.workspace, self_hosted_only=True)
    leave("Words", "http://127.0.0.1", self_hosted=True)
    with pytest.raises(SenderUnknown):
        leave("Words", "https://away.example", self_hosted=False)
    with sending_for(None):
        leave("Words", "https://away.example", self_hosted=False)
    with sending_for(cast.workspace.pk), pytest.raises(EgressRefused, match=r"away\.example is outside it"):
        leave("Words", "https://user:secret@away.example/v1?key=1", self_hosted=False)


def test_an_embedder_outside_the_house_gets_no_word(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    server = EmbeddingServer()
    try:
        monkeypatch.setattr("analysis.ingest.embed.is_near", lambda _: False)
        policy_change(cast.workspace, self_hosted_only=True)
        with sending_for(cast.workspace.pk), pytest.raises(EgressRefused):
            EndpointEncoder(server.url).passages(["a secret clause"])
        assert server.texts == []
    finally:
        server.server_close()


def test_only_allowed_llms_are_offered_and_used(cast: Cast, lease: Document, hosted: ScriptedLLM) -> None:
    ServedLLM.objects.create(endpoint=Endpoint.objects.get(), slug="other", model="other", window_tokens=4096)
    policy_change(cast.workspace, allowed_llms=["other"])
    assert [llm.id for llm in llms(cast.workspace.pk)] == ["other"]
    assert asked(cast, lease).llm == "other"
    with pytest.raises(UserError, match="You can use: other"):
        question_ask(workspace=cast.workspace, user=cast.editor, text="Why?", documents=[lease], llm="away")


def test_a_running_answer_stops_where_the_money_ends(cast: Cast, lease: Document, hosted: ScriptedLLM) -> None:
    policy_change(cast.workspace, monthly_budget_usd=Decimal(20))
    hosted.replies = [Reply(words=["Five", " years", "."] * 40)]
    queued = asked(cast, lease)
    answer = finished(asked(cast, lease))
    assert (answer.status, answer.error_code) == ("stopped", "budget_spent")
    assert answer.text.startswith("Five years.")
    assert len(answer.text.split("years")) < 25
    assert answer.sentences.exists()
    assert Call.objects.get().status == "stopped"
    # One that waits does not begin, and none is asked for any more.
    hosted.requests.clear()
    later = finished(queued)
    assert (later.status, later.error_code) == ("failed", "budget_spent")
    with pytest.raises(UserError, match="spent its budget"):
        answer_regenerate(answer.question, mode=Mode.WHOLE)
    assert (hosted.requests, Answer.objects.count()) == ([], 2)


def test_the_ask_box_says_when_money_runs_low(cast: Cast, client: Client) -> None:
    client.force_login(cast.reviewer)
    policy_change(cast.workspace, monthly_budget_usd=Decimal(20))
    Call.objects.create(workspace=cast.workspace, purpose="question", llm="away", cost_usd=Decimal("15.99"))
    assert "are spent" not in client.get("/w/firm/ask/").content.decode()
    Call.objects.create(workspace=cast.workspace, purpose="question", llm="away", cost_usd=Decimal("0.01"))
    assert "$16.00 of this month's $20.00 are spent." in client.get("/w/firm/ask/").content.decode()
    Call.objects.create(workspace=cast.workspace, purpose="question", llm="away", cost_usd=Decimal(4))
    assert "answer again next month" in client.get("/w/firm/ask/").content.decode()


def test_repositories_are_kept_as_long_as_documents(cast: Cast) -> None:
    rows = {name: make_rows(cast, {"a.py": "x = 1\n"}).repository for name in ("old", "kept up", "new")}
    long_ago = timezone.now() - timedelta(days=31)
    for name in ("old", "kept up"):
        Repository.objects.filter(pk=rows[name].pk).update(added_at=long_ago)
    rows["old"].snapshots.update(created_at=long_ago)
    policy_change(cast.workspace, keep_documents_days=30)
    for _ in range(2):
        keep_to_policies()
    assert set(Repository.objects.all()) == {rows["kept up"], rows["new"]}


def test_self_hosted_models_go_on_without_money(cast: Cast, lease: Document, hosted: ScriptedLLM) -> None:
    policy_change(cast.workspace, monthly_budget_usd=Decimal(0))
    Endpoint.objects.update(self_hosted=True)
    ServedLLM.objects.update(price_in_usd_per_million=None, price_out_usd_per_million=None)
    from analysis.llm.registry import forget_llms

    forget_llms()
    assert finished(asked(cast, lease)).status == "done"


def test_last_months_money_does_not_count(cast: Cast, lease: Document, hosted: ScriptedLLM) -> None:
    policy_change(cast.workspace, monthly_budget_usd=Decimal(20))
    spent = Call.objects.create(workspace=cast.workspace, purpose="question", llm="away", cost_usd=Decimal(30))
    Call.objects.filter(pk=spent.pk).update(created_at=timezone.now().replace(day=1) - timedelta(days=2))
    assert finished(asked(cast, lease)).status == "done"


def test_who_may_upload_export_and_see_prompts(cast: Cast, client: Client) -> None:
    client.force_login(cast.editor)
    assert client.get("/w/firm/usage/calls.csv").status_code == 200
    policy_change(cast.workspace, upload_role="owner", export_role="owner", prompts_role="owner")
    assert client.get("/w/firm/usage/calls.csv").status_code == 403
    with pytest.raises(PermissionDenied, match="as its policy says"):
        document_upload(
            workspace=cast.workspace, user=cast.editor, name="a.txt", file=ContentFile(b"words", name="a.txt")
        )
    require_of(cast.owner, cast.workspace, "upload")
    upload = client.post("/api/v1/workspaces/firm/documents", {"file": ContentFile(b"words", name="a.txt")})
    assert upload.status_code == 403
    answer = Answer.objects.create(
        question=Question.objects.create(workspace=cast.workspace, asker=cast.owner, text="Why?"),
        llm="x",
        status="done",
    )
    assert client.get(f"/a/{answer.pk}/prompt/").status_code == 403
    client.force_login(cast.owner)
    assert client.get(f"/a/{answer.pk}/prompt/").status_code == 200


def test_addresses_of_other_domains_are_not_let_in(cast: Cast) -> None:
    policy_change(cast.workspace, sign_in_domains=["elsewhere.example"])
    assert not access.memberships_for(cast.editor).exists()
    assert not access.still_member(cast.editor.pk, cast.workspace.pk)
    with pytest.raises(Http404):
        access.member_or_404(cast.editor, "firm")
    assert access.member_or_404(cast.outsider, "elsewhere")
    policy_change(cast.workspace, sign_in_domains=["firm.example"])
    assert access.member_or_404(cast.editor, "firm")


def test_an_owner_cannot_shut_themselves_out(cast: Cast, client: Client) -> None:
    client.force_login(cast.owner)
    form = {"upload_role": "editor", "export_role": "viewer", "prompts_role": "editor"}
    reply = client.post("/w/firm/policy/", form | {"sign_in_domains": "other.example"})
    assert reply.status_code == 422
    assert "this would shut you out" in reply.content.decode()
    assert client.post("/w/firm/policy/", form | {"sign_in_domains": "@Firm.example other.example"}).status_code == 302
    cast.workspace.refresh_from_db()
    assert cast.workspace.policy.sign_in_domains == ["firm.example", "other.example"]
    event = AuditEvent.objects.get(action="workspace.policy_changed")
    assert (event.actor, event.details) == ("owner@firm.example", {"changed": ["sign_in_domains"]})


def test_what_is_kept_too_long_is_deleted(cast: Cast) -> None:
    old, new = document(cast, "old.pdf"), document(cast, "new.pdf")
    long_ago = timezone.now() - timedelta(days=31)
    Document.objects.filter(pk=old.pk).update(uploaded_at=long_ago)
    answers = [
        Answer.objects.create(
            question=Question.objects.create(workspace=cast.workspace, text=text, across_workspace=True), llm="x"
        )
        for text in ("old", "old, asked again", "new")
    ]
    Question.objects.filter(text__startswith="old").update(created_at=long_ago)
    Answer.objects.filter(question__text="old").update(created_at=long_ago)
    call = Call.objects.create(
        workspace=cast.workspace, purpose="question", llm="x", answer=answers[1], prompt=[["user", "words"]]
    )
    Call.objects.filter(pk=call.pk).update(created_at=long_ago)
    keep_to_policies()
    assert Document.objects.count() == 2
    policy_change(cast.workspace, keep_documents_days=30, keep_answers_days=30, keep_prompts_days=30)
    for _ in range(2):
        keep_to_policies()
    assert list(Document.objects.all()) == [new]
    assert sorted(Question.objects.values_list("text", flat=True)) == ["new", "old, asked again"]
    assert Call.objects.get(pk=call.pk).prompt == []
