"""Parts of a sweep: each a span of a version that one worker reads for one answer."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy

from analysis.models.answer import Answer
from analysis.models.document import DocumentVersion
from analysis.models.lease import Leased


class PartStatus(models.TextChoices):
    """Where a part stands."""

    QUEUED = "queued", gettext_lazy("Waiting")
    READING = "reading", gettext_lazy("Being read")
    DONE = "done", gettext_lazy("Read")
    FAILED = "failed", gettext_lazy("Failed")


class SweepPart(Leased):
    """A part of an answer's sweep and what was found in it.

    key: names the part's text, the question, the LLM and the prompt version; a finished part with the same key in the
    same workspace is used again (`cached`), so that an amended document pays only for what changed.
    result: what the map step says, offsets counted from start_char, so that it holds wherever the same text stands.
    """

    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="parts")
    ordinal = models.PositiveIntegerField()
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="+")
    start_char = models.PositiveIntegerField()
    end_char = models.PositiveIntegerField()
    key = models.CharField(max_length=64, db_index=True)
    status = models.CharField(max_length=10, choices=PartStatus.choices, default=PartStatus.QUEUED)
    cached = models.BooleanField(default=False)
    result = models.JSONField(default=dict)
    error_message = models.TextField(blank=True)

    class Meta:
        ordering = ["ordinal"]
        constraints = [models.UniqueConstraint(fields=["answer", "ordinal"], name="sweep_part_once")]

    def __str__(self) -> str:
        return f"{self.answer_id} part {self.ordinal}"
