"""`manage.py upload`: files, folders and code bases into a workspace, with a bar until they are read in."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
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
from analysis.management import uploading
from analysis.management.command import INTERRUPTED, LecternCommand, acting_member
from analysis.models import Document, DocumentVersion, IngestStatus, Snapshot
from workspaces.models import Member

POLL_SECONDS = 0.3
SETTLED = (IngestStatus.READY, IngestStatus.FAILED)
BAR = "{l_bar}{bar}| {n:.1f} of {total} [{elapsed}] {postfix}"


@dataclass(frozen=True)
class Refused:
    """A file or code base that was not taken, or could not be read in, and why."""

    name: str
    message: str


class Command(LecternCommand):
    """A line on stdout for each document: status, id, pages, tokens, name; for a code base with its files and lines.

    What failed is listed on stderr.
    """

    help = "Upload files, folders and code bases to a workspace, and wait until they are read in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take SLUG, PATH..., --as, --ref, --user and --no-wait."""
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("paths", metavar="PATH", nargs="+", help="a file, a folder, an archive, or a git address")
        parser.add_argument(
            "--as",
            dest="kind",
            choices=["documents", "repository"],
            help="what they are; by default what they look like: code bases have .git or mostly source files",
        )
        parser.add_argument("--ref", default="", help="the branch, tag or commit to fetch")
        parser.add_argument("--user", metavar="EMAIL", default="", help="who uploads (the workspace's first owner)")
        parser.add_argument("--no-wait", action="store_true", help="return once the files are stored")

    def run(
        self, *, slug: str, paths: list[str], kind: str | None, ref: str, user: str, no_wait: bool, **options: Any
    ) -> None:
        """Upload, wait, list; exit code 1 when something was refused or failed."""
        code_bases = [path for path in paths if _is_repository(path, kind)]
        files = list(files_of([Path(path) for path in paths if path not in code_bases]))
        member = acting_member(slug, user)
        documents, refused = _uploaded(member, files)
        snapshots, more = _added(member, code_bases, ref)
        if not no_wait:
            self._wait(documents, snapshots)
        refused += more
        for document in _current(documents):
            refused += self._listed(document, no_wait)
        for snapshot in _current_snapshots(snapshots):
            refused += self._listed_snapshot(snapshot, no_wait)
        if refused:
            lines = [f"  {failure.name}: {failure.message}" for failure in refused]
            count = len(files) + len(code_bases)
            raise CommandError("\n".join([f"{len(refused)} of {count} could not be taken in:", *lines]))

    def _listed(self, document: Document, no_wait: bool) -> list[Refused]:
        version = document.version
        if version is None or version.status == IngestStatus.FAILED:
            return [Refused(document.name, version.error_message if version else "It has no file.")]
        read = "" if no_wait else f"{version.page_count:5} pages {version.tokens:9,} tokens  "
        self.stdout.write(f"{version.status:8}  {document.pk}  {read}{document.name}")
        return []

    def _listed_snapshot(self, snapshot: Snapshot, no_wait: bool) -> list[Refused]:
        name = f"{snapshot.repository.name} ({snapshot.label})"
        if snapshot.status == IngestStatus.FAILED:
            return [Refused(name, snapshot.error_message)]
        figures = f"{snapshot.file_count:,} files {snapshot.line_count:,} lines {snapshot.tokens:,} tokens  "
        read = "" if no_wait else figures
        self.stdout.write(f"{snapshot.status:8}  {snapshot.repository_id}  {read}{name}")
        return []

    def _wait(self, documents: list[Document], snapshots: list[Snapshot]) -> None:
        try:
            total = len(documents) + len(snapshots)
            with tqdm(total=total, bar_format=BAR, disable=None, file=sys.stderr) as bar:
                while not _settled(documents, snapshots, bar):
                    time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            self.stderr.write("They go on being read in.")
            sys.exit(INTERRUPTED)


def _is_repository(path: str, kind: str | None) -> bool:
    if uploading.is_address(path):
        return True
    return uploading.is_code_base(Path(path)) if kind is None else kind == "repository"


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
        except (UserError, OSError) as error:
            refused.append(Refused(path.name, uploading.refused(error)))
    return documents, refused


def _added(member: Member, code_bases: list[str], ref: str) -> tuple[list[Snapshot], list[Refused]]:
    snapshots, refused = [], []
    for source in code_bases:
        try:
            snapshots.append(uploading.uploaded(member, source, ref=ref))
        except (UserError, OSError) as error:
            refused.append(Refused(source, uploading.refused(error)))
    return snapshots, refused


def _current(documents: list[Document]) -> QuerySet[Document]:
    rows = Document.objects.filter(pk__in=[document.pk for document in documents])
    return rows.select_related("version").order_by("name")


def _current_snapshots(snapshots: list[Snapshot]) -> QuerySet[Snapshot]:
    rows = Snapshot.objects.filter(pk__in=[snapshot.pk for snapshot in snapshots])
    return rows.select_related("repository").order_by("repository__name", "pk")


def _settled(documents: list[Document], snapshots: list[Snapshot], bar: tqdm[Any]) -> bool:
    """Move the bar to where everything stands; return whether all is ready or failed."""
    versions = [document.version for document in _current(documents) if document.version]
    waiting = [version for version in versions if version.status not in SETTLED]
    trees = list(_current_snapshots(snapshots))
    growing = [snapshot for snapshot in trees if snapshot.status not in SETTLED]
    bar.n = sum(progress_of(version) if version in waiting else 1 for version in versions)
    bar.n += sum(uploading.share(snapshot) if snapshot in growing else 1 for snapshot in trees)
    bar.set_postfix_str(_words(waiting, growing), refresh=True)
    return not (waiting or growing)


def _words(versions: list[DocumentVersion], snapshots: Sequence[Snapshot]) -> str:
    """Return what is being done, in words: "lease.pdf: parse 12 of 30"."""
    trees = [snapshot for snapshot in snapshots if snapshot.status == IngestStatus.INGESTING]
    if trees:
        return uploading.words(trees[0])
    working = [version for version in versions if version.status == IngestStatus.INGESTING]
    if not working:
        return "waiting for a worker" if versions or snapshots else ""
    first = working[0]
    return f"{first.document.name}: {first.stage} {first.stage_done} of {first.stage_total}"
