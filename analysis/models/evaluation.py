"""Evaluations that were run, to be read and compared."""

from __future__ import annotations

from django.db import models


class EvaluationRun(models.Model):
    """One run of `manage.py evaluate`. It stays as it was found, whatever becomes of models, code and data.

    name to finished_at: see `analysis.evaluations.trials.RunFacts`. measures: how to read the figures, the fields of
    `trials.Measure`. figures, categories: as `analysis.evaluations.reports.figures_as_json` has them.
    """

    name = models.CharField(max_length=40)
    folder = models.CharField(max_length=255)
    note = models.CharField(max_length=200, blank=True)
    options = models.JSONField(default=dict)
    run_by = models.CharField(max_length=150, blank=True)
    code = models.CharField(max_length=100)
    embedder = models.CharField(max_length=200)
    llm = models.CharField(max_length=120, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    measures = models.JSONField(default=list)
    figures = models.JSONField(default=dict)
    categories = models.JSONField(default=dict)
    notes = models.JSONField(default=list)

    class Meta:
        ordering = ["-started_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.name} {self.pk}"


class EvaluationTrial(models.Model):
    """One trial of a run, as `analysis.evaluations.trials.Trial` has it; long texts are cut."""

    run = models.ForeignKey(EvaluationRun, on_delete=models.CASCADE, related_name="trials")
    ordinal = models.PositiveIntegerField()
    key = models.TextField()
    document = models.TextField(blank=True)
    category = models.TextField(blank=True)
    question = models.TextField(blank=True)
    gold = models.TextField(blank=True)
    returned = models.TextField(blank=True)
    where = models.TextField(blank=True)
    failed = models.BooleanField()
    values = models.JSONField(default=dict)
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ["ordinal"]
        constraints = [models.UniqueConstraint(fields=["run", "ordinal"], name="evaluation_trial_once")]
        indexes = [models.Index(fields=["run", "failed"])]

    def __str__(self) -> str:
        return self.key
