"""The workspace's home: what comes in, what is listed, who may do what, and what the live list says."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from analysis import progress
from analysis.answer.prompt import PROMPT_VERSION
from analysis.llm.catalogue import LLM, catalogue
from analysis.models import Answer, Document, DocumentVersion, Question, Reading
from analysis.tasks import ingest_version
from analysis.views import listing
from analysis.views.listing import Wanted, progress_of, short_count
from local.samples import NAMES
from tests.conftest import Cast
from workspaces.models import Member, User

BUNDLED = "qwen2.5-coder-0.5b-instruct"
ADDED = "Added, and waiting to be read."


@pytest.fixture(autouse=True)
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Keep what would be sent to a worker: there is none here."""
    sent: list[int] = []
    monkeypatch.setattr(ingest_version, "delay", sent.append)
    return sent


@pytest.fixture(autouse=True)
def llm(monkeypatch: pytest.MonkeyPatch) -> LLM:
    """Measure windows by the bundled LLM, whose server does not run here."""
    bundled = catalogue()[BUNDLED]
    monkeypatch.setattr(listing, "llm_get", lambda: bundled)
    return bundled


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def make(cast: Cast, name: str, **fields: Any) -> DocumentVersion:
    document = Document.objects.create(workspace=cast.workspace, name=name, uploaded_by=cast.owner)
    given = {"sha256": uuid.uuid4().hex, "size_bytes": 1, "status": "ready", "kind": "pdf"} | fields
    document.version = DocumentVersion.objects.create(document=document, **given)
    document.save()
    return document.version


def make_question(cast: Cast, text: str, *versions: DocumentVersion, status: str = "done") -> Question:
    question = Question.objects.create(
        workspace=cast.workspace, asker=cast.editor, text=text, across_workspace=not versions
    )
    question.documents.set([version.document_id for version in versions])
    Answer.objects.create(question=question, status=status, llm=BUNDLED)
    return question


def names(html: str) -> list[str]:
    """Return the names in the table, top to bottom."""
    return re.findall(r'class="document-name" href="[^"]+">([^<]+)<', html)


def page(client: Client, query: str = "") -> str:
    return client.get(f"/w/firm/{query}").content.decode()


def text_file(name: str, words: str = "The term is five years.") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, words.encode())


# Uploading


