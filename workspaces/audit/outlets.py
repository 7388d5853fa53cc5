"""Sealed entries sent on, as JSON lines to the logger `lectern.audit`; LECTERN_SYSLOG leads that to a syslog server."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any

from workspaces.models import AuditEvent

logger = logging.getLogger("lectern.audit")


def send_on(events: Iterable[AuditEvent]) -> None:
    """Write one line for each entry."""
    for event in events:
        logger.info(json.dumps(as_facts(event), ensure_ascii=False))


def as_facts(event: AuditEvent) -> dict[str, Any]:
    """Return the entry as it is exported."""
    return {
        "number": event.number,
        "at": event.at.isoformat(),
        "actor": event.actor,
        "via": event.via,
        "address": event.address,
        "agent": event.agent,
        "action": event.action,
        "object_type": event.object_type,
        "object_id": event.object_id,
        "object_name": event.object_name,
        "workspace": event.workspace_name,
        "details": event.details,
        "previous_hash": event.previous_hash,
        "hash": event.hash,
    }
