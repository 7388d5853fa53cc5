"""What the clause finder keeps: reviews, their findings, and sentences as vectors, so that each is embedded once."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from analysis.models.document import DocumentVersion
from analysis.models.lease import Leased


class ReviewStatus(models.TextChoices):
    """Where a review stands."""

    QUEUED = "queued", gettext_lazy("Waiting")
    RUNNING = "running", gettext_lazy("Going on")
    DONE = "done", gettext_lazy("Done")
    FAILED = "failed", gettext_lazy("Failed")


class ClauseReview(Leased):
    """A checklist gone through for one version. Going through it again replaces the findings.

    finder_version: of the finder that made them. receipt: what was read to make them; see `review.run.receipt_of`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="clause_reviews")
    checklist = models.CharField(max_length=60)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    status = models.CharField(max_length=10, choices=ReviewStatus.choices, default=ReviewStatus.QUEUED)
    finder_version = models.PositiveIntegerField(default=0)
    receipt = models.JSONField(default=dict)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "checklist"], name="one_review_a_checklist")]
        indexes = [models.Index(fields=["status", "lease_expires_at"])]

    def __str__(self) -> str:
        return f"{self.checklist} of {self.version_id}"

    @property
    def open(self) -> bool:
        return self.status in (ReviewStatus.QUEUED, ReviewStatus.RUNNING)


class ClauseFindingRow(models.Model):
    """A place that may be a clause; see `analysis.types.ClauseFinding`. The quote is its text and stored nowhere else.

    value: `types.ClauseValue` as a dict, {} if none.
    """

    review = models.ForeignKey(ClauseReview, on_delete=models.CASCADE, related_name="findings")
    clause = models.CharField(max_length=60)
    ordinal = models.PositiveIntegerField()
    start_char = models.PositiveIntegerField()
    end_char = models.PositiveIntegerField()
    probability = models.FloatField()
    value = models.JSONField(default=dict)

    class Meta:
        ordering = ["ordinal"]
        constraints = [models.UniqueConstraint(fields=["review", "ordinal"], name="clause_finding_once")]


class SentenceVectors(models.Model):
    """The vectors of a version's sentences, in order, as float16[n, dims].

    key: names the sentences and the embedder; vectors under another key are made again.
    """

    version = models.OneToOneField(
        DocumentVersion, on_delete=models.CASCADE, primary_key=True, related_name="sentence_vectors"
    )
    key = models.CharField(max_length=64)
    vectors = models.BinaryField()

    def __str__(self) -> str:
        return f"sentences of {self.version_id}"
