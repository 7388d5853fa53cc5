"""The audit log's table."""

from __future__ import annotations

from typing import Any

from django.db import models


class AuditEvent(models.Model):
    """An entry of the audit log (see `workspaces.audit`). The database lets none be changed or deleted.

    No foreign keys: an entry outlives what it tells of. number, previous_hash, hash: its place in the chain, from 1;
    null and "" until it is sealed.
    """

    at = models.DateTimeField(auto_now_add=True)
    action = models.CharField(max_length=40)
    workspace_id = models.BigIntegerField(null=True)
    workspace_name = models.CharField(max_length=120, blank=True)
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=254, blank=True)
    via = models.CharField(max_length=10)
    address = models.CharField(max_length=45, blank=True)
    agent = models.CharField(max_length=200, blank=True)
    token_id = models.BigIntegerField(null=True)
    object_type = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=40, blank=True)
    object_name = models.CharField(max_length=255, blank=True)
    details: models.JSONField[dict[str, Any], Any] = models.JSONField(default=dict)
    number = models.BigIntegerField(null=True, unique=True)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "-id"]),
            models.Index(fields=["id"], name="audit_unsealed", condition=models.Q(number=None)),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.actor} {self.action} {self.object_name}"