def test_of_several_files_the_good_are_kept_and_the_bad_is_named(
    cast: Cast, enqueued: list[int], django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    client = signed_in(cast.editor)
    files = [text_file("lease.txt"), text_file("empty.txt", ""), text_file("side letter.txt", "Delaware law governs.")]

    with django_capture_on_commit_callbacks(execute=True):
        response = client.post("/w/firm/documents/", {"file": files}, follow=True)

    html = response.content.decode()
    assert response.redirect_chain == [("/w/firm/", 302)]
    assert names(html) == ["side letter.txt", "lease.txt"]
    assert html.count("Waiting to be read") == 2
    assert "Added 2 documents." in html
    assert "empty.txt: The file is empty." in html
    assert enqueued == list(DocumentVersion.objects.order_by("pk").values_list("pk", flat=True))
    assert len(enqueued) == 2


def test_a_script_is_told_of_each_file(cast: Cast) -> None:
    client = signed_in(cast.editor)
    files = [text_file("lease.txt"), text_file("<b>.exe", "MZ\0\0")]

    response = client.post("/w/firm/documents/", {"file": files}, headers={"HX-Request": "true"})

    lease = Document.objects.get()
    assert response.status_code == 200
    assert response.content.decode().split("</li>")[:2] == [
        f'<li class="received received-added"><span class="received-name"><a href="/d/{lease.pk}/">lease.txt</a></span>'
        f' <span class="received-sentence">{ADDED}</span>',
        '<li class="received received-refused"><span class="received-name">&lt;b&gt;.exe</span>'
        ' <span class="received-sentence">Lectern cannot read .exe files. It reads PDF, Word (.docx), HTML, Markdown, '
        "text and pictures (PNG, JPEG, TIFF, WebP).</span>",
    ]


@pytest.mark.parametrize(
    ("name", "words", "status", "sentence"),
    [
        ("empty.txt", "", 422, "The file is empty."),
        ("notes.bin", "a\0b", 415, "Lectern cannot read .bin files."),
        ("long.txt", "x" * 2000, 413, "The file is larger than 0 MiB."),
    ],
)
def test_one_refused_file_has_the_status_of_its_refusal(
    cast: Cast, settings: Any, name: str, words: str, status: int, sentence: str
) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    response = signed_in(cast.editor).post(
        "/w/firm/documents/", {"file": text_file(name, words)}, headers={"HX-Request": "true"}
    )
    assert response.status_code == status
    assert sentence in response.content.decode()
    assert not Document.objects.exists()


def test_the_same_bytes_again_are_said_to_be_here(cast: Cast) -> None:
    client = signed_in(cast.editor)
    client.post("/w/firm/documents/", {"file": text_file("lease.txt")})

    html = client.post("/w/firm/documents/", {"file": text_file("copy.txt")}, follow=True).content.decode()

    assert "copy.txt: Already here as “lease.txt”: nothing was added." in html
    assert names(html) == ["lease.txt"]


def test_no_file_at_all_is_said(cast: Cast) -> None:
    client = signed_in(cast.editor)
    assert "No file was chosen." in client.post("/w/firm/documents/", follow=True).content.decode()
    response = client.post("/w/firm/documents/", headers={"HX-Request": "true"})
    assert response.status_code == 422
    assert "No file was chosen." in response.content.decode()


@pytest.mark.django_db(transaction=True)
async def test_an_upload_that_is_cut_off_leaves_nothing(cast: Cast, settings: Any) -> None:
    client = AsyncClient()
    await client.aforce_login(cast.editor)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    headers = [(b"content-type", b"multipart/form-data; boundary=x"), (b"cookie", cookie.encode())]
    scope = {"type": "http", "method": "POST", "path": "/w/firm/documents/", "headers": headers}
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="lease.txt"\r\n\r\nThe term is'
    caller = ApplicationCommunicator(get_asgi_application(), scope)
    await caller.send_input({"type": "http.request", "body": head, "more_body": True})
    await caller.send_input({"type": "http.disconnect"})
    await caller.wait()
    assert await caller.receive_nothing()
    assert not await Document.objects.aexists()


def test_the_sample_is_added_once_and_opened(cast: Cast) -> None:
    client = signed_in(cast.owner)
    first = client.post("/w/firm/sample/")
    again = client.post("/w/firm/sample/")
    agreement = Document.objects.get(name=NAMES[0])
    assert first["Location"] == again["Location"] == f"/d/{agreement.pk}/"
    assert sorted(Document.objects.values_list("name", flat=True)) == sorted(NAMES)


# The table


def test_an_empty_workspace_offers_a_place_to_drop_and_a_sample(cast: Cast) -> None:
    html = page(signed_in(cast.editor))
    assert "Drop contracts here, or choose files" in html
    assert "Try a sample agreement" in html
    assert "<table" not in html


def test_a_row_says_what_there_is_to_know(cast: Cast, llm: LLM) -> None:
    version = make(cast, "lease <1>.pdf", page_count=12, tokens=7912)
    Reading.objects.create(version=version, llm=BUNDLED, prompt_version=PROMPT_VERSION, status="read")
    make_question(cast, "How long?", version)

    html = page(signed_in(cast.viewer))

    assert names(html) == ["lease &lt;1&gt;.pdf"]
    assert '12<span class="unit"> pages</span>' in html
    assert '7,912<span class="unit"> tokens</span>' in html
    assert f"24 % of {llm.name}’s window" in html
    assert "of 32k window" in html
    assert "Read once: whole-document answers start at once" in html
    assert html.count(">today</time>") == 2


def test_a_row_says_how_far_it_is_read_ahead(cast: Cast, llm: LLM) -> None:
    lease, note = make(cast, "lease.pdf", page_count=30, tokens=7912), make(cast, "note.txt", tokens=800)
    facts = {"llm": BUNDLED, "prompt_version": PROMPT_VERSION}
    soon = timezone.now() + timedelta(minutes=1)
    Reading.objects.create(
        version=lease, status="reading", lease_expires_at=soon, tokens_done=4608, tokens_total=7680, **facts
    )
    Reading.objects.create(version=note, status="queued", tokens_done=512, tokens_total=800, **facts)
    html = page(signed_in(cast.viewer))
    assert "Read 18 of 30 pages ahead of questions" in html
    assert '<progress max="1000" value="600"' in html
    assert "Read 64 % ahead of questions" in html


def test_a_reading_that_waits_or_was_left_is_not_under_way(cast: Cast) -> None:
    facts = {"llm": BUNDLED, "prompt_version": PROMPT_VERSION, "tokens_total": 800}
    past = timezone.now() - timedelta(seconds=1)
    Reading.objects.create(version=make(cast, "a.pdf"), status="queued", **facts)
    Reading.objects.create(
        version=make(cast, "b.pdf"), status="reading", lease_expires_at=past, tokens_done=512, **facts
    )
    assert "ahead of" not in page(signed_in(cast.viewer))


def test_a_reading_by_another_llm_is_no_reading(cast: Cast) -> None:
    version = make(cast, "lease.pdf")
    Reading.objects.create(version=version, llm="another", prompt_version=PROMPT_VERSION, status="read")
    Reading.objects.create(version=version, llm=BUNDLED, prompt_version=PROMPT_VERSION, status="reading")
    assert "Read once" not in page(signed_in(cast.viewer))


def test_a_document_longer_than_the_window_says_so(cast: Cast) -> None:
    make(cast, "code.txt", tokens=65536)
    html = page(signed_in(cast.viewer))
    assert "200 % of" in html
    assert "too long to be read whole at once" in html


@pytest.mark.parametrize(
    ("fields", "words", "permille"),
    [
        ({"status": "queued"}, "Waiting to be read", None),
        ({}, "Reading", 0),
        ({"stage": "parse", "stage_done": 41, "stage_total": 120}, "Reading page 41 of 120", 68),
        ({"stage": "ocr", "stage_done": 1, "stage_total": 2}, "Reading scanned page 1 of 2", 100),
        ({"stage": "chunk"}, "Dividing into passages", 205),
        ({"stage": "embed", "stage_done": 1, "stage_total": 2}, "Embedding passage 1 of 2", 595),
        ({"stage": "embed", "stage_done": 3, "stage_total": 2}, "Embedding passage 3 of 2", 970),
        ({"stage": "index"}, "Adding to the index", 970),
    ],
)
def test_a_stage_in_words(fields: dict[str, Any], words: str, permille: int | None) -> None:
    assert progress_of(DocumentVersion(**{"status": "ingesting"} | fields)) == listing.Progress(words, permille)


@pytest.mark.parametrize("status", ["ready", "failed"])
def test_what_is_over_has_no_progress(status: str) -> None:
    assert progress_of(DocumentVersion(status=status)) is None


@pytest.mark.parametrize(
    ("tokens", "words"),
    [(32_768, "32k"), (131_072, "128k"), (200_000, "200k"), (1_048_576, "1M"), (1_000_000, "1M"), (1_500_000, "1.5M")],
)
def test_windows_as_they_are_spoken_of(tokens: int, words: str) -> None:
    assert short_count(tokens) == words


def test_a_failed_document_says_why_and_what_to_do(cast: Cast) -> None:
    damaged = make(cast, "scan.pdf", status="failed", error_code="damaged", error_message="Its end is missing.")
    locked = make(cast, "minutes.pdf", status="failed", error_code="password_required", error_message="Encrypted.")

    html = page(signed_in(cast.editor))

    assert "Its end is missing." in html
    assert f'action="/d/{damaged.document_id}/retry/"' in html
    assert f'action="/d/{locked.document_id}/password/"' in html
    assert f'action="/d/{locked.document_id}/retry/"' not in html
    assert html.count("Download the original") == 2


def test_warnings_are_on_the_row(cast: Cast) -> None:
    told = [{"code": "x", "message": f"Page {n} could not be read.", "page_number": n} for n in (4, 9)]
    make(cast, "scan.pdf", warnings=told)
    html = page(signed_in(cast.viewer))
    assert "Page 4 could not be read." in html
    assert ">1 more</a>" in html


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["b.pdf", "C.txt", "a.pdf"]),
        ("?sort=name", ["a.pdf", "b.pdf", "C.txt"]),
        ("?sort=-name", ["C.txt", "b.pdf", "a.pdf"]),
        ("?sort=pages", ["b.pdf", "a.pdf", "C.txt"]),
        ("?sort=-tokens", ["b.pdf", "a.pdf", "C.txt"]),
        ("?sort=kind", ["b.pdf", "a.pdf", "C.txt"]),
        ("?sort=asked", ["C.txt", "b.pdf", "a.pdf"]),
        ("?sort=-asked", ["C.txt", "b.pdf", "a.pdf"]),
        ("?sort=added", ["a.pdf", "C.txt", "b.pdf"]),
        ("?sort=evil", ["b.pdf", "C.txt", "a.pdf"]),
        ("?name=PDF", ["b.pdf", "a.pdf"]),
        ("?status=failed", ["C.txt"]),
        ("?status=ready&name=a", ["a.pdf"]),
        ("?page=999", ["b.pdf", "C.txt", "a.pdf"]),
        ("?page=²", ["b.pdf", "C.txt", "a.pdf"]),
    ],
)
def test_filters_and_order(cast: Cast, query: str, shown: list[str]) -> None:
    make(cast, "a.pdf", page_count=5, tokens=10)
    failed = make(cast, "C.txt", page_count=9, tokens=1, kind="text", status="failed")
    make(cast, "b.pdf", page_count=1, tokens=20)
    make_question(cast, "How long?", failed)
    client = signed_in(cast.viewer)

    assert names(page(client, query)) == shown
    assert names(client.get(f"/w/firm/rows/{query}").content.decode()) == shown


