"""`manage.py upload`: files and folders into a workspace, with a bar until they are read in."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import CommandError
from django.db.models import QuerySet
from tqdm import tqdm

from analysis.api.documents import progress_of
from analysis.errors import UserError
from analysis.ingest.upload import document_upload
from analysis.management.command import INTERRUPTED, LecternCommand, acting_member
from analysis.models import Document, DocumentVersion, IngestStatus
from workspaces.models import Member

POLL_SECONDS = 0.3
SETTLED = (IngestStatus.READY, IngestStatus.FAILED)
BAR = "{l_bar}{bar}| {n:.1f} of {total} [{elapsed}] {postfix}"


@dataclass(frozen=True)
class Refused:
    """A file that was not taken, or could not be read in, and why."""

    name: str
    message: str


class Command(LecternCommand):
    """A line on stdout for each document: status, id, pages, tokens, name. What failed is listed on stderr."""

    help = "Upload files and folders to a workspace, and wait until they are read in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take SLUG, PATH..., --user and --no-wait."""
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("paths", metavar="PATH", nargs="+", type=Path)
        parser.add_argument("--user", metavar="EMAIL", default="", help="who uploads (the workspace's first owner)")
        parser.add_argument("--no-wait", action="store_true", help="return once the files are stored")

    def run(self, *, slug: str, paths: list[Path], user: str, no_wait: bool, **options: Any) -> None:
        """Upload, wait, list; exit code 1 when a file was refused or failed."""
        files = list(files_of(paths))
        documents, refused = _uploaded(acting_member(slug, user), files)
        if not no_wait:
            self._wait(documents)
        for document in _current(documents):
            refused += self._listed(document, no_wait)
        if refused:
            lines = [f"  {failure.name}: {failure.message}" for failure in refused]
            raise CommandError("\n".join([f"{len(refused)} of {len(files)} could not be taken in:", *lines]))

    def _listed(self, document: Document, no_wait: bool) -> list[Refused]:
        version = document.version
        if version is None or version.status == IngestStatus.FAILED:
            return [Refused(document.name, version.error_message if version else "It has no file.")]
        read = "" if no_wait else f"{version.page_count:5} pages {version.tokens:9,} tokens  "
        self.stdout.write(f"{version.status:8}  {document.pk}  {read}{document.name}")
        return []

    def _wait(self, documents: list[Document]) -> None:
        try:
            with tqdm(total=len(documents), bar_format=BAR, disable=None, file=sys.stderr) as bar:
                while not _settled(documents, bar):
                    time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            self.stderr.write("The documents go on being read in.")
            sys.exit(INTERRUPTED)


def files_of(paths: list[Path]) -> Iterator[Path]:
    """Yield the files, those of folders in order of their names; hidden ones only when named. Raises CommandError."""
    for path in paths:
        if path.is_dir():
            inside = sorted(piece for piece in path.rglob("*") if piece.is_file())
            yield from (piece for piece in inside if not _hidden(piece.relative_to(path)))
        elif path.is_file():
            yield path
        else:
            raise CommandError(f"There is no file {path}.")


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _uploaded(member: Member, files: list[Path]) -> tuple[list[Document], list[Refused]]:
    documents, refused = [], []
    for path in files:
        try:
            with path.open("rb") as file:
                uploaded = document_upload(
                    workspace=member.workspace, user=member.user, name=path.name, file=File(file, name=path.name)
                )
            documents.append(uploaded.document)
        except UserError as error:
            refused.append(Refused(path.name, error.message))
        except OSError as error:
            refused.append(Refused(path.name, error.strerror or "It cannot be opened."))
    return documents, refused


def _current(documents: list[Document]) -> QuerySet[Document]:
    rows = Document.objects.filter(pk__in=[document.pk for document in documents])
    return rows.select_related("version").order_by("name")


def _settled(documents: list[Document], bar: tqdm[Any]) -> bool:
    """Move the bar to where the documents stand; return whether all are ready or failed."""
    versions = [document.version for document in _current(documents) if document.version]
    open_versions = [version for version in versions if version.status not in SETTLED]
    bar.n = sum(progress_of(version) if version in open_versions else 1 for version in versions)
    bar.set_postfix_str(_words(open_versions), refresh=True)
    return not open_versions


def _words(open_versions: list[DocumentVersion]) -> str:
    """Return what is being done, in words: "lease.pdf: parse 12 of 30"."""
    working = [version for version in open_versions if version.status == IngestStatus.INGESTING]
    if not working:
        return "waiting for a worker" if open_versions else ""
    first = working[0]
    return f"{first.document.name}: {first.stage} {first.stage_done} of {first.stage_total}"
