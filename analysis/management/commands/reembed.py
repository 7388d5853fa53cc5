"""`manage.py reembed`: have every passage read by the embedding model of the setting now, or say how far that is."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from analysis.ingest.embedders import encoder_if_there
from analysis.ingest.reembed import progress, reembed

PAUSE_SECONDS = 2


class Command(BaseCommand):
    """Workers do the same in the background; this does it here, in one go, and can run beside them."""

    help = "Go over to the embedding model that LECTERN_EMBEDDER names, while search goes on with the former one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--status", action="store_true", help="say how far it is and do nothing")

    def handle(self, *, status: bool, **_: Any) -> None:
        if not status:
            self._reembed()
        now = progress()
        if now.complete:
            self.stdout.write(f"Search by meaning uses {now.wanted}.")
        else:
            self.stdout.write(f"Search by meaning uses {now.serving}; {now.wanted} has read {now.done} of {now.total}.")

    def _reembed(self) -> None:
        before = progress()
        with tqdm(total=before.total, initial=before.done, unit="passage", disable=before.complete) as bar:
            while not reembed():
                now = progress()
                if encoder_if_there(now.wanted) is None:
                    raise CommandError(f"The embedding model {now.wanted} cannot be used; the log says why.")
                bar.total = now.total
                bar.update(now.done - bar.n)
                if now.done == before.done:  # another worker is at it
                    time.sleep(PAUSE_SECONDS)
                before = now
