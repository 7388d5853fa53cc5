"""Uploads: what is stored, what is refused, and what is gone after a deletion."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError
from hypothesis import given
from hypothesis import strategies as st

from analysis import progress
from analysis.errors import UserError
from analysis.ingest import upload
from analysis.ingest.render import pages_folder
from analysis.ingest.upload import clean_name, document_delete, document_rename, document_retry, document_upload
from analysis.models import Answer, Chunk, Document, DocumentVersion, Question, Reading, VersionText
from local.home import room

TEXT = b"1. Term. This Agreement starts on 1 May 2021.\n"


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    return settings.MEDIA_ROOT


@pytest.fixture
def queued(monkeypatch):
    """Record the versions sent to a worker, in place of the broker."""
    ids: list[int] = []
    monkeypatch.setattr(upload, "_enqueue", ids.append)
    return ids


def stored(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def put(cast, name="nda.txt", content=TEXT, **more):
    fields = {"workspace": cast.workspace, "user": cast.editor, "name": name, "file": ContentFile(content)} | more
    return document_upload(**fields)


def test_upload_stores_rows_and_bytes_and_enqueues_on_commit(cast, files, queued, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        uploaded = put(cast)
        assert queued == []
    version = uploaded.document.version
    assert uploaded.duplicate is False
    assert (uploaded.document.name, uploaded.document.uploaded_by) == ("nda.txt", cast.editor)
    assert (version.status, version.number, version.size_bytes) == ("queued", 1, len(TEXT))
    assert version.sha256 == hashlib.sha256(TEXT).hexdigest()
    assert [path.read_bytes() for path in stored(files)] == [TEXT]
    assert queued == [version.pk]
    events = progress.replay(progress.workspace_stream(cast.workspace.pk))
    assert [(event.name, event.data) for event in events] == [("document", {"id": str(uploaded.document.pk)})]


def test_same_bytes_are_recognised_in_this_workspace_only(cast, files, queued):
    first = put(cast)
    again = put(cast, name="copy of nda.txt")
    assert again == upload.Uploaded(first.document, duplicate=True)
    assert again.document.name == "nda.txt"
    elsewhere = put(cast, workspace=cast.outsider.workspaces.get(), user=cast.outsider)
    assert elsewhere.duplicate is False
    assert Document.objects.count() == 2
    assert len(stored(files)) == 2


def test_second_of_two_uploads_at_once_finds_the_first(cast, files, queued, monkeypatch):
    put(cast)
    look, looks = upload._same_bytes, iter([True, False])
    # The first look comes before the other upload has committed; the second, under the lock, after it.
    monkeypatch.setattr(upload, "_same_bytes", lambda *a: None if next(looks) else look(*a))
    assert put(cast).duplicate is True
    assert len(stored(files)) == Document.objects.count() == 1


def test_stored_file_goes_when_the_rows_cannot_be_written(cast, files, queued, monkeypatch):
    def refuse(*_):
        raise DatabaseError("disk full")

    monkeypatch.setattr(upload, "_insert", refuse)
    with pytest.raises(DatabaseError):
        put(cast)
    assert stored(files) == []
    assert Document.objects.count() == 0


@pytest.mark.parametrize(
    ("name", "content", "code", "status", "message"),
    [
        ("nda.txt", b"", "empty_file", 422, "The file is empty."),
        ("nda.txt", b"x" * (2**20 + 1), "too_large", 413, "The file is larger than 1 MiB."),
        ("..", TEXT, "bad_name", 422, "The file needs a name."),
        (
            "setup.exe",
            b"MZ\0\0\0",
            "unsupported_type",
            415,
            "Lectern cannot read .exe files. It reads PDF, Word (.docx), HTML, Markdown, text and pictures (PNG, JPEG, "
            "TIFF, WebP).",
        ),
        (
            "moving.gif",
            b"GIF89a\x01\0\x01\0",
            "unsupported_type",
            415,
            "GIF pictures cannot be read. Save it as PNG, and upload that.",
        ),
        (
            "IMG_0001.HEIC",
            b"\0\0\0\x18ftypheic\0\0\0\0",
            "unsupported_type",
            415,
            "HEIC pictures cannot be read. Save it as JPEG or PNG, or send it as PDF, and upload that.",
        ),
        (
            "meeting.mp3",
            b"ID3\x04\0\0\0\0\0\0",
            "no_audio_llm",
            415,
            "Recordings become documents once a language model that hears is set: name one in LECTERN_AUDIO_LLM, then "
            "upload the file again. Nothing was stored.",
        ),
        (
            "old.doc",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64),
            "unsupported_type",
            415,
            "Lectern cannot read files of old Office versions. Save it as .docx or PDF and upload that.",
        ),
    ],
)
def test_refused_uploads_say_why_and_leave_nothing(cast, files, settings, name, content, code, status, message):
    settings.UPLOAD_MAX_BYTES = 2**20
    with pytest.raises(UserError) as error:
        put(cast, name=name, content=content)
    assert (error.value.code, error.value.status, error.value.message) == (code, status, message)
    assert stored(files) == []
    assert Document.objects.count() == 0


def test_upload_larger_than_it_says_is_refused_while_it_is_read(cast, settings):
    settings.UPLOAD_MAX_BYTES = 2**20
    file = File(io.BytesIO(b"x" * (2**20 + 1)))
    file.size = 10
    with pytest.raises(UserError) as error:
        put(cast, file=file)
    assert error.value.code == "too_large"


def test_cut_off_upload_is_refused(cast, files):
    file = SimpleUploadedFile("nda.txt", TEXT[:20])
    file.size = len(TEXT)
    with pytest.raises(UserError) as error:
        put(cast, file=file)
    assert (error.value.code, error.value.status) == ("upload_cut_off", 422)
    assert stored(files) == []


def test_text_in_any_encoding_and_source_code_come_in(cast, queued):
    assert put(cast, "brief.rst", "Größe ☃".encode("utf-16")).document.name == "brief.rst"
    assert put(cast, "main.rs", b"fn main() {}").document.name == "main.rs"
    assert put(cast, "no ending", b"%PDF-1.7\n\0\0").document.name == "no ending"


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        ("nda.pdf", "nda.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\Master  Agreement.docx", "Master Agreement.docx"),
        ("a\x00b\nc\x7f.txt", "a b c .txt"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
        ("y" * 300, "y" * 255),
        ("z." + "e" * 300, "z." + "e" * 253),
        ("x" * 254 + "  " + "y" * 10, "x" * 254),
        ("Cafe\u0301.txt", "Café.txt"),
        ("contract\u202efdp.exe", "contractfdp.exe"),
        (".env", ".env"),
    ],
)
def test_clean_name(given_name, expected):
    assert clean_name(given_name) == expected


@pytest.mark.parametrize("name", ["", "   ", "..", ".", "a/", "a/..", "\x00\n"])
def test_clean_name_refuses_what_is_no_name(name):
    with pytest.raises(UserError) as error:
        clean_name(name)
    assert error.value.code == "bad_name"


@given(st.text(st.characters(), max_size=400))
def test_clean_name_is_safe_and_settled(name):
    try:
        cleaned = clean_name(name)
    except UserError:
        return
    assert 0 < len(cleaned) <= 255
    assert not set(cleaned) & set("/\\\0\n\r\t")
    assert clean_name(cleaned) == cleaned


def test_retry_sends_a_failed_version_again(cast, queued, django_capture_on_commit_callbacks):
    document = put(cast).document
    DocumentVersion.objects.update(status="failed", error_code="password_required", error_message="?", attempts=4)
    with django_capture_on_commit_callbacks(execute=True):
        document_retry(document, password="hunter2")
    version = DocumentVersion.objects.get()
    assert (version.status, version.error_code, version.error_message, version.attempts) == ("queued", "", "", 0)
    assert version.password == "hunter2"
    assert queued == [version.pk]


def test_retry_of_a_version_that_has_not_failed_is_refused(cast, queued):
    document = put(cast).document
    with pytest.raises(UserError) as error:
        document_retry(document)
    assert (error.value.code, error.value.status) == ("not_failed", 409)


def test_rename(cast, queued):
    document = put(cast).document
    document_rename(document, "../Signed NDA.txt")
    assert Document.objects.get().name == "Signed NDA.txt"


def test_delete_leaves_no_trace(cast, files, queued, django_capture_on_commit_callbacks):
    document, other = put(cast).document, put(cast, "b.txt", b"Other").document
    VersionText.objects.create(version=document.version, text=TEXT.decode())
    page = pages_folder(document.version) / "1.webp"
    page.parent.mkdir(parents=True)
    page.write_bytes(b"image")
    state = room("slots") / "a.kv"
    state.write_bytes(b"state")
    Reading.objects.create(version=document.version, llm="bundled", prompt_version=1, file_name="a.kv")
    alone = Question.objects.create(workspace=cast.workspace, text="Term?")
    alone.documents.add(document)
    both = Question.objects.create(workspace=cast.workspace, text="Same term?")
    both.documents.add(document, other)
    answer = Answer.objects.create(question=alone, llm="bundled")
    progress.emit(progress.answer_stream(answer.pk), "token", {"start_char": 0, "text": "May"})
    with django_capture_on_commit_callbacks(execute=True):
        document_delete(document)
    assert list(Document.objects.all()) == [other]
    assert list(Question.objects.all()) == [both]
    assert [path.read_bytes() for path in stored(files)] == [b"Other"]
    assert not state.exists()
    assert Reading.objects.count() == VersionText.objects.count() == Chunk.objects.count() == 0
    assert progress.replay(progress.answer_stream(answer.pk)) == []
