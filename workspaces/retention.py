"""What is kept too long by a workspace's policy, deleted."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from analysis.answer.forget import questions_delete
from analysis.ingest.repository import repository_delete
from analysis.ingest.upload import document_delete
from analysis.models import Call, Document, Question, Repository
from workspaces.models import Policy

BATCH = 200


def keep_to_policies() -> None:
    """Delete the documents, questions and prompts that are older than the policy of their workspace lets them be."""
    limited = ~Q(keep_documents_days=None) | ~Q(keep_answers_days=None) | ~Q(keep_prompts_days=None)
    for policy in Policy.objects.filter(limited):
        keep_to(policy)


def keep_to(policy: Policy) -> None:
    """Delete what one workspace has kept too long. Can be broken off and run again at any point."""
    here = policy.workspace_id
    if policy.keep_documents_days is not None:
        old = Document.objects.filter(
            workspace=here, repository=None, uploaded_at__lt=_before(policy.keep_documents_days)
        )
        for document in old.iterator(chunk_size=BATCH):
            document_delete(document)
        _forget_repositories(here, _before(policy.keep_documents_days))
    if policy.keep_answers_days is not None:
        _forget_questions(here, _before(policy.keep_answers_days))
    if policy.keep_prompts_days is not None:
        old_calls = Call.objects.filter(workspace=here, created_at__lt=_before(policy.keep_prompts_days))
        old_calls.exclude(prompt=[]).update(prompt=[])


def _forget_repositories(workspace_id: int, before: datetime) -> None:
    """Delete the repositories whose newest version came in before that: one that is kept up to date stays."""
    old = Repository.objects.filter(workspace=workspace_id, added_at__lt=before)
    for repository in old.exclude(snapshots__created_at__gte=before).iterator(chunk_size=BATCH):
        repository_delete(repository)


def _forget_questions(workspace_id: int, before: datetime) -> None:
    """Delete the questions whose newest answer is older than `before`, with their answers and streams."""
    old = Question.objects.filter(workspace=workspace_id, created_at__lt=before)
    old = old.exclude(answers__created_at__gte=before)
    while ids := list(old.values_list("pk", flat=True)[:BATCH]):
        questions_delete(Question.objects.filter(pk__in=ids))


def _before(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)
