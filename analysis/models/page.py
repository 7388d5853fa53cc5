"""Pages and headings: spans of the canonical text with a place on paper or in the outline."""

from __future__ import annotations

from django.db import models

from analysis.models.document import DocumentVersion
from analysis.types import PageSource


class Page(models.Model):
    """A page. boxes: one rectangle per character, as `analysis.ingest.boxes` packs them; null without an image."""

    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="pages")
    number = models.PositiveIntegerField()
    start_char = models.PositiveIntegerField()
    end_char = models.PositiveIntegerField()
    source = models.CharField(max_length=10, choices=[(s.value, s.value) for s in PageSource])
    width = models.FloatField(default=0)
    height = models.FloatField(default=0)
    boxes = models.BinaryField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["version", "number"], name="page_number_once")]

    @property
    def has_image(self) -> bool:
        return self.width > 0


class Heading(models.Model):
    """A heading and the span of the section it opens; see `analysis.types.ParsedHeading`."""

    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="headings")
    ordinal = models.PositiveIntegerField()
    level = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=60, blank=True)
    title = models.CharField(max_length=300, blank=True)
    start_char = models.PositiveIntegerField()
    end_char = models.PositiveIntegerField()
    section_end_char = models.PositiveIntegerField()

    class Meta:
        ordering = ["ordinal"]
        constraints = [models.UniqueConstraint(fields=["version", "ordinal"], name="heading_ordinal_once")]
