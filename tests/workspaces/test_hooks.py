"""Web hooks: written with what they tell of, signed, sent at least once, tried again, given up; and who may what."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from analysis.answer.run import answer_run
from analysis.errors import UserError
from analysis.ingest.hold import Hold
from analysis.ingest.run import Run
from analysis.ingest.upload import document_delete
from analysis.models import AnswerStatus, Document, IngestStatus
from analysis.models.lease import claim
from config.env import env
from tests.api.conftest import Caller
from tests.conftest import Cast
from tests.rows import TEXT, make_answer, make_document
from workspaces.hooks import delivery as sending
from workspaces.hooks.delivery import RETRY_SECONDS, TAKEN_FOR, deliver, forget_old, send_due, wait_before
from workspaces.hooks.events import HookEvent
from workspaces.hooks.outbox import tell
from workspaces.hooks.recipes import checked_url, delivery_redeliver, hook_create, hook_pause, hook_resume, hook_rotate
from workspaces.models import DeliveryState, HookDelivery, WebHook
from workspaces.policy import policy_change
from workspaces.recipes import member_remove
from workspaces.tasks import deliver_hook


@dataclass
class Receiver:
    """Another system: what it got, and what it answers."""

    url: str = ""
    status: int = 204
    reply: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    other = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            other.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(other.status)
            for name, value in other.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(other.reply)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    other.url = f"http://127.0.0.1:{server.server_address[1]}/in"
    yield other
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def private_allowed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the receiver be on this machine, and keep what is sent to a worker."""
    monkeypatch.setattr(env, "hooks_private", True)
    sent: list[str] = []
    monkeypatch.setattr(deliver_hook, "delay", sent.append)
    return sent


@pytest.fixture
def hook(cast: Cast, receiver: Receiver) -> WebHook:
    return hook_create(workspace=cast.workspace, user=cast.admin, name="ERP", url=receiver.url)


def deliveries(event: str) -> list[HookDelivery]:
    return list(HookDelivery.objects.filter(event=event).order_by("created_at"))


def told(hook: WebHook, event: HookEvent = HookEvent.DOCUMENT_READY) -> HookDelivery:
    """A delivery of the event, of a document that is there."""
    version = make_document_of(hook)
    tell(event, version.document, hook.workspace_id)
    return deliveries(event)[-1]


def make_document_of(hook: WebHook):
    return make_document(Cast(hook.workspace, *[hook.created_by] * 6))


def now_due(delivery: HookDelivery) -> None:
    HookDelivery.objects.filter(pk=delivery.pk).update(next_at=timezone.now())


