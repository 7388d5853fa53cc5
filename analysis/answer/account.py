"""Whom an answer's calls to a language model are for."""

from __future__ import annotations

from analysis.models import Answer, Purpose
from analysis.types import Account, CallPurpose


def account_of(answer: Answer) -> Account:
    """Return whom the answer's calls are for."""
    question = answer.question
    documents = list(question.documents.values_list("pk", flat=True)[:2])
    return Account(
        purpose=CallPurpose.QUESTION if question.purpose == Purpose.QUESTION else CallPurpose.SUMMARY,
        workspace_id=question.workspace_id,
        user_id=question.asker_id,
        answer_id=str(answer.pk),
        document_id=str(documents[0]) if len(documents) == 1 and not question.repositories.exists() else None,
    )
