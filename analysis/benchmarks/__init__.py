"""Speed, measured on the machine at hand: `manage.py benchmark NAME`.

Each benchmark is a module with `add_arguments(parser)` and `run(**options)`, which returns a Report or figures by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from workspaces.models import Workspace


@dataclass
class Report:
    """What a benchmark found: a table for people, and the same as plain values for programs."""

    columns: Sequence[str]
    rows: list[Sequence[Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)


@contextmanager
def scratch_workspace() -> Iterator[Workspace]:
    """Yield a workspace without members; it goes with all that is in it."""
    workspace = Workspace.objects.create(slug=f"benchmark-{uuid4().hex[:12]}", name="Benchmark")
    try:
        yield workspace
    finally:
        from analysis.ingest.repository import repository_delete
        from analysis.ingest.upload import document_delete

        for repository in workspace.repositories.all():
            repository_delete(repository)
        for document in workspace.documents.all():
            document_delete(document)
        workspace.delete()