def test_filters_count_what_they_show(cast: Cast) -> None:
    for status in ["ready", "ready", "queued", "ingesting", "failed"]:
        make(cast, f"{status}.pdf", status=status)
    html = page(signed_in(cast.viewer))
    found = re.findall(r'class="chip" href="\?([^"]*)"[^>]*>([\w ]+) <span class="numbers">(\d+)<', html)
    assert found == [
        ("", "All", "5"),
        ("status=ready", "Ready", "2"),
        ("status=reading", "Being read", "2"),
        ("status=failed", "Failed", "1"),
    ]


def test_pages_of_fifty_neither_repeat_nor_skip(cast: Cast) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(53):
        make(cast, f"{number}.pdf")
    Document.objects.update(uploaded_at=moment)
    client = signed_in(cast.viewer)

    first, second = page(client), page(client, "?page=2")

    assert (len(names(first)), len(names(second))) == (50, 3)
    assert len({*names(first), *names(second)}) == 53
    assert "51 – 53 of 53" in second
    assert 'href="?page=2" rel="next"' in first
    assert 'href="?" rel="prev"' in second


def test_a_wish_survives_its_query_string() -> None:
    wanted = Wanted(name="a & b", status="failed", sort="-tokens", page=3)
    assert wanted.query() == "name=a+%26+b&status=failed&sort=-tokens&page=3"
    assert Wanted().query() == ""
    assert wanted.toggled("tokens") == Wanted(name="a & b", status="failed", sort="tokens")
    assert wanted.toggled("tokens").toggled("tokens").sort == "-tokens"


