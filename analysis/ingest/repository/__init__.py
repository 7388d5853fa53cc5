"""Code bases: how they come in, and how a snapshot of one is read in.

    add      archive or address        -> Repository, Snapshot
    fetch    a commit of a git server  -> an archive, in a child process
    unpack   archive                   -> every file with its disposition, in a child process (analysis/ingest/unpack)
    parse    files, batch by batch     -> versions with text, lines, symbols, uses, imports, secrets, chunks
    index    chunks                    -> postings; then the documents of the repository point to the new versions
    embed    chunks without a vector   -> vectors, before that where they are few, else in slices behind it

A version is read once: a snapshot takes over what is unchanged.
"""

from analysis.ingest.repository.add import (
    repository_add,
    repository_change,
    repository_change_rules,
    repository_delete,
    repository_retry,
    snapshot_add,
)
from analysis.ingest.repository.run import ingest_snapshot, read_in

__all__ = [
    "ingest_snapshot",
    "read_in",
    "repository_add",
    "repository_change",
    "repository_change_rules",
    "repository_delete",
    "repository_retry",
    "snapshot_add",
]
