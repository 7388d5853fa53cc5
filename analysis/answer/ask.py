"""Putting a question: its row, its first answer, and the answer's way to a worker. And stopping one."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext

from analysis import progress
from analysis.answer import material
from analysis.answer.alternatives import Wanted, plan_or_advise
from analysis.answer.precedence import queue_of
from analysis.errors import UserError
from analysis.llm.budget import Purse
from analysis.llm.catalogue import LLM
from analysis.llm.registry import llm_get
from analysis.models import Answer, AnswerStatus, Document, IngestStatus, Purpose, Question, Repository, Snapshot
from analysis.models.answer import OPEN_STATUSES
from analysis.types import Mode
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.models import Folder, User, Workspace

LONGEST_QUESTION = 10_000  # characters
READY = {"version__status": IngestStatus.READY}
STOP_SECONDS = 3600  # how long a request to stop waits for the worker that has to see it


def question_ask(
    *,
    workspace: Workspace,
    user: User | None,
    text: str,
    documents: Sequence[Document] = (),
    repositories: Sequence[Repository] = (),
    folders: Sequence[Folder] = (),
    path: str = "",
    shared: bool = True,
    mode: Mode = Mode.AUTO,
    llm: str = "",
    parent: Question | None = None,
) -> Answer:
    """Return the answer that will be written to a new question; neither documents nor repositories nor folders means
    all of the workspace that the person sees.

    shared: whether others see it, as far as they see what it is put to. path: the folder or file of the one repository
    that it is about. A follow-up with none of them is put to what its parent was. Raises UserError: empty_question,
    question_too_long, no_documents, unknown_path, unknown_llm, unknown_mode, does_not_fit.
    """
    with transaction.atomic():
        asked = question_put(
            workspace=workspace, user=user, text=text, documents=documents, repositories=repositories,
            folders=folders, path=path, shared=shared, parent=parent,
        )  # fmt: skip
        return answer_begin(asked, checked_mode(mode), llm_get(llm, workspace_id=workspace.pk))


def question_put(
    *,
    workspace: Workspace,
    user: User | None,
    text: str,
    documents: Sequence[Document] = (),
    repositories: Sequence[Repository] = (),
    folders: Sequence[Folder] = (),
    path: str = "",
    shared: bool = True,
    parent: Question | None = None,
) -> Question:
    """Return the new question, without an answer yet.

    A follow-up tells what was said before: it is private where its parent is, and where it is put to something else
    than its parent, of which others do not see all. Raises UserError: empty_question, question_too_long, unknown_path.
    """
    text = _checked_text(text)
    places = {each.workspace_id for rows in (documents, repositories, folders) for each in rows}
    if (places | ({parent.workspace_id} if parent else set())) - {workspace.pk}:
        raise ValueError("what a question is put to and its parent cannot be of another workspace")
    scope = material.scope_of(parent) if parent and not (documents or repositories or folders) else None
    if parent is not None:
        shared = shared and parent.shared and (scope is not None or not _walled(parent))
    if scope is None:
        scope = material.scope_for(
            workspace, user, documents=documents, repositories=repositories, folders=folders,
            path=checked_path(repositories, path),
        )  # fmt: skip
    asked = Question(
        workspace=workspace, asker=user, text=text, parent=parent, path=scope.path, shared=shared,
        across_workspace=scope.everything,
    )  # fmt: skip
    asked.save()
    asked.documents.set(scope.documents)
    asked.repositories.set(scope.repositories)
    asked.folders.set(scope.folders)
    return asked


def _walled(question: Question) -> bool:
    """Return whether something that the question was put to lies in a closed folder."""
    scope = material.scope_of(question)
    lying = (scope.rows(), scope.repository_rows())
    return any(folder.closed for folder in scope.folders) or any(
        rows.filter(folder__closed=True).exists() for rows in lying
    )


def summary_ask(*, document: Document, user: User | None, llm: str = "") -> Answer:
    """Return the answer that will hold the document's summary: the one being written now, or a new one."""
    chosen = llm_get(llm, workspace_id=document.workspace_id)
    with transaction.atomic():
        Document.objects.select_for_update().get(pk=document.pk)
        asked = Question.objects.filter(purpose=Purpose.SUMMARY, documents=document).order_by("created_at").first()
        if asked is None:
            asked = Question.objects.create(
                workspace=document.workspace, asker=user, purpose=Purpose.SUMMARY, text=f"Summary of {document.name}"
            )
            asked.documents.set([document])
        running = asked.answers.filter(status__in=OPEN_STATUSES).first()
        return running or answer_begin(asked, Mode.AUTO, chosen)


def repository_summary_ask(*, repository: Repository, user: User | None, path: str = "", llm: str = "") -> Answer:
    """Return the answer that will hold the summary of the repository, or of a folder or file of it: the one being
    written now, or a new one. Raises UserError unknown_path, unknown_llm.
    """
    path = checked_path([repository], path)
    subject = f"{path} in {repository.name}" if path else repository.name
    wanted = {"purpose": Purpose.SUMMARY, "path": path, "text": f"Summary of {subject}"}
    return _asked_once(repository, user, wanted, llm)


