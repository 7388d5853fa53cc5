"""One commit of a git server, without its history, as an archive: asked for by http(s), in the child process.

Nothing of the repository is run or followed: no hooks, no filters, no submodules, no other servers.
"""

from __future__ import annotations

import gzip
import json
import re
import signal
import stat
import sys
import tarfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn

import urllib3
from dulwich.client import HTTPUnauthorized, Urllib3HttpGitClient
from dulwich.errors import NotGitRepository
from dulwich.objects import Commit, ObjectID, Tag, Tree
from dulwich.repo import Repo

from analysis.errors import UserError
from analysis.ingest.parse import Report
from analysis.ingest.unpack import messages
from analysis.ingest.unpack.addresses import pool

ARCHIVE, FACTS = "commit.tar.gz", "commit.json"
# Servers that take tokens take them as the password, most of them whatever the name is.
_TOKEN_NAME = "x-access-token"  # noqa: S105
_COMMIT = re.compile("[0-9a-f]{40}")
_BEAT_SECONDS = 5
_MESSAGE_CHARACTERS = 300
_DEEPEST = 100
_SUBMODULE_MODE = 0o160000


@dataclass(frozen=True)
class Wanted:
    """What to fetch. ref: a branch, tag or commit, "" for the server's own choice. known: the commit that is here."""

    url: str
    ref: str
    credential: str
    known: str


@dataclass(frozen=True)
class Limits:
    """most_bytes: of what is sent, and of the files it unpacks to. private, http, authority: as `addresses.pool`."""

    most_bytes: int
    most_files: int
    timeout_seconds: int
    private: bool
    http: bool
    authority: str


