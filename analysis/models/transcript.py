"""What a language model has read on a page image, or heard in a piece of a recording: paid for once."""

from __future__ import annotations

from django.db import models

from analysis.models.document import DocumentVersion


class Transcript(models.Model):
    """One page's or piece's words, kept from the moment they are there, so that a worker's death costs none again.

    number: the page's; of a recording its pieces in order, from 1. segments: of a recording, a list of [start_seconds,
    end_seconds, text] from the recording's beginning. llm: by id.
    """

    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="transcripts")
    number = models.PositiveIntegerField()
    llm = models.CharField(max_length=120)
    text = models.TextField(blank=True)
    segments = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["version", "number", "llm"], name="transcript_once")]

    def __str__(self) -> str:
        return f"{self.version_id} {self.number}"