def test_questions_do_not_grow_with_documents(cast: Cast) -> None:
    client = signed_in(cast.editor)

    def count() -> int:
        page(client)
        with CaptureQueriesContext(connection) as queries:
            page(client)
        return len(queries)

    for number in range(3):
        make_question(cast, f"{number}?", make(cast, f"{number}.pdf"))
    few = count()
    for number in range(3, 40):
        make_question(cast, f"{number}?", make(cast, f"{number}.pdf", warnings=[]))
    assert count() == few
    assert few <= 12  # one of them counts what the bell shows, one finds the folders


def test_recent_questions_with_their_state(cast: Cast) -> None:
    version = make(cast, "lease.pdf")
    done = make_question(cast, "How long?", version)
    Answer.objects.create(question=done, number=2, status="failed", llm=BUNDLED)
    make_question(cast, "<i>Who?</i>", status="running")

    html = page(signed_in(cast.viewer))
    recent = re.findall(r'<li id="question-([^"]+)">(.*?)</li>', html, re.S)

    assert [id for id, _ in recent] == [str(q.pk) for q in Question.objects.order_by("-created_at")]
    assert "&lt;i&gt;Who?&lt;/i&gt;" in recent[0][1]
    assert "Being answered" in recent[0][1]
    assert "Whole workspace" in recent[0][1]
    assert 'badge-bad">Failed' in recent[1][1]
    assert "lease.pdf" in recent[1][1]
    assert "editor@firm.example" in recent[1][1]


