"""`manage.py restore`: an empty home filled from a backup."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from local.backups import restore
from local.backups.format import BackupError
from local.home import home
from local.passphrase import PASSPHRASE, asked, from_environment
from local.process import StartFailed


class Command(BaseCommand):
    help = (
        "Fill an empty LECTERN_HOME from a backup: its own database, or the empty one of DATABASE_URL. Everything is "
        f"verified first. The passphrase is that of {PASSPHRASE}, else it is asked for."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("archive", type=Path, nargs="?", help="what `manage.py backup` has written")
        parser.add_argument(
            "--without-secrets", action="store_true",
            help="do without the key: stored passwords and keys of endpoints are cleared",
        )  # fmt: skip
        parser.add_argument("--settle", type=Path, help=argparse.SUPPRESS)

    def handle(self, *, archive: Path | None, without_secrets: bool, settle: Path | None, **_: Any) -> None:
        if settle is not None:
            from local.backups.settle import settle as finish

            finish(settle)
            return
        if archive is None or not archive.is_file():
            raise CommandError("Name the backup to restore.")
        passphrase = None if without_secrets else from_environment() or asked()
        try:
            restore(archive, passphrase=passphrase, say=self.stdout.write)
        except (BackupError, StartFailed) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{home()} holds the backup now. `make run` starts it.")
