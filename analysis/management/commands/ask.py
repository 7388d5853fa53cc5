"""`manage.py ask`: a question to a workspace's documents, answered in the terminal."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from django.http import Http404

from analysis.answer.ask import question_ask
from analysis.api.documents import chosen_documents
from analysis.management.answering import Terminal
from analysis.management.command import LecternCommand, acting_member
from analysis.models import Document
from analysis.types import Mode
from workspaces.models import Member


class Command(LecternCommand):
    """The answer on stdout as it is written, then citations and the receipt; on stderr how far reading has come, and
    what a sweep finds as it finds it.
    """

    help = "Ask a question across a workspace's documents, or some of them. Ctrl-C stops the answer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take SLUG, QUESTION, --document, --mode, --llm, --user and --json."""
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("question", metavar="QUESTION")
        parser.add_argument("--document", metavar="ID", action="append", default=[], type=UUID, help="repeatable")
        parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.AUTO.value)
        parser.add_argument("--llm", metavar="ID", default="", help="which language model (the default one)")
        parser.add_argument("--user", metavar="EMAIL", default="", help="who asks (the workspace's first owner)")
        parser.add_argument("--json", action="store_true", help="print the finished answer as JSON instead")

    def run(
        self, *, slug: str, question: str, document: list[UUID], mode: str, llm: str, user: str, json: bool, **_: Any
    ) -> None:
        """Ask, and show the answer."""
        member = acting_member(slug, user)
        answer = question_ask(
            workspace=member.workspace,
            user=member.user,
            text=question,
            documents=_documents(member, document),
            mode=Mode(mode),
            llm=llm,
        )
        Terminal(self.stdout, quiet=json).show(answer)


def _documents(member: Member, document_ids: list[UUID]) -> list[Document]:
    try:
        return chosen_documents(member, document_ids)
    except Http404:
        raise CommandError(f"Not all of these documents are in {member.workspace.slug!r}.") from None
