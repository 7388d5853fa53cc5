"""The administration: what staff may see and change."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from analysis.models import DocumentVersion, Repository
from tests.rows import make_answer, make_document
from workspaces.models import AuditEvent, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(cast) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@firm.example", "correct horse battery"))
    return client


def test_documents_are_watched_not_changed(cast, staff):
    version = make_document(cast)
    version.password = "the password of the file"
    version.error_code = "damaged"
    version.save()
    path = reverse("admin:analysis_documentversion_change", args=[version.pk])
    page = staff.get(path).content.decode()
    assert "damaged" in page
    assert "the password of the file" not in page
    assert staff.post(path, {"status": "failed"}).status_code == 403
    assert staff.post(path.replace("change", "delete")).status_code == 403
    assert DocumentVersion.objects.get().status == "ready"


def test_answers_show_how_they_stand_not_what_they_say(cast, staff):
    answer = make_answer(cast, make_document(cast), "The term is five years.")
    page = staff.get(reverse("admin:analysis_answer_change", args=[answer.pk])).content.decode()
    assert "test-llm" in page
    assert "five years" not in page
    assert "How long?" not in page


def test_people_are_switched_off_not_deleted(cast, staff):
    assert staff.post(reverse("admin:workspaces_user_delete", args=[cast.viewer.pk])).status_code == 403
    assert staff.post(reverse("admin:workspaces_workspace_delete", args=[cast.workspace.pk])).status_code == 403


def test_a_person_is_added_by_email(cast, staff):
    data = {
        "email": "New@Firm.example",
        "usable_password": "true",
        "password1": "horse battery!",
        "password2": "horse battery!",
    }
    assert staff.post(reverse("admin:workspaces_user_add"), data).status_code == 302
    user = User.objects.get(email="new@firm.example")
    assert user.check_password("horse battery!")
    assert not user.is_staff


def test_no_digest_of_a_token_is_shown(cast, staff):
    from workspaces.models import ApiToken

    token, secret = ApiToken.issue(user=cast.owner, name="script")
    page = staff.get(reverse("admin:workspaces_apitoken_change", args=[token.pk])).content.decode()
    assert "script" in page
    assert token.token_digest not in page
    assert secret not in page


def test_no_key_of_an_endpoint_is_shown(staff):
    from analysis.models import Endpoint

    place = Endpoint.objects.create(name="Moonshot", base_url="https://api.moonshot.ai/v1", key="sk-very-secret")
    page = staff.get(reverse("admin:analysis_endpoint_change", args=[place.pk])).content.decode()
    assert "https://api.moonshot.ai/v1" in page
    assert "sk-very-secret" not in page
    assert place.key not in staff.get(reverse("admin:analysis_endpoint_changelist")).content.decode()


def send_again(staff: Client, kind: str, *rows: object) -> list[str]:
    """Return what the page says after these rows were sent again."""
    path = reverse(f"admin:analysis_{kind}_changelist")
    data = {"action": "send_again", "_selected_action": [str(row.pk) for row in rows]}
    return [str(message) for message in staff.post(path, data, follow=True).context["messages"]]


def test_what_has_failed_is_sent_again_by_its_recipe(cast, staff, django_capture_on_commit_callbacks):
    failed, ready = make_document(cast), make_document(cast, "ready.pdf")
    DocumentVersion.objects.filter(pk=failed.pk).update(status="failed", error_code="damaged", attempts=4)
    with django_capture_on_commit_callbacks() as sent:
        said = send_again(staff, "documentversion", failed, ready)
    assert said == ["1 on the way to a worker again.", "1 had not failed, or could not be sent again."]
    failed.refresh_from_db()
    assert (failed.status, failed.error_code, failed.attempts) == ("queued", "", 0)
    assert sent
    assert AuditEvent.objects.latest("pk").action == "installation.sent_again"


def test_what_a_dead_worker_left_is_sent_to_another(cast, staff):
    version = make_document(cast)
    long_ago = timezone.now() - timedelta(hours=1)
    DocumentVersion.objects.filter(pk=version.pk).update(status="ingesting", lease_expires_at=long_ago)
    path = reverse("admin:analysis_documentversion_changelist")
    assert version in staff.get(f"{path}?stands=left").context["cl"].queryset
    assert version not in staff.get(f"{path}?stands=waiting").context["cl"].queryset
    assert send_again(staff, "documentversion", version)[0] == "What dead workers have left is on its way to others."
    version.refresh_from_db()
    assert version.status == "queued"
    DocumentVersion.objects.filter(pk=version.pk).update(created_at=long_ago)
    assert version in staff.get(f"{path}?stands=waiting").context["cl"].queryset


def test_who_may_only_look_sends_nothing_again(cast):
    version = make_document(cast)
    DocumentVersion.objects.filter(pk=version.pk).update(status="failed")
    watcher = User.objects.create_user("watcher@firm.example", is_staff=True)
    watcher.user_permissions.add(Permission.objects.get(codename="view_documentversion"))
    client = Client()
    client.force_login(watcher)
    assert send_again(client, "documentversion", version) == []
    version.refresh_from_db()
    assert version.status == "failed"


def test_a_failed_answer_gets_a_further_one(cast, staff, monkeypatch):
    asked = []
    monkeypatch.setattr("workspaces.admin.answer_regenerate", lambda question, **more: asked.append((question, more)))
    answer = make_answer(cast, make_document(cast), "", status="failed")
    assert send_again(staff, "answer", answer) == ["1 on the way to a worker again."]
    assert asked == [(answer.question, {"mode": "auto", "llm": "test-llm"})]


@pytest.mark.parametrize("kind", ["documentversion", "answer", "snapshot", "clausereview", "reading", "document"])
def test_a_list_takes_as_many_queries_with_many_rows(cast, staff, kind):
    def add(number: int) -> None:
        version = make_document(cast, f"{number}.pdf")
        make_answer(cast, version, "", status="failed")
        version.clause_reviews.create(checklist="contract", status="done", asked_at=timezone.now())
        version.readings.create(llm="q", prompt_version=1)
        code = Repository.objects.create(workspace=cast.workspace, name=f"shop {number}")
        code.snapshots.create(origin="folder")

    path = reverse(f"admin:analysis_{kind}_changelist")
    add(0)
    staff.get(path)
    with CaptureQueriesContext(connection) as few:
        staff.get(path)
    for number in range(1, 5):
        add(number)
    with CaptureQueriesContext(connection) as many:
        assert staff.get(path).status_code == 200
    assert len(many) == len(few)
