"""Questions, and summaries, which are questions that Lectern puts."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy


class Purpose(models.TextChoices):
    """What is wanted."""

    QUESTION = "question", gettext_lazy("Question")
    SUMMARY = "summary", gettext_lazy("Summary")
    CHANGES = "changes", gettext_lazy("What changed")


class Question(models.Model):
    """A question put to documents, repositories and folders. None chosen means the whole workspace
    (`across_workspace`): what lies in no closed folder, and in those closed ones that are among `folders`, which the
    asker saw. Who does not see all of its folders does not see the question.

    path: of a question about one repository, the folder or file that it is about; "" for all of it. snapshot_from,
    snapshot_to: of what changed, the older and the newer. parent: the question this one follows up; its answer is
    part of the prompt's history. shared: whether others see it, as far as they see what it is about; else only its
    asker does.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="questions")
    asker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.QUESTION)
    text = models.TextField()
    documents = models.ManyToManyField("analysis.Document", related_name="questions")
    repositories = models.ManyToManyField("analysis.Repository", related_name="questions")
    folders = models.ManyToManyField("workspaces.Folder", related_name="questions")
    path = models.CharField(max_length=1000, blank=True, default="")
    snapshot_from = models.ForeignKey("analysis.Snapshot", on_delete=models.CASCADE, null=True, related_name="+")
    snapshot_to = models.ForeignKey("analysis.Snapshot", on_delete=models.CASCADE, null=True, related_name="+")
    across_workspace = models.BooleanField(default=False)
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="follow_ups")
    shared = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["workspace", "-created_at"])]

    def __str__(self) -> str:
        return self.text[:80]
