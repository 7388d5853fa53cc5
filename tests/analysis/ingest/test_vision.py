"""Scans read by a language model that sees: over a real socket, each page once, with OCR for where words stand."""

from __future__ import annotations

import base64
import io
import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from PIL import Image

from analysis.ingest import boxes, run, sandbox, vision
from analysis.ingest.parse.transcripts import Transcripts
from analysis.ingest.upload import document_upload
from analysis.ingest.vision import page_transcripts
from analysis.llm.registry import vision_llm
from analysis.models import Call, DocumentVersion, Transcript
from analysis.models.lease import claim
from analysis.types import Span, Warning
from config.env import env
from tests.analysis.ingest import papers
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM
from tests.conftest import Cast

pytestmark = pytest.mark.django_db(transaction=True)

RENT = "The Tenant shall pay rent monthly."
SECTION = "Section 9. Termination"


@pytest.fixture
def seeing_llm(scripted_llm: ScriptedLLM, settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptedLLM:
    """The configured endpoint, named as the language model that reads page images."""
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr(env, "vision_llm", "scripted")
    return scripted_llm


def put(cast: Cast, path: Path) -> DocumentVersion:
    file = ContentFile(path.read_bytes())
    return document_upload(workspace=cast.workspace, user=cast.editor, name=path.name, file=file).document.version


def tiff(path: Path, *pages: str) -> Path:
    first, *others = [papers.drawn(text) for text in pages]
    first.save(path, save_all=True, append_images=others, compression="tiff_lzw")
    return path


def image_of(request: dict) -> Image.Image:
    """Return the picture that a request carries."""
    parts = request["messages"][0]["content"]
    [url] = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    head, _, data = url.partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def held(version: DocumentVersion) -> run.Run:
    """Return a worker's hold on the version."""
    rows = DocumentVersion.objects.filter(pk=version.pk)
    rows.update(status="queued")
    token = claim(rows, waiting="queued", working="ingesting")
    assert token is not None
    return run.Run(rows.select_related("document").get(), token)


def read_in(version: DocumentVersion) -> DocumentVersion:
    run.ingest(version.pk, follow_up=False)
    version.refresh_from_db()
    assert (version.status, version.error_message) == ("ready", "")
    return version


def test_a_scan_is_read_by_the_llm_and_its_words_stand_where_they_are(
    cast: Cast, seeing_llm: ScriptedLLM, tmp_path: Path
) -> None:
    seeing_llm.replies = [Reply(words=[f"{RENT}\n", SECTION])]
    version = read_in(put(cast, papers.scan(tmp_path / "scan.pdf", RENT, SECTION)))
    assert version.read_text() == f"{RENT}\n{SECTION}"
    [request] = seeing_llm.requests
    assert image_of(request).size == (1200, 534)  # 900 x 400 at 150 dpi, drawn at 200
    page = version.pages.get()
    assert page.source == "ocr"
    start = version.read_text().index(SECTION)
    [line] = boxes.rectangles(bytes(page.boxes), 0, Span(start, start + len(SECTION)))
    assert line.x0 == pytest.approx(80 / 900, abs=0.02)
    assert 150 / 400 - 0.02 < line.y0 < line.y1 < 200 / 400
    assert version.metadata["scans_read_by"] == "scripted"
    assert [warning["message"] for warning in version.warnings] == [
        "Page 1 was scanned and read by scripted; check quotes against the image."
    ]


def test_every_call_is_in_the_ledger_with_its_document(cast: Cast, seeing_llm: ScriptedLLM, tmp_path: Path) -> None:
    seeing_llm.replies = [Reply(words=[RENT])]
    version = put(cast, tiff(tmp_path / "two.tif", RENT, RENT))
    page_transcripts(held(version), Path(version.file.path))
    calls = list(Call.objects.values_list("purpose", "workspace", "user", "document", "llm", "status"))
    call = ("vision", cast.workspace.pk, cast.editor.pk, version.document_id, "scripted", "done")
    assert calls == [call, call]


def test_pages_with_a_text_of_their_own_are_not_sent(cast: Cast, seeing_llm: ScriptedLLM, tmp_path: Path) -> None:
    version = put(cast, papers.contract(tmp_path / "a.pdf", 2))
    assert page_transcripts(held(version), Path(version.file.path)) is None
    assert seeing_llm.requests == []


def test_without_a_setting_ocr_reads_as_ever(
    cast: Cast, seeing_llm: ScriptedLLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env, "vision_llm", "")
    document = run._parse(held(put(cast, papers.scan(tmp_path / "scan.pdf", RENT))))
    assert seeing_llm.requests == []
    assert document.text == RENT
    assert document.warnings == [Warning("ocr", "Page 1 was scanned and read by OCR; check quotes against the image.")]


def test_a_page_that_fails_is_read_by_ocr_and_the_document_says_so(
    cast: Cast, seeing_llm: ScriptedLLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeing_llm.replies = [
        Reply(words=["By the LLM."]),
        Reply(status=400, body=json.dumps({"error": {"message": "no image"}})),
    ]
    monkeypatch.setattr(vision, "vision_llm", lambda: replace(vision_llm(), parallel=1))  # replies in the pages' order
    document = run._parse(held(put(cast, tiff(tmp_path / "two.tif", RENT, SECTION))))
    assert [document.text[page.start_char : page.end_char].strip() for page in document.pages] == [
        "By the LLM.",
        SECTION,
    ]
    assert [warning.message for warning in document.warnings] == [
        "Page 1 was scanned and read by scripted; check quotes against the image.",
        "Page 2 could not be read by scripted and was read by OCR instead; check quotes against the image.",
    ]


def test_an_endpoint_that_is_broken_is_not_asked_about_every_page(
    cast: Cast, seeing_llm: ScriptedLLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vision, "vision_llm", lambda: replace(vision_llm(), parallel=1))
    monkeypatch.setattr(vision, "PAGES_A_START", 3)
    seeing_llm.replies = [Reply(status=400, body=json.dumps({"error": {"message": "no"}}))]
    version = put(cast, tiff(tmp_path / "five.tif", *[f"Page {n} is here." for n in range(1, 6)]))
    assert page_transcripts(held(version), Path(version.file.path)) == Transcripts("scripted", {}, [1, 2, 3, 4, 5])
    assert len(seeing_llm.requests) == 3
    assert not Transcript.objects.exists()


def test_pages_that_were_read_before_a_death_are_not_paid_for_again(
    cast: Cast, seeing_llm: ScriptedLLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker dies while the second stretch of pages is drawn; the next one asks for that stretch alone."""
    monkeypatch.setattr(vision, "PAGES_A_START", 4)
    version = put(cast, tiff(tmp_path / "six.tif", *[f"Page {n} is here." for n in range(1, 7)]))
    seeing_llm.replies = [Reply(words=["Read."])]
    drawn: list[list[int]] = []
    draw = sandbox.page_pictures

    def dies(path: Path, numbers: list[int], **rest: str) -> dict[int, bytes]:
        drawn.append(numbers)
        if len(drawn) == 2:
            raise KeyboardInterrupt
        return draw(path, numbers, **rest)

    monkeypatch.setattr(sandbox, "page_pictures", dies)
    with pytest.raises(KeyboardInterrupt):
        page_transcripts(held(version), Path(version.file.path))
    assert len(seeing_llm.requests) == 4
    assert list(Transcript.objects.values_list("number", "text")) == [(n, "Read.") for n in (1, 2, 3, 4)]
    read = page_transcripts(held(version), Path(version.file.path))
    assert read == Transcripts("scripted", dict.fromkeys(range(1, 7), "Read."))
    assert drawn == [[1, 2, 3, 4], [5, 6], [5, 6]]
    assert len(seeing_llm.requests) == 6


class UntilAsked:
    """What an endpoint waits for before it answers: that it has been asked `count` times."""

    def __init__(self, llm: ScriptedLLM, count: int) -> None:
        self.llm, self.count = llm, count

    def wait(self, timeout_seconds: float) -> bool:
        return len(self.llm.requests) >= self.count or threading.Event().wait(timeout_seconds)


def test_pages_are_read_side_by_side_and_the_document_says_how_far(
    cast: Cast, seeing_llm: ScriptedLLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeing_llm.replies = [Reply(words=["Read."], hold=UntilAsked(seeing_llm, 2))]
    seen: list[tuple[str, int, int]] = []
    report = run.Run.report
    monkeypatch.setattr(run.Run, "report", lambda self, *step: seen.append(step) or report(self, *step))
    version = put(cast, tiff(tmp_path / "two.tif", RENT, SECTION))
    page_transcripts(held(version), Path(version.file.path))
    assert [step for step in seen if step[0] == "vision"] == [("vision", 0, 2), ("vision", 1, 2), ("vision", 2, 2)]
