"""`manage.py summary`: a document's summary, written in the terminal."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from analysis.answer.ask import summary_ask
from analysis.management.answering import Terminal
from analysis.management.command import LecternCommand, acting_member
from analysis.models import Document
from workspaces.models import Role


class Command(LecternCommand):
    """The summary on stdout as it is written, then citations and the receipt."""

    help = "Summarise a document. Ctrl-C stops the summary."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take DOCUMENT_ID, --llm, --user and --json."""
        parser.add_argument("document_id", metavar="DOCUMENT_ID", type=UUID)
        parser.add_argument("--llm", metavar="ID", default="", help="which language model (the default one)")
        parser.add_argument("--user", metavar="EMAIL", default="", help="who asks (the workspace's first owner)")
        parser.add_argument("--json", action="store_true", help="print the finished summary as JSON instead")

    def run(self, *, document_id: UUID, llm: str, user: str, json: bool, **_: Any) -> None:
        """Ask for the summary, and show it."""
        document = Document.objects.select_related("workspace", "version").filter(pk=document_id).first()
        if document is None:
            raise CommandError(f"There is no document {document_id}.")
        member = acting_member(document.workspace.slug, user, role=Role.REVIEWER)
        Terminal(self.stdout, quiet=json).show(summary_ask(document=document, user=member.user, llm=llm))
