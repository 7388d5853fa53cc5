"""`manage.py up`: run all of Lectern on this machine."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from local.model_files import ModelUnavailable
from local.process import StartFailed
from local.supervisor import AlreadyRunning
from local.up import up


class Command(BaseCommand):
    help = "Start every part of Lectern on this machine, keep it running, and stop it all on Ctrl-C."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            up(self._say)
        except (AlreadyRunning, ModelUnavailable, StartFailed) as error:
            sys.exit(str(error))

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
