"""The administration: what staff may see and change."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from analysis.models import DocumentVersion
from tests.rows import make_answer, make_document
from workspaces.models import User

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
