"""A heartbeat beside work that is silent for longer than a lease lasts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from django.db import connections

log = logging.getLogger(__name__)


@contextmanager
def beating(beat: Callable[[], object], *, every_seconds: float) -> Iterator[Event]:
    """Call `beat` every so often on a thread of its own; the event is set once a beat has failed, which ends it.

    A beat that fails means that what it kept is lost: whoever works under it has to look at the event and stop.
    """
    lost, done = Event(), Event()

    def run() -> None:
        try:
            while not done.wait(every_seconds):
                beat()
        except Exception:
            log.exception("A heartbeat failed")
            lost.set()
        finally:
            connections.close_all()

    thread = Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        done.set()
        thread.join()
