"""Embedders: the embedding models that have built vectors here, and which of them search uses."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from analysis.models.lease import Leased


class EmbedderStatus(models.TextChoices):
    """Where an embedder stands. One serves at a time; what is retired is deleted as soon as a worker gets to it."""

    QUEUED = "queued", gettext_lazy("Waiting")
    BUILDING = "building", gettext_lazy("Being built")
    SERVING = "serving", gettext_lazy("Serving")
    RETIRED = "retired", gettext_lazy("Retired")


class Embedder(Leased):
    """An embedding model that has built vectors here; vectors of two embedders are never compared.

    While another is being built, the one that serves answers queries and reads new documents in.
    """

    name = models.CharField(max_length=200, unique=True)
    dims = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=EmbedderStatus.choices, default=EmbedderStatus.QUEUED)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["status"], condition=Q(status="serving"), name="one_embedder_serves")
        ]

    def __str__(self) -> str:
        return self.name
