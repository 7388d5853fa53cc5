"""The ledger: one row for every call to a language model, at the prices of its day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.deletion import Collector
from django.utils.translation import gettext_lazy

from analysis.types import CallPurpose


class CallStatus(models.TextChoices):
    """How a call ended, or that it has not yet."""

    OPEN = "open", gettext_lazy("Running")
    DONE = "done", gettext_lazy("Done")
    STOPPED = "stopped", gettext_lazy("Stopped")
    FAILED = "failed", gettext_lazy("Failed")


def forget_prompt(
    collector: Collector, field: models.Field[Any, Any], rows: Sequence[models.Model], using: str
) -> None:
    """Keep the row of a call whose answer is deleted, and none of the words that were sent for it."""
    # The words first: the rows are found by their answer. () is [] in the database; the collector needs a hashable.
    collector.add_field_update(Call._meta.get_field("prompt"), (), rows)
    collector.add_field_update(field, None, rows)


forget_prompt.lazy_sub_objs = True  # type: ignore[attr-defined]  # as SET_NULL: by one UPDATE, no row is fetched


class Call(models.Model):
    """One call. Tokens are as the endpoint reported them, counted here when it did not come to that.

    cost_usd, saved_usd (by cached tokens): at the prices when it was made; a later change of prices changes neither.
    prompt: the messages as sent, as segments: text, or a span of a version in place of a document's words, so that
    nothing of a deleted document stays here; gone with its answer. llm, endpoint: by name, since the rows they come
    from may be gone.
    """

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, null=True, related_name="calls")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    answer = models.ForeignKey("analysis.Answer", on_delete=forget_prompt, null=True, related_name="calls")
    document = models.ForeignKey("analysis.Document", on_delete=models.SET_NULL, null=True, related_name="+")
    purpose = models.CharField(max_length=10, choices=[(p.value, p.value) for p in CallPurpose])
    llm = models.CharField(max_length=120)
    endpoint = models.CharField(max_length=300)
    status = models.CharField(max_length=10, choices=CallStatus.choices)
    prompt_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    reasoning_tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    saved_usd = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    seconds_to_first_token = models.FloatField(default=0)
    seconds = models.FloatField(default=0)
    prompt = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["workspace", "created_at"]), models.Index(fields=["created_at"])]

    def __str__(self) -> str:
        return f"{self.llm} {self.purpose}"
