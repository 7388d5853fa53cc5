"""`manage.py backup`: all that one Lectern holds, in one file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import redis
from django.core.management.base import CommandError
from django.template.defaultfilters import filesizeformat

from analysis.management.command import LecternCommand
from config.standing import note_backup
from local.backups import backup
from local.backups.format import BackupError
from local.passphrase import PASSPHRASE, asked_twice, from_environment
from workspaces.audit import record
from workspaces.audit.actions import Action


class Command(LecternCommand):
    help = (
        "Write everything that this Lectern holds into one tar file, while it goes on running. The key that signs "
        f"sessions and encrypts stored passwords goes along under a passphrase: that of {PASSPHRASE}, else it is asked "
        "for."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("target", type=Path, help="a file ending in .tar or .tar.gz, or a folder for it")
        parser.add_argument(
            "--without-secrets", action="store_true",
            help="leave the key out; without it, stored passwords and keys of endpoints are lost in a restore",
        )  # fmt: skip

    def run(self, *, target: Path, without_secrets: bool, **_: Any) -> None:
        passphrase = None if without_secrets else from_environment() or asked_twice()
        try:
            made = backup(target, passphrase=passphrase, say=self.stdout.write)
        except BackupError as error:
            raise CommandError(str(error)) from None
        record(Action.BACKED_UP, file=made.path.name, files=made.files, secrets=made.with_secrets)
        try:
            note_backup()
        except redis.RedisError:
            self.stderr.write("The broker does not answer, so the page of the installation will not show this backup.")
        self.stdout.write(f"{made.path}: {filesizeformat(made.size_bytes)}, {made.files:,} files.")
        if not made.with_secrets:
            self.stdout.write("Without the secrets: keep secrets/django of this home, or stored passwords are lost.")
        for name in made.lost:
            self.stderr.write(f"Missing although a document names it: {name}")
