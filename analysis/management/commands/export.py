"""`manage.py export`: a workspace's data out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from analysis.management.command import LecternCommand
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.export import workspace_export
from workspaces.models import Workspace


class Command(LecternCommand):
    help = (
        "Write a workspace's documents, texts, repositories, questions and answers, members and usage into a folder, "
        "as files that need no Lectern to read."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", help="the workspace")
        parser.add_argument("folder", type=Path, help="a folder that is not there yet")

    def run(self, *, slug: str, folder: Path, **_: Any) -> None:
        workspace = Workspace.objects.filter(slug=slug).first()
        if workspace is None:
            raise CommandError(f"There is no workspace {slug!r}.")
        done = workspace_export(workspace, folder, say=self.stdout.write)
        record(Action.EXPORTED, workspace, workspace=workspace, file=folder.name, documents=done.documents)
        self.stdout.write(
            f"{folder}: {done.documents:,} documents, {done.repositories:,} repositories, {done.questions:,} questions."
        )
        if done.missing:
            self.stderr.write(f"{done.missing:,} originals are missing.")
