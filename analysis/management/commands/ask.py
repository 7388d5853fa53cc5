"""`manage.py ask`: a question to a workspace's documents and repositories, answered in the terminal."""

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
from analysis.models import Document, Repository
from analysis.types import Mode
from workspaces.access import repositories_for
from workspaces.models import Member, Role


class Command(LecternCommand):
    """The answer on stdout as it is written, then citations and the receipt; on stderr how far reading has come, and
    what a sweep finds as it finds it.
    """

    help = "Ask a question across a workspace, or some of its documents and repositories. Ctrl-C stops the answer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take SLUG, QUESTION, --document, --repository, --path, --mode, --llm, --user and --json."""
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("question", metavar="QUESTION")
        parser.add_argument("--document", metavar="ID", action="append", default=[], type=UUID, help="repeatable")
        parser.add_argument(
            "--repository", metavar="NAME_OR_ID", action="append", default=[], help="a code base; repeatable"
        )
        parser.add_argument("--path", default="", help="a folder or file of the one repository")
        parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.AUTO.value)
        parser.add_argument("--llm", metavar="ID", default="", help="which language model (the default one)")
        parser.add_argument("--user", metavar="EMAIL", default="", help="who asks (the workspace's first owner)")
        parser.add_argument("--private", action="store_true", help="nobody else sees it until who asks shares it")
        parser.add_argument("--json", action="store_true", help="print the finished answer as JSON instead")

    def run(
        self,
        *,
        slug: str,
        question: str,
        document: list[UUID],
        repository: list[str],
        path: str,
        mode: str,
        llm: str,
        user: str,
        private: bool,
        json: bool,
        **_: Any,
    ) -> None:
        """Ask, and show the answer."""
        member = acting_member(slug, user, role=Role.REVIEWER)
        answer = question_ask(
            workspace=member.workspace,
            user=member.user,
            text=question,
            documents=_documents(member, document),
            repositories=[_repository(member, named) for named in repository],
            path=path,
            mode=Mode(mode),
            llm=llm,
            shared=not private,
        )
        Terminal(self.stdout, quiet=json).show(answer)


def _documents(member: Member, document_ids: list[UUID]) -> list[Document]:
    try:
        return chosen_documents(member, document_ids)
    except Http404:
        raise CommandError(f"Not all of these documents are in {member.workspace.slug!r}.") from None


def _repository(member: Member, named: str) -> Repository:
    """Return the repository with this id or name; of several with one name none is guessed."""
    found = [row for row in repositories_for(member) if named in (str(row.pk), row.name)]
    if not found:
        raise CommandError(f"There is no repository {named!r} in {member.workspace.slug!r}.")
    if len(found) > 1:
        ids = ", ".join(str(row.pk) for row in found)
        raise CommandError(f"Several repositories are called {named!r}. Give the id of one: {ids}.")
    return found[0]
