"""An archive unpacked in the child's folder: the bytes that are read under their digest, and a list of every file.

No name of the archive becomes a name on disk, so nothing in it can lead out of the folder.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from analysis.errors import UserError
from analysis.ingest.parse import Report
from analysis.ingest.parse.text import looks_like_utf16
from analysis.ingest.unpack import messages
from analysis.ingest.unpack.entries import DAMAGES, FILE, LINK, SPECIAL, Entry, entries
from analysis.ingest.unpack.rules import (
    GIT_RULES,
    OWN_RULES,
    PathRules,
    Rules,
    content_reason,
    is_large_file_pointer,
    no_part,
)

PATH_MAX_CHARACTERS, PATH_MAX_BYTES = 1000, 2000
HEAD_BYTES = 8192
_RULES_MAX_BYTES = 256 * 1024
_REPORTED_FILES = 200
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_DRIVE = re.compile(r"^[A-Za-z]:")


@dataclass
class Found:
    """A file of the archive. digest: SHA-256 of its bytes, which lie in `files/` under it; "" if they are not there.

    against: what is known against reading it, in the words of `Disposition`; "" if nothing is.
    """

    path: str
    size_bytes: int
    against: str = ""
    digest: str = ""
    line_count: int = 0
    head: bytes = b""


@dataclass(frozen=True)
class ListedFile:
    """A line of the list. disposition: as `analysis.models.Disposition`; digest: as `Found.digest`."""

    path: str
    disposition: str
    size_bytes: int
    line_count: int
    digest: str


@dataclass
class _Unpacking:
    folder: Path
    rules: Rules
    most_files: int
    found: dict[str, Found] = field(default_factory=dict)
    warned: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def warn(self, message: str, path: str) -> None:
        self.warned[message] += 1
        self.first.setdefault(message, path)


def unpack(
    path: Path, folder: Path, *, origin: str, rules: Rules, most_bytes: int, most_files: int, report: Report
) -> None:
    """Leave in `folder` the files' bytes, `listing.jsonl` and `warnings.json`.

    origin: as `analysis.models.Origin`; what .gitignore says counts but for what git itself keeps, and an archive that
    holds one folder is that folder. Raises UserError: unsupported_type, damaged, too_large, encrypted, no_text, empty.
    """
    work = _Unpacking(folder, rules, most_files)
    (folder / "files").mkdir()
    for number, entry in enumerate(entries(path, most_bytes)):
        _take(work, entry)
        if number % _REPORTED_FILES == 0:
            report("unpack", number, 0)
    files = _without_top(work.found) if origin == "archive" else work.found
    _judge(work, files, origin)
    listed = [_row(name, files[name]) for name in sorted(files)]
    _refuse_useless(work, listed)
    with (folder / "listing.jsonl").open("w", encoding="utf-8") as listing:
        listing.writelines(json.dumps(asdict(row)) + "\n" for row in listed)
    warnings = [
        {"code": "archive", "message": message.format(count), "path": work.first[message]}
        for message, count in work.warned.items()
    ]
    (folder / "warnings.json").write_text(json.dumps(warnings), encoding="utf-8")


def _take(work: _Unpacking, entry: Entry) -> None:
    """Note the entry, and keep its bytes if they may be read."""
    name = _safe(entry.path)
    if name is None:
        work.warn(messages.OUTSIDE, _CONTROL.sub("\ufffd", entry.path)[:PATH_MAX_CHARACTERS])
    elif not name or no_part(name):
        return
    elif len(name) > PATH_MAX_CHARACTERS or len(name.encode()) > PATH_MAX_BYTES:
        work.warn(messages.LONG_NAMES, name[:PATH_MAX_CHARACTERS])
    elif entry.kind == SPECIAL:
        work.warn(messages.SPECIAL, name)
    else:
        _note(work, name, entry)


def _note(work: _Unpacking, name: str, entry: Entry) -> None:
    if name in work.found:
        work.warn(messages.TWICE, name)
    elif len(work.found) >= work.most_files:
        raise UserError(messages.too_many(work.most_files), code="too_large", status=413)
    if entry.guessed_name:
        work.warn(messages.GUESSED_NAMES, name)
    work.found[name] = found = Found(name, entry.size_bytes)
    if entry.kind == LINK:
        found.against = "link"
    elif entry.kind == FILE and entry.locked:
        found.against = "unreadable"
        work.warn(messages.LOCKED, name)
    else:
        _keep(work, found, entry)


def _keep(work: _Unpacking, found: Found, entry: Entry) -> None:
    """Read the entry as far as it is read at all: whole if it is small enough."""
    try:
        with entry.open() as file:
            data = file.read(work.rules.most_bytes + 1)
    except DAMAGES:
        found.against = "unreadable"
        work.warn(messages.BROKEN, found.path)
        return
    found.head = data[:HEAD_BYTES]
    found.size_bytes = max(entry.size_bytes, len(data))
    if not data:
        found.against = "empty"
    elif len(data) > work.rules.most_bytes:
        found.against = "binary" if content_reason(found.path, found.head, 0, 1, included=True) else "too_large"
    elif b"\0" in data and not looks_like_utf16(found.head):
        found.against = "binary"
    else:
        found.digest = hashlib.sha256(data).hexdigest()
        found.line_count = data.count(b"\n") + (not data.endswith(b"\n"))
        (work.folder / "files" / found.digest).write_bytes(data)


def _safe(path: str) -> str | None:
    """Return the path without what means nothing in it, None if it leads out of the archive."""
    if path.startswith("/") or _DRIVE.match(path):
        return None
    parts = [part for part in path.split("/") if part not in {"", "."}]
    return None if ".." in parts else _CONTROL.sub("\ufffd", "/".join(parts))


def _without_top(found: dict[str, Found]) -> dict[str, Found]:
    """Return the files without the one folder that all of them are in, if there is one."""
    tops = {name.partition("/")[0] for name in found}
    if len(tops) != 1 or not all("/" in name for name in found):
        return found
    return {name.partition("/")[2]: one for name, one in found.items()}


def _judge(work: _Unpacking, files: dict[str, Found], origin: str) -> None:
    """Note of every file what is against reading it. files: by path, as the repository has them."""
    by_path = PathRules(work.rules, _ignore_files(work, files, origin))
    for name, found in files.items():
        if found.against not in {"link", "empty", "unreadable"}:
            found.against = (
                by_path.reason(name) or found.against or _by_content(work, name, found, by_path.included(name))
            )


def _by_content(work: _Unpacking, name: str, found: Found, included: bool) -> str:
    if is_large_file_pointer(found.head):
        work.warn(messages.LARGE_FILES, name)
    return content_reason(name, found.head, found.size_bytes, found.line_count, included=included)


def _ignore_files(work: _Unpacking, files: dict[str, Found], origin: str) -> dict[str, list[str]]:
    """Return the rules that the repository has in each of its folders. What git tracks is not ignored by git's."""
    names = (OWN_RULES,) if origin == "git" else (GIT_RULES, OWN_RULES)
    rules: dict[str, list[str]] = {}
    for name in names:
        for path, found in files.items():
            folder, _, base = path.rpartition("/")
            if base == name and found.digest and found.size_bytes <= _RULES_MAX_BYTES:
                data = (work.folder / "files" / found.digest).read_bytes()
                rules.setdefault(folder, []).extend(data.decode("utf-8", "replace").splitlines())
    return rules


def _row(path: str, found: Found) -> ListedFile:
    line_count = 0 if found.against else found.line_count
    return ListedFile(path, found.against or "read", found.size_bytes, line_count, found.digest)


def _refuse_useless(work: _Unpacking, listed: Iterable[ListedFile]) -> None:
    dispositions = {row.disposition for row in listed}
    if "read" in dispositions:
        return
    if messages.LOCKED in work.warned:
        raise UserError(messages.ENCRYPTED, code="encrypted")
    raise UserError(messages.NO_TEXT if dispositions else messages.EMPTY, code="no_text")
