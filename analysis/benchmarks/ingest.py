"""Ingest speed: pages a second by stage, seconds from upload to searchable, and peak memory, in this process."""

from __future__ import annotations

import resource
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile, File

from analysis.benchmarks import Report, scratch_workspace
from analysis.benchmarks.contract import contract_pdf
from analysis.ingest.embed import embed_passages, encoder
from analysis.ingest.index import embedded_text
from analysis.ingest.run import ingest
from analysis.ingest.upload import document_upload
from analysis.models import DocumentVersion, IngestStatus
from workspaces.models import Workspace

STAGES = ("parse", "store", "chunk", "embed", "index")
COLUMNS = (
    "file",
    "pages",
    "characters",
    "searchable s",
    *(f"{s} p/s" for s in STAGES),
    "embed c/s",
    "worker MiB",
    "parser MiB",
)
ALONE_CHUNKS = 256


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, help="read these files in, instead of generated contracts")
    parser.add_argument(
        "--pages", type=int, nargs="+", default=[10, 100, 1000], help="lengths of the generated contracts"
    )


def run(*, folder: Path | None, pages: list[int], **_: Any) -> Report:
    """Read the files in one after another. Memory is this process's peak so far: flat is flat from row to row."""
    report = Report(COLUMNS)
    started = time.perf_counter()
    encoder()
    report.notes.append(f"The embedder took {time.perf_counter() - started:.1f} s to load; that is not in the rows.")
    with scratch_workspace() as workspace:
        for name, file in _files(folder, pages):
            _add_row(report, workspace, name, file)
    return report


def _files(folder: Path | None, pages: list[int]) -> Iterator[tuple[str, File[bytes]]]:
    if folder is None:
        for page_count in sorted(pages):
            yield f"generated {page_count}.pdf", ContentFile(contract_pdf(page_count))
        return
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            yield path.name, File(file)


def _add_row(report: Report, workspace: Workspace, name: str, file: File[bytes]) -> None:
    started = time.perf_counter()
    uploaded = document_upload(workspace=workspace, user=None, name=name, file=file, enqueue=False)
    version = DocumentVersion.objects.get(document=uploaded.document)
    ingest(version.pk, follow_up=False)
    seconds = time.perf_counter() - started
    version.refresh_from_db()
    if version.status != IngestStatus.READY:
        report.notes.append(f"{name}: {version.error_message}")
        return
    values = _measured(version, seconds)
    report.rows.append([values[column] for column in COLUMNS])
    report.values[name] = values | {"seconds": version.seconds, "embedder alone c/s": _alone(version)}
    share = values["embed c/s"] / max(1, report.values[name]["embedder alone c/s"])
    report.notes.append(f"{name}: the pipeline embeds at {share:.0%} of the embedder's own speed.")


def _measured(version: DocumentVersion, seconds: float) -> dict[str, Any]:
    speeds = {f"{s} p/s": round(version.page_count / max(version.seconds.get(s, 0), 0.001)) for s in STAGES}
    return speeds | {
        "file": version.document.name,
        "pages": version.page_count,
        "characters": version.characters,
        "searchable s": round(seconds, 2),
        "embed c/s": round(version.characters / max(version.seconds.get("embed", 0), 0.001)),
        "worker MiB": _peak_mib(resource.RUSAGE_SELF),
        "parser MiB": _peak_mib(resource.RUSAGE_CHILDREN),
    }


def _peak_mib(who: int) -> int:
    return resource.getrusage(who).ru_maxrss // 1024


def _alone(version: DocumentVersion) -> int:
    """Return the characters a second that the embedder reads of this document's chunks when it does nothing else."""
    rows = version.chunks.order_by("ordinal")[:ALONE_CHUNKS].values_list("heading_path", "text")
    texts = [embedded_text(path, text) for path, text in rows]
    started = time.perf_counter()
    embed_passages(texts)
    return round(sum(len(text) for _, text in rows) / (time.perf_counter() - started))
