"""A commit of a git server to the snapshot's archive."""

from __future__ import annotations

from analysis.ingest.repository.run import Run


def fetch(run: Run) -> None:
    raise NotImplementedError
