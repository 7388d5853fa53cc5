"""What is deleted is gone: from every table, from Valkey and from the disk. The audit log keeps a name and an id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from analysis import progress
from analysis.answer.ask import answer_regenerate, question_ask, summary_ask
from analysis.answer.read_once import read_ahead
from analysis.answer.run import answer_run
from analysis.ingest import run as ingest
from analysis.ingest.render import pages_folder
from analysis.ingest.repository import repository_delete
from analysis.ingest.upload import document_delete, document_upload
from analysis.llm import client
from analysis.models import Answer, Document
from analysis.types import Mode
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM
from tests.conftest import Cast
from tests.rows import make_repository
from tests.traces import traces
from workspaces.leaving import account_delete
from workspaces.models import ApiToken, Comment, Member, Notification, User, WebHook
from workspaces.recipes import workspace_delete
from workspaces.tasks import clear_workspace

pytestmark = pytest.mark.django_db(transaction=True)

# No word of any language: the index keeps the stems of words, and of these there is none shorter.
WORD, NAME, ASKED, WRITTEN, SAID = "zqorvyx", "zqnavyx", "zqaskyx", "zqwrityx", "zqsayx"
CANARIES = (WORD, NAME, ASKED, WRITTEN, SAID)
FILES = {"src/shop.py": f"def {WORD}():\n    return 1\n", "README.md": f"# {WORD}\n"}
TEXT = f"SUPPLY AGREEMENT\n\n1. Term\n\nThe term of {WORD} is five years. Delaware law governs {WORD}.\n"


@pytest.fixture(autouse=True)
def a_house_of_its_own(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words_as_meaning: None, bundled_llm: ScriptedLLM
) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr(client, "BACKOFF_SECONDS", 0.001)
    found = f'{{"quotes": ["The term of {WORD} is five years."]}}'
    bundled_llm.replies = [Reply(words=[found if n == 1 else f"The term of {WORD} is {WRITTEN}."]) for n in range(12)]


def document(cast: Cast) -> Document:
    """Return a document that was read in, read once and drawn."""
    file = ContentFile(TEXT.encode())
    row = document_upload(workspace=cast.workspace, user=cast.owner, name=f"{NAME}.txt", file=file).document
    ingest.ingest(row.version_id)
    row.refresh_from_db()
    folder = pages_folder(row.version)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "1.webp").write_bytes(WORD.encode())
    return row


def derived(cast: Cast, row: Document, *more: Document) -> list[Answer]:
    """Ask, sum up, comment and read ahead: have all that is made from a document made from this one."""
    read_ahead(row.version_id)
    asked = {"workspace": cast.workspace, "user": cast.owner, "text": f"What is {ASKED}?"}
    answers = [question_ask(**asked, documents=[row, *more], mode=mode) for mode in (Mode.WHOLE, Mode.SWEEP)]
    answers += [] if more else [summary_ask(document=row, user=cast.owner)]
    for answer in answers:
        answer_run(str(answer.pk))
    answers.append(answer_regenerate(answers[0].question))
    answer_run(str(answers[-1].pk))
    for place in ({"document": row}, {"answer": answers[0]}, {"question": answers[1].question}):
        comment = Comment.objects.create(workspace=cast.workspace, author=cast.editor, text=SAID, **place)
        Notification.objects.create(workspace=cast.workspace, user=cast.owner, kind="commented", comment=comment)
    review = row.version.clause_reviews.create(checklist="contract", status="done", asked_at=timezone.now())
    progress.emit(progress.review_stream(review.pk), "progress", {"message": WORD})
    review.findings.create(clause="law", ordinal=0, start_char=0, end_char=5, probability=0.9, value={"text": WORD})
    return answers


def ids(row: Document, answers: list[Answer]) -> list[str]:
    return [str(row.pk), *(str(answer.pk) for answer in answers), *{str(answer.question_id) for answer in answers}]


def test_of_a_deleted_document_nothing_is_left(cast: Cast) -> None:
    row = document(cast)
    answers = derived(cast, row)
    sought = [*CANARIES, *ids(row, answers)]
    everywhere = traces(sought)
    for kind in ("analysis_chunk.", "analysis_versiontext.", "analysis_posting.", "key lectern:answer:", "file "):
        assert any(kind in place for place in everywhere), kind
    for word in CANARIES:
        assert any(place.endswith(word) for place in everywhere), word
    document_delete(row)
    assert [place for place in traces(sought) if not told_to_lists(place)] == []


def told_to_lists(place: str) -> bool:
    """Return whether this is the live list's word that a row came or went: an id, for a day."""
    return place.startswith("key lectern:workspace:") or place.startswith("key lectern:celery:")


def test_of_a_deleted_repository_nothing_is_left(cast: Cast) -> None:
    repository = make_repository(
        cast, {"src/shop.py": f"def {WORD}():\n    return 1\n", "README.md": f"# {WORD}\n"}, NAME
    )
    answer = question_ask(
        workspace=cast.workspace, user=cast.owner, text=f"What is {ASKED}?", documents=[], repositories=[repository]
    )
    answer_run(str(answer.pk))
    gone = [WORD, NAME, ASKED, WRITTEN, "src/shop.py", str(repository.pk), str(answer.pk)]
    assert {place.rpartition(" ")[2] for place in traces(gone)} == set(gone)
    repository_delete(repository)
    assert [place for place in traces(gone) if not told_to_lists(place)] == []


def test_of_a_deleted_workspace_and_account_nothing_is_left(cast: Cast) -> None:
    row = document(cast)
    answers = derived(cast, row)
    make_repository(cast, FILES, NAME)
    user = User.objects.create_user(f"{NAME}@firm.example", "correct horse battery")
    Member.objects.create(workspace=cast.workspace, user=user, role="editor")
    ApiToken.issue(user=user, name=SAID)
    WebHook.objects.create(workspace=cast.workspace, name=SAID, url=f"https://{WORD}.example/", secret="s")
    account_delete(user)
    # What other systems were told of it is listed with them for a while, as the audit log has it.
    assert [place for place in traces([user.email]) if not place.startswith("workspaces_hookdelivery.")] == []
    workspace_delete(cast.workspace)
    clear_workspace(cast.workspace.pk)
    assert [place for place in traces([*CANARIES, *ids(row, answers)]) if not told_to_lists(place)] == []
