"""A commit of a git server to the snapshot's archive, from which everything else is read."""

from __future__ import annotations

from datetime import datetime

from django.core.files import File

from analysis.ingest import sandbox
from analysis.ingest.repository.run import Run


def fetch(run: Run) -> None:
    """Ask the repository's server for the commit that the snapshot's ref names, and keep it. Raises as `unpack.git`."""
    snapshot, repository = run.snapshot, run.snapshot.repository
    current = repository.snapshot
    run.report("fetch", 0, 0)
    with (
        run.timed("fetch"),
        sandbox.fetched(
            repository.url,
            snapshot.ref,
            credential=repository.credential,
            known=current.commit if current else "",
            on_progress=run.report,
        ) as fetched,
    ):
        with fetched.archive.open("rb") as file:
            snapshot.file.save(fetched.archive.name, File(file), save=False)
        facts = {
            "file": snapshot.file.name,
            "commit": fetched.commit,
            "message": fetched.message,
            "committed_at": datetime.fromisoformat(fetched.committed_at),
            "warnings": fetched.warnings,
        }
        try:
            with run.writing():
                run.renew(**facts)
        except BaseException:
            snapshot.file.storage.delete(str(snapshot.file.name))
            raise
