"""Defined terms, terms without a definition, and cross-references: what a document says of its words and parts."""

from __future__ import annotations

from django.db import models

from analysis.models.document import DocumentVersion
from analysis.types import Aim


class DefinedTerm(models.Model):
    """A place that defines a term; see `analysis.types.DefinedTerm`. key: what all forms of the term share."""

    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="terms")
    term = models.CharField(max_length=120)
    key = models.CharField(max_length=240)
    start_char = models.PositiveIntegerField()
    end_char = models.PositiveIntegerField()
    definition_start_char = models.PositiveIntegerField()
    definition_end_char = models.PositiveIntegerField()
    points = models.BooleanField(default=False)
    uses = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["start_char"]
        constraints = [models.UniqueConstraint(fields=["version", "start_char"], name="defined_term_once")]

    def __str__(self) -> str:
        return self.term


class UndefinedTerm(models.Model):
    """A phrase that is used as a term and defined nowhere; see `analysis.types.UndefinedTerm`."""

    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="undefined_terms")
    term = models.CharField(max_length=120)
    start_char = models.PositiveIntegerField()
    end_char = models.PositiveIntegerField()
    uses = models.PositiveIntegerField()

    class Meta:
        ordering = ["start_char"]
        constraints = [models.UniqueConstraint(fields=["version", "start_char"], name="undefined_term_once")]

    def __str__(self) -> str:
        return self.term


class CrossReference(models.Model):
    """Words that refer to a part of a document; see `analysis.types.CrossReference`."""

    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="references")
    start_char = models.PositiveIntegerField()
    end_char = models.PositiveIntegerField()
    label = models.CharField(max_length=120)
    aim = models.CharField(max_length=10, choices=[(aim.value, aim.value) for aim in Aim])
    target_start_char = models.PositiveIntegerField(null=True)
    target_end_char = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["start_char"]
        constraints = [models.UniqueConstraint(fields=["version", "start_char"], name="cross_reference_once")]

    def __str__(self) -> str:
        return self.label
