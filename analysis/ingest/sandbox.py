"""A child process that reads hostile files: limited memory, time and file size, no secrets, no network if possible."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import resource
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from analysis.errors import AppError, UserError
from analysis.ingest.parse import messages
from analysis.ingest.parse.handover import read_document
from analysis.ingest.parse.transcripts import Transcripts
from analysis.ingest.unpack.listing import ListedFile
from analysis.ingest.unpack.rules import Rules
from analysis.types import ParsedDocument
from config.env import env

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
Progress = Callable[[str, int, int], None]
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT")
_LARGEST_OUTPUT_BYTES = 2 * 2**30
_CPU_SECONDS = 4 * 3600


@dataclass(frozen=True)
class Piece:
    """A stretch of a recording. number: from 1. wav: its sound, 16 kHz and one channel; None where it is silent."""

    number: int
    start_seconds: float
    end_seconds: float
    wav: Path | None


class ParserFailed(AppError):
    """The parser itself is at fault; what it wrote to its error output is in the log."""

    code = "parser_failed"


def parse(
    path: Path, *, name: str, password: str = "", transcripts: Transcripts | None = None, on_progress: Progress
) -> ParsedDocument:
    """Return what the parsers make of the file at `path`, read in a child process.

    transcripts: what a language model has read on its page images, None where none was asked to. on_progress(stage,
    done, total): stage is "parse" or "ocr", the rest counts pages; it is called in this thread, and what it raises ends
    the child. Raises UserError: empty_document, password_required, password_wrong, damaged,
    unsupported_type, too_many_pages, too_large, parse_stalled, parse_memory.
    """
    request = _request("parse", path, name, password)
    request["transcripts"] = transcripts.to_json() if transcripts else None
    with tempfile.TemporaryDirectory(prefix="lectern-parse-") as folder:
        run(request, Path(folder), on_progress=on_progress)
        return read_document(Path(folder))


def parse_sources(files: Mapping[str, Path]) -> dict[str, ParsedDocument]:
    """Return what the parsers make of files of a repository, by their paths in it, all read in one child process.

    A file that ends the child, or takes it too long, is read again as plain text, and left out where even that fails.
    """
    found: dict[str, ParsedDocument] = {}
    left = [(name, path, False) for name, path in files.items()]
    while left:
        documents, is_whole = _read_sources(left)
        found |= documents
        missing = [each for each in left if each[0] not in documents]
        # Those after the one that ended the child have not been tried.
        tried = len(missing) if is_whole else 1
        left = [(name, path, True) for name, path, plain in missing[:tried] if not plain] + missing[tried:]
    return {name: found[name] for name in files if name in found}


def _read_sources(files: list[tuple[str, Path, bool]]) -> tuple[dict[str, ParsedDocument], bool]:
    """Return what could be read, and whether the child came to its end; the first one missing ended it otherwise."""
    done = 0

    def count(_stage: str, number: int, _total: int) -> None:
        nonlocal done
        done = number

    request = {
        "job": "parse_sources",
        "path": str(files[0][1].resolve()),
        "files": [(name, str(path.resolve()), plain) for name, path, plain in files],
    }
    with tempfile.TemporaryDirectory(prefix="lectern-parse-") as folder:
        try:
            run(request, Path(folder), on_progress=count)
        except (UserError, ParserFailed):
            is_whole = False
        else:
            is_whole = True
        folders = [(name, Path(folder) / str(number)) for number, (name, _, _) in enumerate(files[:done])]
        read = {name: read_document(place) for name, place in folders if (place / "document.json").exists()}
    return read, is_whole


def scans(path: Path, *, name: str, password: str = "", on_progress: Progress) -> list[int]:
    """Return the numbers of the pages that have to be read from their images. Raises as `parse` does."""
    with tempfile.TemporaryDirectory(prefix="lectern-parse-") as folder:
        run(_request("scans", path, name, password), Path(folder), on_progress=on_progress)
        numbers: list[int] = json.loads((Path(folder) / "scans.json").read_text())
        return numbers


def page_pictures(path: Path, numbers: list[int], *, password: str = "") -> dict[int, bytes]:
    """Return the images of pages `numbers` as PNG, fine enough to be read; those that are damaged are left out."""
    request = _request("draw_to_read", path, path.name, password) | {"page_numbers": numbers}
    with tempfile.TemporaryDirectory(prefix="lectern-parse-") as folder:
        run(request, Path(folder), on_progress=lambda *_: None)
        return {int(picture.stem): picture.read_bytes() for picture in Path(folder).glob("*.png")}


@contextlib.contextmanager
def sound_pieces(path: Path, *, on_progress: Progress) -> Iterator[list[Piece]]:
    """Yield the recording at `path` decoded and cut into pieces, whose files are there as long as the context is.

    Raises UserError: damaged, no_sound, too_long, parse_stalled, parse_memory.
    """
    request = _request("cut", path, path.name, "") | {"limit_minutes": env.recording_limit_minutes}
    with tempfile.TemporaryDirectory(prefix="lectern-sound-") as folder:
        run(request, Path(folder), on_progress=on_progress)
        told = json.loads((Path(folder) / "pieces.json").read_text())
        yield [
            Piece(number, start, end, None if silent else Path(folder) / f"{number}.wav")
            for number, (start, end, silent) in enumerate(told, 1)
        ]


@contextlib.contextmanager
def unpacked(path: Path, *, origin: str, rules: Rules, on_progress: Progress) -> Iterator[Unpacked]:
    """Yield what an archive of a repository holds; its files are there as long as the context is.

    origin: as `analysis.models.Origin`. Raises UserError: unsupported_type, damaged, too_large, encrypted, no_text,
    parse_stalled, parse_memory.
    """
    request = _request("unpack", path, path.name, "") | {
        "origin": origin,
        "rules": rules.as_json(),
        "most_bytes": env.repository_max_bytes,
        "most_files": env.repository_max_files,
    }
    with tempfile.TemporaryDirectory(prefix="lectern-unpack-") as folder:
        run(request, Path(folder), on_progress=on_progress)
        yield Unpacked(Path(folder))


@dataclass(frozen=True)
class Fetched:
    """A commit that a git server has sent. archive: its files. committed_at: ISO 8601. warnings: as of `Unpacked`."""

    archive: Path
    commit: str
    message: str
    committed_at: str
    warnings: list[dict[str, Any]]


@contextlib.contextmanager
def fetched(url: str, ref: str, *, credential: str, known: str, on_progress: Progress) -> Iterator[Fetched]:
    """Yield the commit that `ref` names on a git server; its archive is there as long as the context is.

    credential: reaches the child through its standard input alone. known: the commit that need not be sent again, ""
    if there is none. Raises UserError as `unpack.git.fetch` does.
    """
    with tempfile.TemporaryDirectory(prefix="lectern-fetch-") as folder:
        request = {
            "job": "fetch",
            "path": folder,
            "wanted": {"url": url, "ref": ref, "credential": credential, "known": known},
            "allowed": {
                "most_bytes": env.repository_max_bytes,
                "most_files": env.repository_max_files,
                "timeout_seconds": env.git_timeout_seconds,
                "private": env.git_private,
                "http": env.git_http,
                "authority": os.environ.get("SSL_CERT_FILE", ""),
            },
        }
        run(request, Path(folder), on_progress=on_progress, network=True)
        facts = json.loads((Path(folder) / "commit.json").read_text(encoding="utf-8"))
        yield Fetched(Path(folder) / "commit.tar.gz", **facts)


@dataclass(frozen=True)
class Unpacked:
    """A repository's files on this host, without their names."""

    folder: Path

    def rows(self) -> Iterator[ListedFile]:
        """Yield every file of the archive in the order of the paths, read from disk as it is asked for."""
        with (self.folder / "listing.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                yield ListedFile(**json.loads(line))

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """What people must know about the archive: {code, message, path}, the path of the first of such files."""
        told: list[dict[str, Any]] = json.loads((self.folder / "warnings.json").read_text(encoding="utf-8"))
        return told

    def file(self, digest: str) -> Path:
        """Return where the bytes of that SHA-256 are."""
        return self.folder / "files" / digest


def _request(job: str, path: Path, name: str, password: str) -> dict[str, Any]:
    if path.stat().st_size == 0:
        raise UserError(messages.EMPTY_FILE, code="empty_document")
    return {
        "job": job,
        "path": str(path.resolve()),
        "name": name,
        "password": password,
        "page_limit": env.page_limit,
    }


def run(request: dict[str, Any], folder: Path, *, on_progress: Progress, network: bool = False) -> None:
    """Run one request in a child process that works and leaves its results in `folder`.

    network: whether it may reach other machines, which no parser may.
    """
    limits = {
        "memory_bytes": env.parse_memory_bytes,
        "cpu_seconds": _CPU_SECONDS,
        "file_bytes": _LARGEST_OUTPUT_BYTES,
        "parent": os.getpid(),
        "network": network,
    }
    # The kernel starts a child's peak at its parent's, which may be a worker that holds an embedding model.
    inherited_bytes = _peak_bytes(resource.getrusage(resource.RUSAGE_SELF))
    with (folder / "stderr").open("wb") as stderr, _child(folder, stderr) as child:
        try:
            ended = _follow(child, {**request, "limits": limits}, on_progress)
            returncode, peak_bytes = _reap(child)
        finally:
            complaints = (folder / "stderr").read_bytes()[-4000:].decode(errors="replace")
            if complaints:
                logger.warning("Parser child on %s: %s", request["path"], complaints)
    if returncode or not ended:
        _fail(returncode, peak_bytes if peak_bytes > inherited_bytes else 0, complaints)


@contextlib.contextmanager
def _child(folder: Path, stderr: Any) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(
        [sys.executable, "-P", "-s", "-m", "analysis.ingest.parse"],
        cwd=folder,
        env=_environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        _end(child)


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    # One thread of linear algebra: each further one would claim address space, and nothing here multiplies matrices.
    own = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**kept, **own, "HOME": str(folder), "TMPDIR": str(folder)}


def _end(child: subprocess.Popen[bytes]) -> None:
    # The whole session: a parser may have started a process of its own. A reaped child's number is free for others.
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def _follow(child: subprocess.Popen[bytes], request: dict[str, Any], on_progress: Progress) -> bool:
    """Pass the child's progress on until it says how it ended; True when it ended well."""
    stdin = cast(IO[bytes], child.stdin)
    with contextlib.suppress(BrokenPipeError):
        stdin.write(json.dumps(request).encode() + b"\n")
        stdin.flush()
    for message in _messages(child):
        if "progress" in message:
            on_progress(*message["progress"])
        elif "error" in message:
            raise UserError(message["error"]["message"], code=message["error"]["code"])
        else:
            return bool(message.get("done"))
    return False


def _messages(child: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the child's JSON lines; UserError parse_stalled when none has come for a while."""
    stdout = cast(IO[bytes], child.stdout)
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        while True:
            deadline = time.monotonic() + env.parse_stall_seconds
            while b"\n" not in pending:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise UserError(messages.STALLED, code="parse_stalled")
                piece = os.read(stdout.fileno(), 65536)
                if not piece:
                    return
                pending += piece
            line, _, pending = pending.partition(b"\n")
            yield json.loads(line)


def _reap(child: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Wait for the child to leave; return its return code and the most memory that it or its parent held, in bytes."""
    deadline = time.monotonic() + env.parse_stall_seconds
    while time.monotonic() < deadline:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return child.returncode, _peak_bytes(usage)
        time.sleep(0.002)
    raise UserError(messages.STALLED, code="parse_stalled")


def _peak_bytes(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _fail(returncode: int, peak_bytes: int, stderr: str) -> None:
    logger.warning("Parser child ended with %s at %d MiB", returncode, peak_bytes >> 20)
    if returncode == -signal.SIGXCPU:
        raise UserError(messages.STALLED, code="parse_stalled")
    if returncode == -signal.SIGKILL or peak_bytes > 0.7 * env.parse_memory_bytes or "MemoryError" in stderr:
        raise UserError(messages.OUT_OF_MEMORY, code="parse_memory")
    if returncode < 0:
        # A native library crashed on this file: the file is broken in a way nobody foresaw.
        raise UserError(messages.DAMAGED, code="damaged")
    raise ParserFailed(f"The parser ended with status {returncode}.")
