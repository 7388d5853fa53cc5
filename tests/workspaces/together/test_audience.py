"""Who sees a thing, asked of the thing, is who is let in to it, asked of each person."""

from __future__ import annotations

import itertools

import pytest

from analysis.models import Document, Question
from tests.analysis.views.repositories import repository_of
from tests.conftest import Cast
from tests.rows import make_document
from tests.workspaces.together.rows import closed_folder, join, place_of
from workspaces.access import memberships_for, questions_for, searched_for
from workspaces.models import Folder, FolderSight, Member, Policy, Role
from workspaces.together.audience import members_who_see


@pytest.fixture
def people(cast: Cast) -> list[Member]:
    guest = join(cast, "guest", Role.REVIEWER, guest=True)
    service = join(cast, "robot")
    service.user.service_of = cast.workspace
    service.user.save()
    gone = join(cast, "gone")
    gone.user.is_active = False
    gone.user.save()
    return [*(place_of(cast, getattr(cast, role)) for role in Role.values), guest]


@pytest.fixture
def folders(cast: Cast, people: list[Member]) -> list[Folder | None]:
    editor, guest = (next(each for each in people if each.user.email.startswith(name)) for name in ("editor", "guest"))
    opened = Folder.objects.create(workspace=cast.workspace, name="Open")
    FolderSight.objects.create(folder=opened, member=guest)
    return [None, opened, closed_folder(cast, editor)]


def test_documents(cast, people, folders):
    for folder in folders:
        document = make_document(cast).document
        Document.objects.filter(pk=document.pk).update(folder=folder)
        document.refresh_from_db()
        expected = {each.pk for each in people if searched_for(each).filter(pk=document.pk).exists()}
        assert {each.pk for each in members_who_see(document)} == expected


def test_questions(cast, people, folders):
    documents = [make_document(cast).document for _ in folders]
    for document, folder in zip(documents, folders, strict=True):
        Document.objects.filter(pk=document.pk).update(folder=folder)
    repository = repository_of(cast, {"a.py": "a = 1\n"})
    type(repository).objects.filter(pk=repository.pk).update(folder=folders[2])
    put_to = [[], documents[:1], documents[1:2], documents[2:], documents]
    for shared, across, chosen, code, whole in itertools.product(
        (True, False), (True, False), put_to, ([], [repository]), ([], folders[2:])
    ):
        question = Question.objects.create(
            workspace=cast.workspace, asker=cast.editor, text="?", shared=shared, across_workspace=across
        )
        question.documents.set(chosen)
        question.repositories.set(code)
        question.folders.set(whole)
        expected = {each.pk for each in people if questions_for(each).filter(pk=question.pk).exists()}
        assert {each.pk for each in members_who_see(question)} == expected, (shared, across, chosen, code, whole)


def test_domains_that_are_let_in(cast, people):
    Policy.objects.create(workspace=cast.workspace, sign_in_domains=["other.example"])
    document = make_document(cast).document
    assert [each for each in people if memberships_for(each.user).exists()] == []
    assert members_who_see(document) == []