# Who may do what


def test_a_viewer_reads_and_changes_nothing(cast: Cast) -> None:
    version = make(cast, "lease.pdf")
    client = signed_in(cast.viewer)
    html = page(client)
    assert "lease.pdf" in html
    for control in ["Add documents", "data-upload", 'name="document"', "documents/delete/", "Ask the workspace"]:
        assert control not in html
    refused = [
        client.post("/w/firm/documents/", {"file": text_file("a.txt")}),
        client.post("/w/firm/sample/"),
        client.post("/w/firm/documents/delete/", {"document": str(version.document_id)}),
    ]
    assert [response.status_code for response in refused] == [403, 403, 403]
    assert "This needs the role of editor in this workspace." in refused[0].content.decode()
    assert list(Document.objects.values_list("name", flat=True)) == ["lease.pdf"]


@pytest.mark.parametrize("path", ["", "rows/", "search/?q=x", "palette/", "documents/delete/?document=x"])
def test_to_an_outsider_the_workspace_is_not_there(cast: Cast, path: str) -> None:
    assert signed_in(cast.outsider).get(f"/w/firm/{path}").status_code == 404


@pytest.mark.parametrize("path", ["documents/", "sample/", "documents/delete/"])
def test_an_outsider_can_post_nothing(cast: Cast, path: str) -> None:
    assert signed_in(cast.outsider).post(f"/w/firm/{path}").status_code == 404


def test_who_is_not_signed_in_is_sent_to_sign_in(cast: Cast) -> None:
    assert Client().get("/w/firm/")["Location"] == "/accounts/login/?next=/w/firm/"


# Deleting


def test_deleting_asks_first_and_then_deletes_only_what_was_chosen(cast: Cast) -> None:
    kept, chosen = make(cast, "kept.pdf"), make(cast, "chosen.pdf")
    client = signed_in(cast.editor)
    asked = client.get(f"/w/firm/documents/delete/?document={chosen.document_id}").content.decode()
    assert "Delete this document?" in asked
    assert "chosen.pdf" in asked
    assert "kept.pdf" not in asked

    chosen_ids = {"document": [str(chosen.document_id)]}
    html = client.post("/w/firm/documents/delete/", chosen_ids, follow=True).content.decode()

    assert "Deleted “chosen.pdf”." in html
    assert list(Document.objects.values_list("pk", flat=True)) == [kept.document_id]


