"""`manage.py verify_audit`: whether the audit log is whole and as it was written."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from analysis.management.command import LecternCommand
from workspaces.audit.chain import verify


class Command(LecternCommand):
    """Prints how many entries hang together and the last hash; ends with code 1 and a line for each flaw otherwise."""

    help = "Verify the audit log's chain of hashes. Keep the hash that is printed: it proves later what was there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take --head."""
        parser.add_argument(
            "--head", metavar="HASH", default="", help="a hash printed earlier, which must be in the chain"
        )

    def run(self, *, head: str, **options: Any) -> None:
        """Verify, print, complain."""
        found = verify(head=head)
        if found.problems:
            raise CommandError("\n".join(["The audit log is not as it was written.", *found.problems]))
        self.stdout.write(f"{found.count} entries, whole. Last hash: {found.head}")
