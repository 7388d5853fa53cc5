"""Questions, and summaries, which are questions that Lectern puts."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class Purpose(models.TextChoices):
    """What is wanted."""

    QUESTION = "question", "Question"
    SUMMARY = "summary", "Summary"


class Question(models.Model):
    """A question put to documents. No documents chosen means the whole workspace (`across_workspace`).

    parent: the question this one follows up; its answer is part of the prompt's history.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="questions")
    asker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.QUESTION)
    text = models.TextField()
    documents = models.ManyToManyField("analysis.Document", related_name="questions")
    across_workspace = models.BooleanField(default=False)
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="follow_ups")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["workspace", "-created_at"])]

    def __str__(self) -> str:
        return self.text[:80]
