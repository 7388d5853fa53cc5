"""The whole of a Lectern in one tar file, made while it runs, and an empty home filled from it.

In the file, in this order:

    about.json      the format, when and by which Lectern it was made, the migrations of its database
    secrets.json    the key that signs sessions and encrypts stored passwords, under a passphrase; or left out
    database.dump   PostgreSQL's custom format, as of one moment
    files/...       the originals that the database names at that moment
    manifest.jsonl  a line for each of the above with its size and SHA-256, and one for each file that was missing

What can be made again is left out: page images, what language models have read, queued messages, the models.
"""

from __future__ import annotations

from local.backups.restore import restore
from local.backups.write import Made, backup

__all__ = ["Made", "backup", "restore"]
