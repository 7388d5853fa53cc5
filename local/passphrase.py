"""The passphrase of a backup's secrets: from the environment, or asked for; never an argument, which others can see."""

from __future__ import annotations

import getpass
import os
import sys

from django.core.management.base import CommandError

PASSPHRASE = "LECTERN_BACKUP_PASSPHRASE"  # noqa: S105  the variable's name
SHORTEST = 8


def from_environment() -> str:
    """Return the passphrase of the environment, "" if there is none."""
    return os.environ.get(PASSPHRASE, "")


def asked() -> str:
    """Return what a person types; raises CommandError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise CommandError(f"Set {PASSPHRASE}, or say --without-secrets.")
    return getpass.getpass("Passphrase of the backup's secrets: ")


def asked_twice() -> str:
    """Return a new passphrase, typed twice the same; raises CommandError."""
    first = asked()
    if len(first) < SHORTEST:
        raise CommandError(f"A passphrase has {SHORTEST} characters or more.")
    if getpass.getpass("Once more: ") != first:
        raise CommandError("These were two different passphrases.")
    return first