def fetch(wanted: Wanted, limits: Limits, folder: Path, report: Report) -> None:
    """Leave the commit's files in `folder` as ARCHIVE, and in FACTS what it is.

    Raises UserError: not_found, no_ref, unchanged, private_address, no_answer, timed_out, too_large, git_failed.
    """
    try:
        with _ending_after(limits.timeout_seconds), _beating(report):
            repository = Repo.init_bare(str(folder / "fetched"), mkdir=True)
            commit = _fetched(wanted, limits, repository, report)
            warnings = _pack(repository, commit, folder / ARCHIVE, limits)
            facts = asdict(_facts(commit)) | {"warnings": warnings}
            (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")
    except (UserError, MemoryError):
        raise
    except Exception as error:
        raise _in_words(error, wanted.credential) from None


@dataclass(frozen=True)
class Facts:
    """What a commit is. committed_at: ISO 8601."""

    commit: str
    message: str
    committed_at: str


def _facts(commit: Commit) -> Facts:
    first_line = commit.message.decode("utf-8", "replace").strip().split("\n", 1)[0].replace("\0", "\ufffd")
    when = datetime.fromtimestamp(max(0, min(commit.commit_time, 2**32)), UTC)
    return Facts(commit.id.decode(), first_line[:_MESSAGE_CHARACTERS], when.isoformat())


@contextmanager
def _ending_after(seconds: int) -> Iterator[None]:
    def end(*_: object) -> NoReturn:
        raise UserError(messages.timed_out(seconds), code="timed_out")

    signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


@contextmanager
def _beating(report: Report) -> Iterator[None]:
    """Report all the while: packing at the server and unpacking here are silent, and the time is limited anyway."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(_BEAT_SECONDS):
            report("fetch", 0, 0)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()


class _Client(Urllib3HttpGitClient):
    """A client that reads no more than it may, and only from a server that talks git."""

    def __init__(self, wanted: Wanted, limits: Limits, report: Report) -> None:
        name, colon, password = wanted.credential.partition(":")
        login = (name, password) if colon else (_TOKEN_NAME, name)
        super().__init__(
            wanted.url,
            pool_manager=pool(private=limits.private, http=limits.http, authority=limits.authority),
            username=login[0] if wanted.credential else None,
            password=login[1] if wanted.credential else None,
            quiet=True,
        )
        self._left, self._limit, self._report = limits.most_bytes, limits.most_bytes, report

    def _http_request(self, *args: Any, **options: Any) -> Any:
        response, read = super()._http_request(*args, **options)
        if not (response.content_type or "").startswith("application/x-git-"):
            raise NotGitRepository
        return response, self._counted(read)

    def _counted(self, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
        def counted(size: int) -> bytes:
            data = read(size)
            self._left -= len(data)
            if self._left < 0:
                raise UserError(messages.unpacks_too_large(self._limit), code="too_large", status=413)
            return data

        return counted


def _fetched(wanted: Wanted, limits: Limits, repository: Repo, report: Report) -> Commit:
    """Return the commit, which is in `repository` then."""
    client = _Client(wanted, limits, report)
    found: list[ObjectID] = []

    def choose(refs: Any, depth: int | None = None) -> list[ObjectID]:
        found[:] = [_chosen(refs, wanted.ref)]
        if found[0].decode() == wanted.known:
            raise UserError(messages.UNCHANGED, code="unchanged", status=409)
        return found

    client.fetch("", repository, determine_wants=choose, depth=1)
    commit = _peeled(repository, found[0])
    if commit.id.decode() == wanted.known:
        raise UserError(messages.UNCHANGED, code="unchanged", status=409)
    return commit


def _chosen(refs: dict[bytes, ObjectID], ref: str) -> ObjectID:
    """Return what `ref` names among the server's refs, or the commit itself, which the server may refuse."""
    name = ref.encode() or b"HEAD"
    for candidate in (b"refs/heads/" + name, b"refs/tags/" + name, name):
        if candidate in refs:
            return refs[candidate]
    if _COMMIT.fullmatch(ref.lower()):
        return ObjectID(ref.lower().encode())
    beginning = [sha for sha in set(refs.values()) if len(ref) >= 7 and sha.startswith(ref.lower().encode())]
    if len(beginning) == 1:
        return beginning[0]
    raise UserError(messages.no_ref(ref), code="no_ref")


def _peeled(repository: Repo, sha: ObjectID) -> Commit:
    """Return the commit that a tag stands for, or the commit."""
    for _ in range(_DEEPEST):
        found = repository.object_store[sha]
        if isinstance(found, Commit):
            return found
        if not isinstance(found, Tag):
            break
        sha = found.object[1]
    raise UserError(messages.NO_COMMIT, code="no_ref")


def _pack(repository: Repo, commit: Commit, target: Path, limits: Limits) -> list[dict[str, Any]]:
    """Write the commit's files to the archive at `target`; return what people must know about them."""
    submodules: list[str] = []
    left = limits.most_bytes
    with (
        gzip.GzipFile(target, "wb", compresslevel=1, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w|") as tar,
    ):
        for path, mode, sha in _tree(repository, commit.tree, limits.most_files):
            if mode == _SUBMODULE_MODE:
                submodules.append(path)
                continue
            data = repository.object_store.get_raw(sha)[1]
            left -= len(data)
            if left < 0:
                raise UserError(messages.unpacks_too_large(limits.most_bytes), code="too_large", status=413)
            tar.addfile(_member(path, mode, data), BytesIO(data))
    if not submodules:
        return []
    return [{"code": "git", "message": messages.SUBMODULES.format(len(submodules)), "path": submodules[0]}]


def _member(path: str, mode: int, data: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.size = len(data)
    if stat.S_ISLNK(mode):
        info.type, info.linkname, info.size = tarfile.SYMTYPE, data.decode("utf-8", "surrogateescape")[:1000], 0
    return info


def _tree(repository: Repo, root: ObjectID, most_files: int) -> Iterator[tuple[str, int, ObjectID]]:
    """Yield (path, mode, id) of what is in the tree and is no folder. One tree may stand in others a million times."""
    waiting, seen = [("", root, 0)], 0
    while waiting:
        folder, sha, depth = waiting.pop()
        tree = repository.object_store[sha]
        if not isinstance(tree, Tree) or depth > _DEEPEST:
            raise UserError(messages.GIT_FAILED, code="git_failed")
        for entry in tree.iteritems():
            seen += 1
            if seen > 2 * most_files:
                raise UserError(messages.too_many(most_files), code="too_large", status=413)
            path = folder + entry.path.decode("utf-8", "surrogateescape")
            if stat.S_ISDIR(entry.mode):
                waiting.append((path + "/", entry.sha, depth + 1))
            else:
                yield path, entry.mode, entry.sha


def _in_words(error: Exception, credential: str) -> UserError:
    """Return what the person is told; what happened goes to the log, without the token."""
    if isinstance(error, NotGitRepository | HTTPUnauthorized) or re.search(r"http resp 40[134]\b", str(error)):
        return UserError(messages.NOT_FOUND, code="not_found")
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, urllib3.exceptions.SSLError):
            return UserError(messages.NOT_TRUSTED, code="not_trusted")
        if isinstance(cause, urllib3.exceptions.URLSchemeUnknown):
            return UserError(messages.LEADS_AWAY, code="bad_url")
        if isinstance(cause, urllib3.exceptions.TimeoutError | TimeoutError):
            return UserError(messages.NO_ANSWER, code="no_answer")
        cause = cause.__cause__ or cause.__context__
    told = traceback.format_exc()
    sys.stderr.write(told.replace(credential, "…") if credential else told)
    return UserError(messages.GIT_FAILED, code="git_failed")