def changes_ask(*, old: Snapshot, new: Snapshot, user: User | None, llm: str = "") -> Answer:
    """Return the answer that will say what changed between two snapshots of a repository and why it matters: the one
    being written now, or a new one. Raises UserError unknown_llm, no_documents unless both are ready.
    """
    if old.repository_id != new.repository_id:
        raise ValueError("snapshots of different repositories cannot be compared")
    text = f"What changed in {new.repository.name} from {old.label} to {new.label}, and why it matters"
    wanted = {"purpose": Purpose.CHANGES, "snapshot_from": old, "snapshot_to": new, "text": text}
    return _asked_once(new.repository, user, wanted, llm)


def _asked_once(repository: Repository, user: User | None, wanted: dict[str, Any], llm: str) -> Answer:
    """Return the open answer to the question that Lectern puts of a repository, or a new one; the question is one."""
    chosen = llm_get(llm)
    with transaction.atomic():
        Repository.objects.select_for_update().only("pk").get(pk=repository.pk)
        same = {name: value for name, value in wanted.items() if name != "text"}
        asked = Question.objects.filter(repositories=repository, **same).order_by("created_at").first()
        if asked is None:
            asked = Question.objects.create(workspace=repository.workspace, asker=user, **wanted)
            asked.repositories.set([repository])
        running = asked.answers.filter(status__in=OPEN_STATUSES).first()
        return running or answer_begin(asked, Mode.AUTO, chosen)


def answer_regenerate(question: Question, *, mode: Mode = Mode.AUTO, llm: str = "") -> Answer:
    """Return a further answer to the question; one that is still being written is stopped."""
    chosen = llm_get(llm, workspace_id=question.workspace_id)
    for answer in question.answers.filter(status__in=OPEN_STATUSES):
        answer_stop(answer)
    with transaction.atomic():
        return answer_begin(question, checked_mode(mode), chosen)


def answer_stop(answer: Answer) -> None:
    """Stop an answer: at once if it has not begun, else within a second, keeping what has been written."""
    rows = Answer.objects.filter(pk=answer.pk)
    unbegun = rows.filter(status__in=[AnswerStatus.WAITING, AnswerStatus.QUEUED])
    record(Action.ANSWER_STOPPED, answer, workspace=answer.question.workspace)
    if unbegun.update(status=AnswerStatus.STOPPED, stop_requested=True, finished_at=timezone.now()):
        emit_end(answer, "done", {"status": AnswerStatus.STOPPED.value})
    elif rows.filter(status=AnswerStatus.RUNNING).update(stop_requested=True):
        # The row tells a worker that comes later; the key tells the one that is writing now.
        progress.connection().set(stop_key(answer.pk), 1, ex=STOP_SECONDS)


def release_waiting(settled: Document | Repository) -> None:
    """Start the answers that waited for this document or repository, ready or failed by now, and for nothing else."""
    put_to = Q(question__documents=settled) if isinstance(settled, Document) else Q(question__repositories=settled)
    if settled.folder_id is not None:
        put_to |= Q(question__folders=settled.folder_id)
    waiting = Answer.objects.filter(status=AnswerStatus.WAITING).filter(
        put_to | Q(question__across_workspace=True, question__workspace=settled.workspace_id)
    )
    for answer in waiting.select_related("question__workspace").distinct():
        release_if_ready(answer)


def release_if_ready(answer: Answer) -> None:
    """Send a waiting answer to a worker if what it was put to is settled, else say what it waits for."""
    names = waited_for(answer.question)
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        words = f"Waiting for {', '.join(names[:3])}{more} to be read in"
        message = {"stage": "waiting", "message": words, "done": 0, "total": 0}
        progress.emit(progress.answer_stream(answer.pk), "progress", message)
    elif Answer.objects.filter(pk=answer.pk, status=AnswerStatus.WAITING).update(status=AnswerStatus.QUEUED):
        enqueue(answer)


def waited_for(question: Question) -> list[str]:
    """Return the names of what must be settled first: all that was chosen; across a workspace one ready document, or
    file of a repository, is enough.
    """
    names = [document.name for document in material.unsettled(_documents_of(question))]
    names += [repository.name for repository in material.unsettled_repositories(question)]
    if names and question.across_workspace and material.chosen(question).filter(**READY).exists():
        return []
    return names


def _documents_of(question: Question) -> QuerySet[Document]:
    """Return the documents of the question; the files of repositories are settled with these."""
    return material.chosen(question).filter(repository=None)


