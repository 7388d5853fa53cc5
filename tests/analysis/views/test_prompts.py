"""The exact prompt of an answer: as it was sent, for those who may see it, a stretch at a time."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from analysis.answer.prompt import DocumentText, whole_prompt
from analysis.ingest.upload import document_delete
from analysis.llm.segments import DELETED, Piece, SentMessage, segments
from analysis.models import Answer, Call, Document, Question
from analysis.types import Prompt
from analysis.views.prompts import AT_ONCE, between
from tests.analysis.answer.rows import document
from tests.conftest import Cast
from workspaces.models import User

TEXT = "".join(f"{number}. The <fee> of year {number} is due.\n" for number in range(2000))


@pytest.fixture
def row(cast: Cast) -> Document:
    return document(cast, name="long.txt", text=TEXT)


@pytest.fixture
def sent(row: Document) -> Prompt:
    text = DocumentText(str(row.pk), row.name, row.version_id, "digest", text=TEXT)
    return whole_prompt([text], [], "What is <due>?", max_output_tokens=10)


@pytest.fixture
def call(cast: Cast, row: Document, sent: Prompt) -> Call:
    question = Question.objects.create(workspace=cast.workspace, asker=cast.editor, text="What is due?")
    question.documents.add(row, document(cast, name="other.txt"))
    answer = Answer.objects.create(question=question, llm="q", status="done", text="A fee.")
    return Call.objects.create(
        workspace=cast.workspace, answer=answer, purpose="question", llm="kimi", status="done", prompt_tokens=12345,
        cached_tokens=12000, completion_tokens=67, seconds=6.2, cost_usd="0.0042", prompt=segments(sent),
    )  # fmt: skip


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def words(page: str) -> str:
    """Return the words of the messages on a page, as a reader has them."""
    return "".join(
        unescape(found)
        for found in re.findall(
            r'<(?:span|em)(?: class="sent-(?:document|gone)"[^>]*)?>([^<]*)</(?:span|em)>',
            page.split('<p class="sent-more', maxsplit=1)[0],
        )
    )


def test_the_calls_are_listed_and_none_is_loaded(cast: Cast, call: Call) -> None:
    page = client_of(cast.editor).get(f"/a/{call.answer_id}/prompt/").content.decode()
    assert "1. Question" in page
    assert "12,345 tokens in, 12,000 cached" in page
    assert "$0.0042" in page
    assert f'hx-get="/a/{call.answer_id}/prompt/{call.pk}/"' in page
    assert "The &lt;fee&gt; of year" not in page


def test_a_long_prompt_comes_in_stretches_that_join_to_what_was_sent(cast: Cast, call: Call, sent: Prompt) -> None:
    client = client_of(cast.owner)
    path, seen, fetched = f"/a/{call.answer_id}/prompt/{call.pk}/", "", 0
    while path:
        page = client.get(path, headers={"HX-Request": "true"}).content.decode()
        assert len(words(page)) <= AT_ONCE
        seen, fetched = seen + words(page), fetched + 1
        more = re.search(r'hx-get="([^"]+)"', page)
        path = more[1] if more else ""
    whole = "".join(message.content for message in sent.messages)
    assert seen == whole
    assert fetched == -(-len(whole) // AT_ONCE) > 1


def test_document_text_is_set_off(cast: Cast, call: Call) -> None:
    page = client_of(cast.editor).get(f"/a/{call.answer_id}/prompt/{call.pk}/").content.decode()
    assert '<span class="sent-document" title="long.txt">0. The &lt;fee&gt; of year 0 is due.\n' in page
    assert "<span>You answer questions about the documents" in page
    assert "All calls of this answer" in page


def test_the_words_of_a_deleted_document_are_gone_and_it_says_so(cast: Cast, call: Call, row: Document) -> None:
    document_delete(row)
    page = client_of(cast.editor).get(f"/a/{call.answer_id}/prompt/{call.pk}/").content.decode()
    assert f'<em class="sent-gone">{DELETED}</em>' in page
    assert "of year 0" not in page
    assert "What is &lt;due&gt;?" in page


def test_all_calls_as_text(cast: Cast, call: Call, sent: Prompt) -> None:
    reply = client_of(cast.editor).get(f"/a/{call.answer_id}/prompt.txt")
    assert reply["Content-Type"] == "text/plain; charset=utf-8"
    assert reply["Content-Disposition"] == f'attachment; filename="prompt-{call.answer_id}.txt"'
    text = reply.content.decode()
    assert text.startswith(f"=== Call 1: Question, kimi, {call.created_at:%Y-%m-%d %H:%M:%S} UTC, 12,345 tokens in")
    assert f"--- user ---\n{sent.messages[1].content}\n" in text


def test_who_may_see_it(cast: Cast, call: Call) -> None:
    other = Answer.objects.create(question=call.answer.question, number=2, llm="q")
    base = f"/a/{call.answer_id}"
    paths = [f"{base}/prompt/", f"{base}/prompt/{call.pk}/", f"{base}/prompt.txt", f"/a/{other.pk}/prompt/{call.pk}/"]
    codes = {
        name: [client_of(getattr(cast, name)).get(path).status_code for path in paths]
        for name in ("owner", "editor", "viewer", "outsider")
    }
    assert codes == {
        "owner": [200, 200, 200, 404],
        "editor": [200, 200, 200, 404],
        "viewer": [403, 403, 403, 403],
        "outsider": [404, 404, 404, 404],
    }


def test_an_answer_without_calls_says_so(cast: Cast, call: Call) -> None:
    other = Answer.objects.create(question=call.answer.question, number=2, llm="q")
    assert "No call was made" in client_of(cast.editor).get(f"/a/{other.pk}/prompt/").content.decode()


def test_stretches_are_cut_in_the_middle_of_pieces() -> None:
    messages = [SentMessage("system", [Piece("abc")], []), SentMessage("user", [Piece("de"), Piece("fgh", "d")], [])]
    assert list(between(messages, 2, 6)) == [
        SentMessage("system", [Piece("c")], []),
        SentMessage("user", [Piece("de"), Piece("f", "d")], []),
    ]
    assert list(between(messages, 8, 99)) == []
