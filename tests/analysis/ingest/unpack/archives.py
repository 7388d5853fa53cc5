"""Archives as hostile as they come, made by hand."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from analysis.ingest.unpack.listing import unpack
from analysis.ingest.unpack.rules import Rules

CODE = b"def total(prices):\n    return sum(prices)\n"


def tar_of(path: Path, files: dict[str, bytes], *others: tarfile.TarInfo, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in others:
            archive.addfile(info)
    return path


def special(name: str, kind: bytes, linkname: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, linkname
    return info


def zip_of(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def unpacked(archive: Path, folder: Path, **more: Any) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Return what `unpack` leaves in `folder`: the files by path, and the warnings."""
    folder.mkdir()
    limits = {"origin": "archive", "rules": Rules(), "most_bytes": 2**30, "most_files": 1000} | more
    unpack(archive, folder, report=lambda *_: None, **limits)
    rows = [json.loads(line) for line in (folder / "listing.jsonl").read_text().splitlines()]
    return {row.pop("path"): row for row in rows}, json.loads((folder / "warnings.json").read_text())