def enqueue(answer: Answer, *, countdown_seconds: float = 0) -> None:
    """Send the answer to a worker once the transaction is committed."""
    from analysis.tasks import run_answer

    send = functools.partial(run_answer.apply_async, args=[str(answer.pk)], queue=queue_of(answer))
    transaction.on_commit(functools.partial(send, countdown=countdown_seconds or None))


def emit_end(answer: Answer, name: str, data: dict[str, Any]) -> None:
    """Emit an answer's last event, and tell the workspace's live list. The row must be committed."""
    from workspaces.together.notify import answer_is_done

    progress.emit(progress.answer_stream(answer.pk), name, data)
    emit_listed(answer)
    if data.get("status") != AnswerStatus.STOPPED:
        answer_is_done(answer)


def emit_listed(answer: Answer) -> None:
    """Tell the workspace's live list that this answer's question should be drawn again."""
    stream = progress.workspace_stream(answer.question.workspace_id)
    progress.emit(stream, "question", {"id": str(answer.question_id)}, keep=1000)


def stop_key(answer_id: object) -> str:
    """Return the Redis key that is there while an answer should stop."""
    return f"lectern:stop:{answer_id}"


def checked_mode(mode: Mode | str) -> Mode:
    """Return the mode. Raises UserError unknown_mode."""
    try:
        return Mode(mode)
    except ValueError:
        known = ", ".join(known.value for known in Mode)
        raise UserError(
            gettext("There is no mode %(mode)s. You can use: %(known)s.")
            % {"mode": repr(str(mode)[:40]), "known": known},
            code="unknown_mode",
        ) from None


def _checked_text(text: str) -> str:
    text = text.replace("\x00", "").strip()
    if not text:
        raise UserError(gettext("Write a question first."), code="empty_question")
    if len(text) > LONGEST_QUESTION:
        raise UserError(
            gettext(
                "A question can be %(most)s characters long; this one has %(length)s. "
                "Longer text can be uploaded as a document."
            )
            % {"most": intcomma(LONGEST_QUESTION), "length": intcomma(len(text))},
            code="question_too_long",
        )
    return text


def checked_path(repositories: Sequence[Repository], path: str) -> str:
    """Return the path as it is kept: without slashes around it. Raises UserError unknown_path."""
    path = path.strip().strip("/")
    if not path:
        return ""
    if len(repositories) != 1:
        raise UserError(gettext("A path needs the one repository that it is in."), code="unknown_path")
    files = repositories[0].documents.filter(material.within(path))
    # Before the first snapshot is ready nobody knows which paths there are.
    if repositories[0].snapshot_id is not None and not files.exclude(version=None).exists():
        raise UserError(
            gettext("No file that is read in this repository is at %(path)s.") % {"path": repr(path[:200])},
            code="unknown_path",
        )
    return path


def answer_begin(question: Question, mode: Mode, llm: LLM) -> Answer:
    """Return a new answer row, on its way to a worker or waiting for its documents. Needs a transaction.

    Raises UserError budget_spent where the language model costs money and the workspace has none left this month.
    """
    Purse(llm, question.workspace_id).check()
    # The lock makes the numbers of two answers asked for at once follow each other.
    Question.objects.select_for_update().get(pk=question.pk)
    holding_up = waited_for(question)
    with translation.override(settings.LANGUAGE_CODE):  # what is stored has readers of other languages
        plan = {} if holding_up else _plan(question, mode, llm)
    answer = Answer.objects.create(
        question=question,
        number=(question.answers.aggregate(last=Max("number"))["last"] or 0) + 1,
        mode_requested=mode,
        mode=plan.get("mode", ""),
        llm=llm.id,
        plan=plan,
        status=AnswerStatus.WAITING if holding_up else AnswerStatus.QUEUED,
    )
    action = Action.QUESTION_ASKED if answer.number == 1 else Action.ANSWER_REGENERATED
    record(action, question, workspace=question.workspace, purpose=question.purpose, llm=llm.id, mode=mode.value)
    if holding_up:
        # Only once the row can be seen: a document that became ready meanwhile has looked for it in vain.
        transaction.on_commit(functools.partial(release_if_ready, answer))
    else:
        enqueue(answer)
    transaction.on_commit(functools.partial(emit_listed, answer))
    return answer


def _plan(question: Question, mode: Mode, llm: LLM) -> dict[str, Any]:
    if question.purpose == Purpose.CHANGES:
        from analysis.answer.changes import plan_changes

        return asdict(plan_changes(question, llm))
    if question.purpose == Purpose.SUMMARY and question.repositories.exists():
        from analysis.answer.repository_summary import plan_repository_summary

        return asdict(plan_repository_summary(question, material.ready(material.chosen(question)), llm))
    if question.purpose == Purpose.SUMMARY:
        from analysis.answer.summary import plan_summary

        return asdict(plan_summary(material.chosen(question)[0], llm))
    wanted = Wanted(material.scope_of(question), question.text, question.parent)
    return asdict(plan_or_advise(wanted, mode, llm))
