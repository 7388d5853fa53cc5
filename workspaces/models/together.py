"""Comments, and the notifications that people get."""

from __future__ import annotations

import uuid

from django.db import models

from workspaces.models.people import User
from workspaces.models.workspace import Workspace


class Comment(models.Model):
    """A remark on an answer, a question, a document or a span of one; `parent` is set for a reply.

    Exactly one of answer, question and document is set; a reply has its parent's. version, start_char, end_char: the
    span of a document's text that is meant, null for all of it. assignee: who is to see to it. resolved_at: null while
    it is open; a thread is resolved by its first comment.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    question = models.ForeignKey("analysis.Question", on_delete=models.CASCADE, null=True, related_name="comments")
    answer = models.ForeignKey("analysis.Answer", on_delete=models.CASCADE, null=True, related_name="comments")
    document = models.ForeignKey("analysis.Document", on_delete=models.CASCADE, null=True, related_name="comments")
    version = models.ForeignKey("analysis.DocumentVersion", on_delete=models.CASCADE, null=True, related_name="+")
    start_char = models.PositiveIntegerField(null=True)
    end_char = models.PositiveIntegerField(null=True)
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="replies")
    text = models.TextField()
    mentioned = models.ManyToManyField(User, related_name="+")
    assignee = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="assigned_comments")
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["workspace", "-created_at"])]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(question__isnull=False, answer=None, document=None)
                | models.Q(question=None, answer__isnull=False, document=None)
                | models.Q(question=None, answer=None, document__isnull=False),
                name="comment_on_one_thing",
            )
        ]

    def __str__(self) -> str:
        return self.text[:80]


class NotificationKind(models.TextChoices):
    """What a person is told of."""

    MENTIONED = "mentioned"
    REPLIED = "replied"
    COMMENTED = "commented"
    ASSIGNED = "assigned"
    RESOLVED = "resolved"
    APPROVED = "approved"
    ANSWERED = "answered"
    BUDGET = "budget"


class Notification(models.Model):
    """Something that one person is told once. What it is about leads to the page; access is asked again there.

    read_at: null until they saw it. mailed_at: null until a digest had it.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12, choices=NotificationKind.choices)
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, null=True, related_name="+")
    question = models.ForeignKey("analysis.Question", on_delete=models.CASCADE, null=True, related_name="+")
    document = models.ForeignKey("analysis.Document", on_delete=models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "-created_at"]),
            models.Index(fields=["user"], name="notifications_unread", condition=models.Q(read_at=None)),
        ]