def test_what_is_sent_is_signed_as_the_specification_says(hook: WebHook, receiver: Receiver) -> None:
    delivery = told(hook)
    deliver(delivery.pk)
    headers, body = receiver.got[0]
    payload = Webhook(hook.secret).verify(body, headers)
    assert headers["webhook-id"] == str(delivery.pk)
    document = payload["data"]["object"]
    assert (payload["type"], document["type"], document["name"]) == ("document.ready", "document", "lease.pdf")
    assert document["url"] == f"/d/{document['id']}/"
    assert payload["data"]["workspace"] == {"slug": "firm", "name": "The Firm"}
    delivery.refresh_from_db()
    assert (delivery.state, delivery.status, delivery.attempts, delivery.next_at) == ("delivered", 204, 1, None)
    with pytest.raises(WebhookVerificationError):
        Webhook(hook.secret).verify(body.replace(b"lease", b"other"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(hook_rotate(hook)).verify(body, headers)


def test_it_is_written_if_and_only_if_what_it_tells_of_is(
    hook: WebHook, cast: Cast, private_allowed: list[str]
) -> None:
    version = make_document(cast)
    with transaction.atomic():
        document_delete(Document.objects.get(pk=version.document_id))
        transaction.set_rollback(True)
    assert deliveries("document.deleted") == []
    document_delete(Document.objects.get(pk=version.document_id))
    (gone,) = deliveries("document.deleted")
    assert gone.payload["data"]["object"]["id"] == str(version.document_id)


@pytest.mark.django_db(transaction=True)
def test_it_is_sent_to_a_worker_once_that_is_committed(hook: WebHook, private_allowed: list[str]) -> None:
    with transaction.atomic():
        delivery = told(hook)
        assert private_allowed == []
    assert private_allowed == [str(delivery.pk)]


def test_what_people_do_is_told_with_who_did_it_and_without_words(hook: WebHook, cast: Cast) -> None:
    member_remove(cast.workspace.members.get(user=cast.viewer))
    policy_change(cast.workspace, keep_prompts_days=30)
    answer = make_answer(cast, make_document(cast), TEXT, AnswerStatus.QUEUED)
    answer_run(str(answer.pk))  # there is no language model to ask
    (removed,), (policy,), (failed,) = (
        deliveries(name) for name in ("member.removed", "policy.changed", "answer.failed")
    )
    assert removed.payload["data"]["object"] == {
        "type": "user", "id": str(cast.viewer.pk), "name": "viewer@firm.example",
    }  # fmt: skip
    assert policy.payload["data"]["object"]["type"] == "workspace"
    said = failed.payload["data"]["object"]
    assert (said["question_id"], said["status"]) == (str(answer.question_id), "failed")
    everything = json.dumps([row.payload for row in HookDelivery.objects.all()])
    assert TEXT not in everything
    assert answer.question.text not in everything


def test_a_document_that_fails_is_told_with_its_failure(hook: WebHook, cast: Cast) -> None:
    version = make_document(cast)
    version.status = IngestStatus.QUEUED
    version.save()
    rows = type(version).objects.filter(pk=version.pk)
    token = claim(rows, waiting=IngestStatus.QUEUED, working=IngestStatus.INGESTING)
    run: Hold = Run(version, token, False)
    run.settle(UserError("It is protected.", code="encrypted"))
    assert rows.get().status == IngestStatus.FAILED
    assert [row.payload["data"]["object"]["id"] for row in deliveries("document.failed")] == [str(version.document_id)]


def test_a_hook_is_told_of_what_it_wants(cast: Cast, receiver: Receiver) -> None:
    def made(*events: str) -> WebHook:
        return hook_create(workspace=cast.workspace, user=cast.admin, name="x", url=receiver.url, events=events)

    all_but_audit, chosen, siem = made(), made("document.ready", "answer.done"), made("audit")
    HookDelivery.objects.all().delete()
    told(chosen)
    member_remove(cast.workspace.members.get(user=cast.viewer))

    def heard(hook: WebHook) -> list[str]:
        return sorted(hook.deliveries.values_list("event", flat=True))

    assert heard(all_but_audit) == ["document.ready", "member.removed"]
    assert heard(chosen) == ["document.ready"]
    assert heard(siem) == ["audit"]
    entry = siem.deliveries.get().payload["data"]["entry"]
    assert (entry["action"], entry["object_name"], entry["details"]) == ("member.removed", "viewer@firm.example", {})
    with pytest.raises(UserError, match="no event"):
        made("document.eaten")


def test_another_workspace_hears_nothing(cast: Cast, hook: WebHook, receiver: Receiver) -> None:
    other = cast.outsider.memberships.get().workspace
    theirs = hook_create(workspace=other, user=cast.outsider, name="theirs", url=receiver.url, events=["audit"])
    theirs.deliveries.all().delete()
    told(hook)
    member_remove(cast.workspace.members.get(user=cast.viewer))
    assert not theirs.deliveries.exists()


def test_a_failure_is_tried_again_with_growing_waits(hook: WebHook, receiver: Receiver) -> None:
    receiver.status, receiver.reply = 500, b"out of\norder" + b"x" * 1000
    delivery = told(hook)
    deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.status, delivery.attempts) == ("waiting", 500, 1)
    assert delivery.error.startswith("It answered 500: out of order")
    assert len(delivery.error) <= 300
    assert timedelta(seconds=3) < delivery.next_at - delivery.tried_at < timedelta(seconds=20)
    deliver(delivery.pk)  # not due yet
    assert len(receiver.got) == 1
    now_due(delivery)
    receiver.status = 200
    deliver(delivery.pk)
    assert [headers["webhook-id"] for headers, _ in receiver.got] == [str(delivery.pk)] * 2


def test_waits_add_up_to_three_days() -> None:
    assert timedelta(days=2.5) < timedelta(seconds=sum(RETRY_SECONDS)) < timedelta(days=3.5)
    waits = [wait_before(attempts) for attempts in range(1, len(RETRY_SECONDS) + 1)]
    assert all(
        timedelta(seconds=0.8 * seconds) <= wait <= timedelta(seconds=1.2 * seconds)
        for wait, seconds in zip(waits, RETRY_SECONDS, strict=True)
    )
    assert wait_before(len(RETRY_SECONDS) + 1) is None


def test_a_hook_that_fails_for_days_is_paused_and_its_admins_are_told(
    hook: WebHook, receiver: Receiver, cast: Cast, django_capture_on_commit_callbacks
) -> None:
    receiver.status = 503
    delivery = told(hook)
    HookDelivery.objects.filter(pk=delivery.pk).update(attempts=len(RETRY_SECONDS))
    with django_capture_on_commit_callbacks(execute=True):
        deliver(delivery.pk)
    delivery.refresh_from_db()
    hook.refresh_from_db()
    assert (delivery.state, delivery.next_at) == ("failed", None)
    assert hook.paused_because == "Nothing was delivered for three days."
    assert sorted(message.to[0] for message in mail.outbox) == ["admin@firm.example", "owner@firm.example"]
    assert not told_again(hook)
    hook_resume(hook)
    assert told_again(hook)


def told_again(hook: WebHook) -> bool:
    before = hook.deliveries.count()
    tell(HookEvent.DOCUMENT_READY, make_document_of(hook).document, hook.workspace_id)
    return hook.deliveries.count() > before


def test_one_that_took_something_meanwhile_is_not_paused(hook: WebHook, receiver: Receiver) -> None:
    stuck, taken = told(hook), told(hook)
    deliver(taken.pk)
    receiver.status = 422
    HookDelivery.objects.filter(pk=stuck.pk).update(attempts=len(RETRY_SECONDS))
    deliver(stuck.pk)
    stuck.refresh_from_db()
    hook.refresh_from_db()
    assert (stuck.state, hook.paused_at) == ("failed", None)


def test_a_receiver_that_is_gone_is_told_no_more(hook: WebHook, receiver: Receiver) -> None:
    receiver.status = 410
    deliver(told(hook).pk)
    hook.refresh_from_db()
    assert "gone" in hook.paused_because


def test_what_a_dead_worker_had_taken_is_sent_by_the_next(
    hook: WebHook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, private_allowed: list[str]
) -> None:
    delivery = told(hook)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sending, "_keep", killed)
        with pytest.raises(KeyboardInterrupt):
            deliver(delivery.pk)
    deliver(delivery.pk)  # a second message at once: the first worker may be alive
    assert len(receiver.got) == 1
    later = timezone.now() + TAKEN_FOR + timedelta(seconds=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    private_allowed.clear()
    send_due()
    send_due()
    assert private_allowed == [str(delivery.pk)]
    deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (len(receiver.got), delivery.state, delivery.attempts) == (2, "delivered", 2)


def test_no_redirect_is_followed(hook: WebHook, receiver: Receiver) -> None:
    receiver.status, receiver.headers = 307, {"Location": receiver.url}
    delivery = told(hook)
    deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (len(receiver.got), delivery.status, delivery.state) == (1, 307, "waiting")


def test_nothing_is_sent_to_private_addresses_unless_that_is_allowed(
    hook: WebHook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env, "hooks_private", False)
    delivery = told(hook)
    deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (receiver.got, delivery.status, delivery.error) == (
        [], None, "This address is inside a private network, to which nothing is sent here.",
    )  # fmt: skip


def test_a_workspace_that_keeps_its_text_in_tells_nobody_outside(
    hook: WebHook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy_change(hook.workspace, self_hosted_only=True)
    inside = told(hook)
    deliver(inside.pk)
    assert len(receiver.got) == 1
    monkeypatch.setattr("analysis.ingest.unpack.addresses.is_public", lambda address: True)
    outside = told(hook)
    deliver(outside.pk)
    outside.refresh_from_db()
    assert (len(receiver.got), outside.state) == (1, "waiting")
    assert "keeps its text in the house" in outside.error
    monkeypatch.setattr(env, "hooks_private", False)
    now_due(outside)
    deliver(outside.pk)
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    "url",
    [
        "ftp://firm.example/",
        "javascript:alert(1)",
        "https://",
        "//firm.example",
        "https://me:pw@firm.example",
        "https://[x",
    ],
)
def test_addresses_that_are_none_are_refused(url: str) -> None:
    with pytest.raises(UserError) as refused:
        checked_url(url)
    assert refused.value.code == "bad_url"


def test_old_deliveries_go_and_waiting_ones_stay(hook: WebHook, receiver: Receiver) -> None:
    done, waiting = told(hook), told(hook)
    deliver(done.pk)
    HookDelivery.objects.update(created_at=timezone.now() - timedelta(days=31))
    forget_old()
    assert list(HookDelivery.objects.filter(event="document.ready")) == [waiting]


def test_the_api_makes_tries_lists_and_sends_again(cast: Cast, receiver: Receiver) -> None:
    admin = Caller(cast.admin)
    made = admin.post("/workspaces/firm/hooks", {"name": "ERP", "url": receiver.url, "events": ["answer.done"]})
    hook = made.json()
    assert (made.status_code, hook["events"]) == (201, ["answer.done"])
    assert "secret" not in admin.get("/workspaces/firm/hooks").json()[0]
    ping = admin.post(f"/workspaces/firm/hooks/{hook['id']}/test").json()
    deliver(ping["id"])
    headers, body = receiver.got[0]
    assert Webhook(hook["secret"]).verify(body, headers)["type"] == "test"
    listed = admin.get(f"/workspaces/firm/hooks/{hook['id']}/deliveries").json()
    assert [(each["id"], each["state"]) for each in listed["items"]] == [(ping["id"], "delivered")]
    again = admin.post(f"/workspaces/firm/hooks/{hook['id']}/deliveries/{ping['id']}/redeliver")
    assert (again.status_code, again.json()["state"]) == (202, "waiting")
    deliver(ping["id"])
    assert len(receiver.got) == 2
    editor = Caller(cast.editor)
    assert editor.get("/workspaces/firm/hooks").status_code == 403
    assert admin.delete(f"/workspaces/firm/hooks/{hook['id']}").status_code == 204
    assert admin.post(f"/workspaces/firm/hooks/{hook['id']}/test").status_code == 404


def test_a_paused_hook_sends_nothing_again(hook: WebHook) -> None:
    delivery = told(hook)
    hook_pause(hook)
    hook.refresh_from_db()
    delivery.refresh_from_db()
    with pytest.raises(UserError, match="paused"):
        delivery_redeliver(HookDelivery.objects.select_related("hook").get(pk=delivery.pk))
    assert delivery.state == DeliveryState.WAITING


def test_the_pages_make_show_and_change(client, cast: Cast, receiver: Receiver) -> None:
    client.force_login(cast.admin)
    page = client.post("/w/firm/hooks/", {"name": "ERP", "url": receiver.url})
    hook = WebHook.objects.get()
    assert hook.secret in page.content.decode()
    assert hook.secret not in client.get("/w/firm/hooks/").content.decode()
    place = f"/w/firm/hooks/{hook.pk}/"
    assert client.post(f"{place}test/").status_code == 302
    assert "Waiting" in client.get(place).content.decode()
    secret = client.post(f"{place}secret/").content.decode()
    hook.refresh_from_db()
    assert hook.secret in secret
    assert client.post(place, {"name": "ERP", "url": "ftp://x"}).status_code == 422
    client.post(place, {"name": "SIEM", "url": receiver.url, "events": ["audit"]})
    client.post(f"{place}pause/")
    hook.refresh_from_db()
    assert (hook.name, hook.events, hook.paused_at is None) == ("SIEM", ["audit"], False)
    client.post(f"{place}delete/")
    assert not WebHook.objects.exists()
