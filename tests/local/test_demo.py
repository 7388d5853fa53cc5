"""The demo workspace and its sample documents."""

from __future__ import annotations

from pathlib import Path

import pypdf
import pytest
from django.test import Client

from analysis.models import Document
from local.demo import EMAIL, demo_create
from local.samples import NAMES, build, sample_paths
from tests.conftest import Cast
from workspaces.models import Member, Role, User


def test_an_empty_database_gets_a_person_a_workspace_and_the_samples(client: Client, db: None) -> None:
    token = demo_create()
    place = Member.objects.select_related("user", "workspace").get()
    assert (place.user.email, place.role, place.workspace.name) == (EMAIL, Role.OWNER, "Demo")
    assert not place.user.has_usable_password()
    assert (place.user.is_staff, place.user.is_superuser) == (True, True)
    documents = Document.objects.order_by("-name").values_list("name", "uploaded_by__email", "workspace__name")
    assert list(documents) == [(name, EMAIL, "Demo") for name in NAMES]
    client.post(f"/start/{token}/", follow=True)
    client.get(f"/start/{token}/", follow=True)
    assert client.session["_auth_user_id"] == str(place.user.pk)


def test_a_second_start_makes_nothing_again(db: None) -> None:
    demo_create()
    Document.objects.all().delete()
    assert demo_create() != ""
    assert User.objects.count() == 1
    assert not Document.objects.exists()


def test_a_team_s_own_database_is_left_alone(cast: Cast) -> None:
    assert demo_create() == ""
    assert not User.objects.filter(email=EMAIL).exists()


@pytest.mark.parametrize("number", [0, 1])
def test_a_sample_is_what_its_text_is_set_as(number: int, tmp_path: Path) -> None:
    shipped = sample_paths()[number]
    assert shipped.name == NAMES[number]
    source = Path(build.__file__).parent / build.SOURCES[number]
    build.build(source, tmp_path / "built.pdf")
    built, kept = pypdf.PdfReader(tmp_path / "built.pdf"), pypdf.PdfReader(shipped)
    assert [page.extract_text() for page in built.pages] == [page.extract_text() for page in kept.pages]
    assert len(kept.pages) == [10, 2][number]


def test_the_agreement_has_the_clauses_that_people_are_shown() -> None:
    reader = pypdf.PdfReader(sample_paths()[0])
    text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    assert "(b) Provider shall not exceed the estimate in a Statement of Work by more than ten percent (10%)" in text
    assert "This Agreement is governed by the laws of the State of New York" in text
    assert "99.5% or more, but less than 99.9% 5%" in text
    assert [entry.title for entry in reader.outline][:3] == [
        "RECITALS", "ARTICLE 1. DEFINITIONS AND INTERPRETATION", "ARTICLE 2. SERVICES",
    ]  # fmt: skip