def test_a_document_of_another_workspace_cannot_be_deleted_from_here(cast: Cast) -> None:
    theirs = make(cast, "theirs.pdf")
    own = signed_in(cast.outsider)
    response = own.post("/w/elsewhere/documents/delete/", {"document": [str(theirs.document_id)]})
    assert response.status_code == 302
    assert Document.objects.count() == 1


def test_an_id_that_is_none_is_a_bad_request(cast: Cast) -> None:
    assert signed_in(cast.editor).get("/w/firm/documents/delete/?document=x").status_code == 400


# Going anywhere


def test_the_palette_offers_actions_documents_and_workspaces(cast: Cast) -> None:
    make(cast, "Lease of Harbour Street.pdf")
    make(cast, "Side letter.pdf")
    client = signed_in(cast.editor)

    def offered(query: str) -> list[str]:
        html = client.get("/w/firm/palette/", {"q": query}).content.decode()
        return re.findall(r'role="option".*?<span class="truncate">([^<]+)</span>', html)

    assert offered("harbour") == ["Ask: harbour", "Search for: harbour", "Lease of Harbour Street.pdf"]
    to_do = ["Go to The Firm", "Ask the whole workspace", "Add documents", "Add a repository", "Workspace settings"]
    assert offered("") == [*to_do, "Side letter.pdf", "Lease of Harbour Street.pdf"]
    assert "Add documents" in offered("add doc")
    assert offered("else") == ["Ask: else", "Search for: else"]


def test_the_palette_leads_only_to_workspaces_one_is_in(cast: Cast) -> None:
    Member.objects.create(workspace=cast.outsider.workspaces.get(), user=cast.viewer)
    html = signed_in(cast.viewer).get("/w/firm/palette/", {"q": "else"}).content.decode()
    assert 'href="/w/elsewhere/"' in html
    assert "Ask:" not in html
    assert "Add a" not in signed_in(cast.viewer).get("/w/firm/palette/", {"q": "add a"}).content.decode()
    assert 'href="/w/elsewhere/"' not in signed_in(cast.editor).get("/w/firm/palette/").content.decode()


# Errors


