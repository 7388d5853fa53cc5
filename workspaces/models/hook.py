"""Web hooks: what is told to other systems, and how each telling went."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.crypto import EncryptedTextField
from workspaces.models.people import User
from workspaces.models.workspace import Workspace


class WebHook(models.Model):
    """An address of another system that is told of what happens in a workspace.

    secret: what deliveries are signed with. events: the kinds that it wants, none for all. paused_at: since when
    nothing is sent, by a person or after failures; paused_because: the reason in words, "" for a person's.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="hooks")
    name = models.CharField(max_length=120)
    url = models.CharField(max_length=500)
    secret = EncryptedTextField()
    events: models.JSONField[list[str], Any] = models.JSONField(default=list)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    paused_at = models.DateTimeField(null=True)
    paused_because = models.CharField(max_length=200, blank=True, default="")

    def __str__(self) -> str:
        return self.name


class DeliveryState(models.TextChoices):
    """Where a delivery stands."""

    WAITING = "waiting", _("Waiting")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Given up")


class HookDelivery(models.Model):
    """One event for one web hook. The id is sent with it, so that a receiver knows a repetition.

    next_at: when it is tried (again). status: the HTTP status of the last try, null if there was no response.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    hook = models.ForeignKey(WebHook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=60)
    payload: models.JSONField[dict[str, Any], Any] = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    next_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    status = models.PositiveIntegerField(null=True)
    error = models.CharField(max_length=300, blank=True, default="")
    milliseconds = models.PositiveIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["hook", "-created_at"]),
            models.Index(fields=["next_at"], name="deliveries_due", condition=models.Q(state="waiting")),
        ]

    @property
    def about(self) -> str:
        """Return what it tells of, for people; "" for a test and the audit log."""
        told = self.payload["data"].get("object", {})
        return str(told.get("name") or told.get("id", ""))
