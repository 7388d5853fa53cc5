"""Readings: a document that a model server has read once, with its state kept on disk."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy

from analysis.models.document import DocumentVersion
from analysis.models.lease import Leased


class ReadingStatus(models.TextChoices):
    """Where a background reading stands."""

    QUEUED = "queued", gettext_lazy("Waiting")
    READING = "reading", gettext_lazy("Being read")
    READ = "read", gettext_lazy("Read")
    FAILED = "failed", gettext_lazy("Failed")


class Reading(Leased):
    """The prompt prefix of one version, read by one LLM under one prompt version, saved as `file_name`.

    A change of LLM or prompt version makes another row. Files are evicted least-recently-used; a row whose file is gone
    is queued again.
    """

    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="readings")
    llm = models.CharField(max_length=120)
    prompt_version = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=ReadingStatus.choices, default=ReadingStatus.QUEUED)
    tokens_done = models.PositiveIntegerField(default=0)
    tokens_total = models.PositiveIntegerField(default=0)
    file_name = models.CharField(max_length=120, blank=True)
    size_bytes = models.BigIntegerField(default=0)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "llm", "prompt_version"], name="read_once_per_llm_and_prompt")
        ]
