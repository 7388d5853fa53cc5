"""What can be told to a web hook."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class HookEvent(models.TextChoices):
    """An event. Those whose names are actions of the audit log are told when the log is written."""

    DOCUMENT_READY = "document.ready", _("A document has been read in")
    DOCUMENT_FAILED = "document.failed", _("A document could not be read in")
    DOCUMENT_DELETED = "document.deleted", _("A document was deleted")
    REPOSITORY_READY = "repository.ready", _("A version of a repository has been read in")
    REPOSITORY_FAILED = "repository.failed", _("A version of a repository could not be read in")
    QUESTION_ASKED = "question.asked", _("A question was asked")
    ANSWER_DONE = "answer.done", _("An answer is finished")
    ANSWER_FAILED = "answer.failed", _("An answer has failed")
    ANSWER_APPROVED = "answer.approved", _("An answer was approved")
    COMMENT_CREATED = "comment.created", _("A comment was written")
    MEMBER_JOINED = "member.joined", _("Somebody has joined")
    MEMBER_REMOVED = "member.removed", _("Somebody was removed")
    POLICY_CHANGED = "policy.changed", _("The policy was changed")
    AUDIT = "audit", _("Every entry of the audit log")


TEST = "test"  # sent by a button, whatever a web hook wants
NAMES = {"workspace.policy_changed": HookEvent.POLICY_CHANGED}


def event_of(action: str) -> HookEvent | None:
    """Return the event that an action of the audit log is, None for one that is told as `audit` alone."""
    return NAMES.get(action) or next((event for event in HookEvent if event.value == action), None)
