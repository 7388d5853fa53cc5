"""The audit log: what is in it, that nobody can change it unseen, and who may read it."""

from __future__ import annotations

import json
import logging
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from analysis.answer import ask
from analysis.ingest.upload import document_delete, document_rename
from analysis.llm.catalogue import LLM
from tests.conftest import Cast
from tests.rows import make_document
from workspaces import recipes
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.audit.chain import START, digest_of, seal, verify
from workspaces.audit.origin import acting
from workspaces.models import ApiToken, AuditEvent, Member, Role


def told() -> list[tuple[str, str, str]]:
    """Return (action, actor, object) of all entries, in the order they were made."""
    return list(AuditEvent.objects.order_by("pk").values_list("action", "actor", "object_name"))


def without_guard(sql: str, *values: object) -> None:
    """Do to the table what only its owner can."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE workspaces_auditevent DISABLE TRIGGER audit_append_only")
        cursor.execute(sql, values)
        cursor.execute("ALTER TABLE workspaces_auditevent ENABLE TRIGGER audit_append_only")


def some(cast: Cast, count: int = 5) -> list[AuditEvent]:
    """Return that many sealed entries."""
    for number in range(count):
        record(Action.EXPORTED, cast.workspace, workspace=cast.workspace, by=cast.owner, number=number, name="Fees é")
    seal()
    return list(AuditEvent.objects.order_by("number"))


def test_entries_are_chained_in_order(cast: Cast) -> None:
    events = some(cast)
    assert [event.number for event in events] == [1, 2, 3, 4, 5]
    assert events[0].previous_hash == START
    assert [event.previous_hash for event in events[1:]] == [event.hash for event in events[:-1]]
    assert all(event.hash == digest_of(event) for event in events)
    assert (verify().count, verify().head, verify().problems) == (5, events[-1].hash, [])


@pytest.mark.parametrize("column", ["actor", "object_name", "address", "action", "at", "details"])
def test_a_change_behind_our_back_is_found(cast: Cast, column: str) -> None:
    some(cast)
    value = {"at": "2020-01-01T00:00:00Z", "details": '{"number": 7}'}.get(column, "somebody else")
    without_guard(f"UPDATE workspaces_auditevent SET {column} = %s WHERE number = 3", value)
    assert verify().problems == ["Entry 3 was changed after it was sealed."]


def test_a_missing_entry_and_a_cut_end_are_found(cast: Cast) -> None:
    events = some(cast)
    without_guard("DELETE FROM workspaces_auditevent WHERE number = 5")
    assert verify().problems == []
    assert verify(head=events[4].hash).problems == [
        f"No entry has the hash {events[4].hash}: the chain was cut off or made anew."
    ]
    assert verify(head=events[3].hash).problems == []
    without_guard("DELETE FROM workspaces_auditevent WHERE number = 2")
    assert verify().problems == ["Between 1 and 3, entries are missing."]


def test_an_entry_sealed_anew_breaks_what_follows(cast: Cast) -> None:
    events = some(cast)
    forged = events[2]
    forged.actor = "nobody@firm.example"
    without_guard(
        "UPDATE workspaces_auditevent SET actor = %s, hash = %s WHERE number = 3", forged.actor, digest_of(forged)
    )
    assert verify().problems == ["Entry 4 does not follow the one before it."]


def test_the_database_refuses_changes(cast: Cast) -> None:
    some(cast, 1)
    record(Action.EXPORTED, cast.workspace)
    for change in (
        lambda: AuditEvent.objects.filter(number=1).update(actor="x"),
        lambda: AuditEvent.objects.filter(number=None).update(actor="x"),
        lambda: AuditEvent.objects.filter(number=None).update(actor="x", number=2),
        lambda: AuditEvent.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="only added to"), transaction.atomic():
            change()


def test_no_entry_without_the_change_and_no_change_without_the_entry(cast: Cast) -> None:
    document = make_document(cast).document
    with transaction.atomic():
        document_rename(document, "other.pdf")
        transaction.set_rollback(True)
    assert told() == []


def test_what_people_do_is_told_with_who_and_what(cast: Cast) -> None:
    document = make_document(cast).document
    with acting("page", cast.editor):
        document_rename(document, "Lease 2026.pdf")
        document_delete(document)
    with acting("page", cast.owner):
        recipes.member_set_role(Member.objects.get(user=cast.viewer), Role.EDITOR)
    assert told() == [
        ("document.renamed", "editor@firm.example", "Lease 2026.pdf"),
        ("document.deleted", "editor@firm.example", "Lease 2026.pdf"),
        ("member.role_changed", "owner@firm.example", "viewer@firm.example"),
    ]
    assert AuditEvent.objects.get(action="document.renamed").details == {"before": "lease.pdf"}
    assert AuditEvent.objects.get(action="member.role_changed").details == {"before": "viewer", "after": "editor"}


def test_a_request_says_from_where(cast: Cast, client: Client) -> None:
    document = make_document(cast).document
    client.force_login(cast.editor)
    for _ in range(3):
        client.get(f"/d/{document.pk}/", REMOTE_ADDR="203.0.113.9", headers={"User-Agent": "Browser/1"})
    opened = AuditEvent.objects.get(action="document.opened")
    assert (opened.actor, opened.via, opened.address, opened.agent, opened.workspace_id) == (
        "editor@firm.example", "page", "203.0.113.9", "Browser/1", cast.workspace.pk,
    )  # fmt: skip


def test_a_token_is_named_beside_its_person(cast: Cast, client: Client) -> None:
    row, token = ApiToken.issue(user=cast.editor, name="script")
    document = make_document(cast).document
    client.delete(f"/api/v1/documents/{document.pk}", headers={"Authorization": f"Bearer {token}"})
    event = AuditEvent.objects.get(action="document.deleted")
    assert (event.via, event.actor, event.token_id) == ("api", "editor@firm.example", row.pk)


def test_sign_ins_are_told_and_failed_ones_too(cast: Cast, client: Client) -> None:
    for password in ("wrong", "correct horse battery"):
        client.post(reverse("account_login"), {"login": "owner@firm.example", "password": password})
    client.post(reverse("account_logout"))
    assert [(action, actor) for action, actor, _ in told()] == [
        ("person.sign_in_failed", ""),
        ("person.signed_in", "owner@firm.example"),
        ("person.signed_out", "owner@firm.example"),
    ]
    assert AuditEvent.objects.get(action="person.sign_in_failed").details == {"tried": "owner@firm.example"}


def test_a_question_is_told_without_its_words(cast: Cast) -> None:
    from tests.rows import make_answer

    answer = make_answer(cast, make_document(cast), "Five years.")
    record(Action.PROMPT_SEEN, answer, workspace=cast.workspace)
    event = AuditEvent.objects.get()
    assert (event.object_type, event.object_id, event.object_name) == ("answer", str(answer.pk), "")


def test_asking_asking_again_and_stopping_are_told(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "_plan", lambda *_: {"mode": "whole"})
    monkeypatch.setattr(ask, "llm_get", lambda *_, **__: LLM("q", "Qwen", "", 32768, 800))
    document = make_document(cast).document
    with acting("page", cast.editor):
        answer = ask.question_ask(
            workspace=cast.workspace, user=cast.editor, text="A secret plan?", documents=[document], llm="q"
        )
        ask.answer_stop(answer)
        ask.answer_regenerate(answer.question, llm="q")
    assert [each[:2] for each in told()] == [
        ("question.asked", "editor@firm.example"),
        ("answer.stopped", "editor@firm.example"),
        ("answer.regenerated", "editor@firm.example"),
    ]
    assert AuditEvent.objects.get(action="question.asked").details == {
        "purpose": "question",
        "llm": "q",
        "mode": "auto",
    }
    assert "secret" not in json.dumps(list(AuditEvent.objects.values("details", "object_name")))


def test_sealed_entries_are_sent_on_once(cast: Cast, caplog, django_capture_on_commit_callbacks) -> None:
    record(Action.EXPORTED, cast.workspace, workspace=cast.workspace, by=cast.owner)
    with caplog.at_level(logging.INFO, "lectern.audit"):
        for _ in range(2):
            with django_capture_on_commit_callbacks(execute=True):
                seal()
    [line] = [json.loads(each.message) for each in caplog.records if each.name == "lectern.audit"]
    assert (line["number"], line["actor"], line["hash"]) == (1, "owner@firm.example", AuditEvent.objects.get().hash)


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_make_one_chain() -> None:
    def write() -> None:
        for _ in range(20):
            with transaction.atomic():
                record(Action.EXPORTED)
        connection.close()

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    seal()
    assert (verify().count, verify().problems) == (80, [])


def test_the_command_prints_the_head_or_fails(cast: Cast, capsys) -> None:
    events = some(cast)
    call_command("verify_audit", head=events[2].hash)
    assert capsys.readouterr().out == f"5 entries, whole. Last hash: {events[-1].hash}\n"
    without_guard("UPDATE workspaces_auditevent SET actor = 'x' WHERE number = 2")
    with pytest.raises(CommandError, match="Entry 2 was changed"):
        call_command("verify_audit")


def test_owners_filter_and_export_their_own_entries(cast: Cast, client: Client) -> None:
    some(cast, 2)
    record(
        Action.DOCUMENT_DELETED, make_document(cast, "=lease.pdf").document, workspace=cast.workspace, by=cast.editor
    )
    recipes.workspace_create(owner=cast.outsider, name="Secret matter")
    client.force_login(cast.owner)
    page = client.get("/w/firm/audit/?who=editor").content.decode()
    assert "=lease.pdf" in page
    assert "Secret matter" not in client.get("/w/firm/audit/").content.decode()
    rows = json.loads(b"".join(client.get("/w/firm/audit.json?what=document")))
    assert [(row["actor"], row["action"]) for row in rows] == [("editor@firm.example", "document.deleted")]
    lines = b"".join(client.get("/w/firm/audit.csv")).decode().splitlines()
    assert lines[0].startswith("number,at,actor,via,address")
    assert len(lines) == 5  # the head, three entries, and the export before this one
    assert "'=lease.pdf" in lines[2]


def test_the_page_is_cut_and_goes_on(cast: Cast, client: Client, django_assert_max_num_queries) -> None:
    some(cast, 120)
    client.force_login(cast.owner)
    with django_assert_max_num_queries(12):
        first = client.get("/w/firm/audit/")
    last = first.context["events"][-1][0].pk
    assert len(first.context["events"]) == 50
    second = client.get(f"/w/firm/audit/?{first.context['older']}")
    assert [event.pk for event, _, _ in second.context["events"]][:1] == [last - 1]
    assert len(client.get(f"/w/firm/audit/?{second.context['older']}").context["events"]) == 20