def test_a_page_that_is_not_there_says_so_in_the_house(cast: Cast) -> None:
    response = signed_in(cast.viewer).get("/w/firm/nothing/")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_a_request_that_holds_too_much(cast: Cast, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 3
    response = signed_in(cast.editor).post("/w/firm/documents/delete/", {"document": ["x"] * 5})
    assert response.status_code == 400
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    response = signed_in(cast.editor).post("/w/firm/documents/", {"file": [text_file(f"{n}.txt") for n in range(3)]})
    assert response.status_code == 413
    assert "That is too much at once" in response.content.decode()


# The live list


async def blocks(response: Any) -> AsyncIterator[str]:
    """Yield the stream's blocks as they come."""
    waiting = ""
    async for piece in response.streaming_content:
        waiting += piece.decode()
        *complete, waiting = waiting.split("\n\n")
        for block in complete:
            yield block


async def first_blocks(user: User, count: int, query: str = "", **headers: str) -> list[str]:
    """Return the first `count` blocks that `user` gets from the workspace's stream."""
    client = AsyncClient()
    await client.aforce_login(user)
    response = await client.get(f"/w/firm/events/{query}", headers=headers)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/event-stream"
    found: list[str] = []
    async with asyncio.timeout(20), aclosing(blocks(response)) as stream:
        async for block in stream:
            found.append(block)
            if len(found) == count:
                break
    return found


@sync_to_async
def announce(version: DocumentVersion, **changes: Any) -> str:
    DocumentVersion.objects.filter(pk=version.pk).update(**changes)
    progress.announce_document(version.document.workspace_id, version.document_id)
    newest = progress.newest(progress.workspace_stream(version.document.workspace_id))
    assert newest is not None
    return newest.id


@pytest.mark.django_db(transaction=True)
async def test_a_page_that_connects_late_is_told_to_draw_again(cast: Cast) -> None:
    version = await sync_to_async(make)(cast, "lease.pdf", status="queued")
    before = await announce(version)
    changed = await announce(version, status="ready")

    blocks = await first_blocks(cast.viewer, 2, f"?after={before}")

    assert blocks == ["event: list\ndata: ", f"id: {changed}\ndata: "]
    assert await first_blocks(cast.viewer, 2, **{"Last-Event-ID": before}) == blocks


@pytest.mark.django_db(transaction=True)
async def test_progress_is_drawn_in_place(cast: Cast) -> None:
    version = await sync_to_async(make)(cast, "lease.pdf", status="ingesting", stage="embed", stage_total=4)
    client = AsyncClient()
    await client.aforce_login(cast.viewer)
    await announce(version)
    response = await client.get("/w/firm/events/?after=0")
    async with asyncio.timeout(20), aclosing(blocks(response)) as stream:
        assert await anext(stream) == "event: list\ndata: "
        await anext(stream)
        id = await announce(version, stage_done=1)
        drawn = await anext(stream)
        assert drawn.startswith(f'id: {id}\ndata: <hx-partial hx-target="#progress-{version.document_id}"')
        assert "Embedding passage 1 of 4" in drawn
        assert '<progress max="1000" value="408"' in drawn
        await announce(version, status="ready")
        assert await anext(stream) == "event: list\ndata: "
        await anext(stream)
        id = await announce(version)
        assert await anext(stream) == f"id: {id}\ndata: "  # as it was: nothing to draw
        reading = Reading.objects.filter(version=version)
        soon = timezone.now() + timedelta(minutes=1)
        await Reading.objects.acreate(
            version=version, llm=BUNDLED, prompt_version=PROMPT_VERSION, status="reading",
            tokens_done=512, tokens_total=2048, lease_expires_at=soon,
        )  # fmt: skip
        await announce(version)
        assert await anext(stream) == "event: list\ndata: "
        await anext(stream)
        await reading.aupdate(tokens_done=1024)
        await announce(version)
        assert "Read 50 % ahead of questions" in await anext(stream)
        await reading.aupdate(status="read")
        await announce(version)
        assert await anext(stream) == "event: list\ndata: "


@pytest.mark.django_db(transaction=True)
async def test_a_question_draws_the_recent_ones_again(cast: Cast) -> None:
    question = await sync_to_async(make_question)(cast, "How long?")
    stream = progress.workspace_stream(cast.workspace.pk)
    await sync_to_async(progress.emit)(stream, "question", {"id": str(question.pk)})
    [block] = await first_blocks(cast.viewer, 1)
    assert '<hx-partial hx-target="#recent"' in block
    assert "How long?" in block


@pytest.mark.django_db(transaction=True)
async def test_a_stream_that_expired_draws_everything_again(cast: Cast) -> None:
    assert await first_blocks(cast.viewer, 1, "?after=1700000000000-0") == ["event: list\ndata: "]


@pytest.mark.django_db(transaction=True)
async def test_the_stream_ends_with_the_membership(cast: Cast) -> None:
    version = await sync_to_async(make)(cast, "lease.pdf")
    client = AsyncClient()
    await client.aforce_login(cast.viewer)
    response = await client.get("/w/firm/events/?after=0")
    await Member.objects.filter(user=cast.viewer).adelete()
    await announce(version)
    async with asyncio.timeout(20):
        assert [block async for block in blocks(response)] == []


@pytest.mark.django_db(transaction=True)
async def test_an_outsider_gets_no_stream(cast: Cast) -> None:
    client = AsyncClient()
    await client.aforce_login(cast.outsider)
    assert (await client.get("/w/firm/events/")).status_code == 404
