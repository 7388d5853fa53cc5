"""The last steps of a restore, in a process of their own, once the rows are there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from analysis.models import DocumentVersion, Snapshot
from config.crypto import EncryptedTextField
from local.backups.format import ABOUT, FILES, MANIFEST, fingerprint
from workspaces.audit import record
from workspaces.audit.actions import Action


def settle(staging: Path) -> None:
    """Migrate forward, clear what no key opens any more, and delete what was deleted while the backup was made."""
    call_command("migrate", interactive=False, verbosity=0)
    if fingerprint(settings.SECRET_KEY) != json.loads((staging / ABOUT).read_text())["key"]:
        clear_encrypted()
    with (staging / MANIFEST).open(encoding="utf-8") as lines:
        for line in lines:
            said = json.loads(line)
            if said.get("missing") == "deleted":
                _delete(said["name"].removeprefix(FILES))
    record(Action.RESTORED)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def clear_encrypted() -> None:
    """Empty every field that is encrypted under another key: reading one would fail."""
    for model in apps.get_models():
        names = [each.name for each in model._meta.local_fields if isinstance(each, EncryptedTextField)]
        if names:
            cleared: dict[str, Any] = dict.fromkeys(names, "")
            model._default_manager.update(**cleared)


def _delete(name: str) -> None:
    """Delete what the file belonged to, as somebody did just after the moment of the backup."""
    for version in DocumentVersion.objects.filter(file=name).select_related("document"):
        version.document.delete() if version.document.version_id == version.pk else version.delete()
    for snapshot in Snapshot.objects.filter(file=name).select_related("repository"):
        snapshot.delete()
        if not snapshot.repository.snapshots.exists():
            snapshot.repository.delete()
