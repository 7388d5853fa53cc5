"""Answers: each run of a question, with its checked sentences."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from analysis.models.document import DocumentVersion
from analysis.models.lease import Leased
from analysis.models.question import Question
from analysis.types import Mode


class AnswerStatus(models.TextChoices):
    """Where an answer stands."""

    WAITING = "waiting", gettext_lazy("Waiting for documents")
    QUEUED = "queued", gettext_lazy("Waiting")
    RUNNING = "running", gettext_lazy("Being written")
    DONE = "done", gettext_lazy("Done")
    STOPPED = "stopped", gettext_lazy("Stopped")
    FAILED = "failed", gettext_lazy("Failed")


OPEN_STATUSES = (AnswerStatus.WAITING, AnswerStatus.QUEUED, AnswerStatus.RUNNING)


class Answer(Leased):
    """One run of a question; regenerating makes another. The latest by number is the one shown.

    plan: `types.ReadingPlan` as a dict. coverage: what was read, what was not, and the passages that were sent.
    usage: `types.Usage` as a dict, with llm and cost_usd. approved_by: who stands by it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="answers")
    number = models.PositiveIntegerField(default=1)
    mode_requested = models.CharField(max_length=10, choices=[(m.value, m.value) for m in Mode], default=Mode.AUTO)
    mode = models.CharField(max_length=10, blank=True)
    llm = models.CharField(max_length=120)
    status = models.CharField(max_length=10, choices=AnswerStatus.choices, default=AnswerStatus.QUEUED)
    stop_requested = models.BooleanField(default=False)
    text = models.TextField(blank=True)
    reasoning = models.TextField(blank=True)
    plan = models.JSONField(default=dict)
    coverage = models.JSONField(default=dict)
    usage = models.JSONField(default=dict)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    approved_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["question", "number"]
        constraints = [models.UniqueConstraint(fields=["question", "number"], name="answer_number_once")]
        indexes = [models.Index(fields=["status", "lease_expires_at"])]

    @property
    def open(self) -> bool:
        return self.status in OPEN_STATUSES


class SentenceRow(models.Model):
    """A sentence of an answer: `answer.text[start_char:end_char]`, supported, unsupported, or neither (null)."""

    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="sentences")
    ordinal = models.PositiveIntegerField()
    start_char = models.PositiveIntegerField()
    end_char = models.PositiveIntegerField()
    supported = models.BooleanField(null=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["ordinal"]
        constraints = [models.UniqueConstraint(fields=["answer", "ordinal"], name="sentence_ordinal_once")]


class CitationRow(models.Model):
    """A sentence's evidence: a span of a version. The quote is that span's text and is stored nowhere else."""

    sentence = models.ForeignKey(SentenceRow, on_delete=models.CASCADE, related_name="citations")
    ordinal = models.PositiveIntegerField()
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="+")
    start_char = models.PositiveIntegerField()
    end_char = models.PositiveIntegerField()
    score = models.FloatField()

    class Meta:
        ordering = ["sentence__ordinal", "ordinal"]
        constraints = [models.UniqueConstraint(fields=["sentence", "ordinal"], name="citation_ordinal_once")]
