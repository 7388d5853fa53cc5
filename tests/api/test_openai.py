"""OpenAI's own client against the live server: models, answers whole and in chunks, citations, refusals, history."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import openai
import pytest
from django.core.asgi import get_asgi_application
from openai import OpenAI
from openai.types.chat import ChatCompletionChunk

from analysis.api.openai.completion import Completion
from analysis.api.openai.names import LISTED, listed
from analysis.llm import client
from analysis.models import Answer, Document, Question
from tests.analysis.answer.rows import document, repository
from tests.analysis.conftest import bundled_llm, words_as_meaning  # noqa: F401  # fixtures
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM
from tests.conftest import Cast
from tests.live import answering, served
from workspaces.access import Viewer
from workspaces.models import ApiToken, Member, Role, Scope, User, Workspace

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "The term is five years. Delaware law governs this lease. The rent is $900 a month."
TERM = "The term is five years."


@pytest.fixture
def live(
    cast: Cast, bundled_llm: ScriptedLLM, words_as_meaning: None, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> Iterator[str]:  # fmt: skip
    monkeypatch.setattr(client, "BACKOFF_SECONDS", 0.001)
    bundled_llm.replies = [Reply(words=[" The term", " is five", " years."])]
    with answering(monkeypatch), served(get_asgi_application()) as app:
        yield f"{app.url}/v1"


def program(live: str, user: User, *, scope: Scope = Scope.WRITE, workspace: Workspace | None = None) -> OpenAI:
    _, token = ApiToken.issue(user=user, name="chat", scope=scope, workspace=workspace)
    return OpenAI(base_url=live, api_key=token, max_retries=0, timeout=30)


def conversation(*turns: str) -> list[dict[str, str]]:
    """The turns as messages: what the user says, what is answered, and so on."""
    return [{"role": ("user", "assistant")[number % 2], "content": text} for number, text in enumerate(turns)]


def test_models_are_workspaces_documents_and_repositories(live: str, cast: Cast) -> None:
    lease, code = document(cast), repository(cast, {"app.py": "x = 1\n"})
    document(cast, "unread.pdf", status="ingesting")
    chat = program(live, cast.viewer, scope=Scope.READ)
    assert [(model.id, model.name) for model in chat.models.list()] == [
        ("lectern/firm", "The Firm"),
        (f"lectern/firm/{lease.pk}", "lease.pdf"),
        (f"lectern/firm/{code.pk}", "app"),
    ]
    assert chat.models.retrieve(f"lectern/firm/{code.pk}").name == "app"
    assert [model.id for model in program(live, cast.outsider).models.list()] == ["lectern/elsewhere"]
    with pytest.raises(openai.NotFoundError) as refused:
        program(live, cast.outsider).models.retrieve(f"lectern/firm/{lease.pk}")
    assert refused.value.body == {
        "message": "There is nothing here, or you may not see it.",
        "type": "invalid_request_error",
        "param": None,
        "code": "model_not_found",
    }


def test_an_answer_comes_with_its_citations_and_is_a_question_of_the_workspace(live: str, cast: Cast) -> None:
    lease = document(cast, text=TEXT, pages=2)
    done = program(live, cast.reviewer).chat.completions.create(
        model=f"lectern/firm/{lease.pk}",
        messages=conversation("How long is the term?"),
        temperature=0.2,
        extra_body={"lectern": {"shared": False}},
    )
    message = done.choices[0].message
    assert (message.content, done.choices[0].finish_reason) == (TERM, "stop")
    cited = message.annotations[0].url_citation
    assert message.content[cited.start_index : cited.end_index] == TERM
    assert cited.url == f"{live.removesuffix('/v1')}/d/{lease.pk}/?start_char=0&end_char={len(TERM)}"
    assert (cited.title, cited.quote) == ("lease.pdf, page 1", TERM)
    question = Question.objects.get()
    assert (question.asker, question.text, list(question.documents.all())) == (
        cast.reviewer,
        "How long is the term?",
        [lease],
    )
    assert not question.shared
    answer = Answer.objects.get()
    assert done.id == f"chatcmpl-{answer.pk}"
    assert done.usage.prompt_tokens == answer.usage["prompt_tokens"] > 0
    assert done.usage.total_tokens == done.usage.prompt_tokens + 3
    assert done.lectern == {
        "question_id": str(question.pk),
        "answer_id": str(answer.pk),
        "url": f"{live.removesuffix('/v1')}/q/{question.pk}/",
        "status": "done",
        "mode": "whole",
        "llm": answer.llm,
        "complete": True,
        "unsupported": 0,
        "ignored": ["temperature"],
    }


def test_words_come_while_the_answer_is_written_and_the_citations_at_its_end(
    live: str,
    cast: Cast,
    bundled_llm: ScriptedLLM,  # noqa: F811
) -> None:
    lease, go_on = document(cast, text=TEXT), threading.Event()
    bundled_llm.replies = [Reply(words=[" The term", " is five", " years."], hold=go_on, after=1)]
    stream = program(live, cast.editor).chat.completions.create(
        model=f"lectern/firm/{lease.pk}",
        messages=conversation("How long?"),
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks: list[ChatCompletionChunk] = []
    for chunk in stream:
        chunks.append(chunk)
        if chunk.choices and chunk.choices[0].delta.content:
            go_on.set()  # the rest is not written before the first words are here
    said = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert said == ["The term", " is five", " years."]
    *_, noted, last, counted = chunks
    assert noted.choices[0].delta.annotations[0]["url_citation"]["quote"] == TERM
    assert (last.choices[0].finish_reason, last.lectern["unsupported"]) == ("stop", 0)
    assert (counted.choices, counted.usage.completion_tokens) == ([], 3)
    assert {chunk.id for chunk in chunks} == {f"chatcmpl-{Answer.objects.get().pk}"}


def test_a_conversation_goes_on_from_what_was_asked_here(
    live: str,
    cast: Cast,
    bundled_llm: ScriptedLLM,  # noqa: F811
) -> None:
    lease, other = document(cast, text=TEXT), document(cast, "other.pdf", TEXT)
    chat, name = program(live, cast.editor), f"lectern/firm/{lease.pk}"

    def ask(model: str, *turns: str) -> tuple[Question, list[str]]:
        reply = chat.chat.completions.create(model=model, messages=conversation(*turns))
        return Question.objects.get(pk=reply.lectern["question_id"]), reply.lectern["ignored"]

    first, _ = ask(name, "How long?")
    second, ignored = ask(name, "How long?", "as the client has shortened it", "And then?")
    assert (second.parent, ignored) == (first, [])
    sent = bundled_llm.requests[-1]["messages"]
    assert [message["content"] for message in sent[-2:]] == [TERM, "Question: And then?"]
    third, ignored = ask(name, "How long?", TERM, "And then?", TERM, "Why?")
    assert (third.parent, ignored) == (second, [])
    # Another document, another model's answers: nothing of it was asked here.
    apart, ignored = ask(f"lectern/firm/{other.pk}", "How long?", TERM, "And then?")
    assert (apart.parent, ignored) == (None, ["1 earlier messages that were not asked here"])
    theirs = program(live, cast.owner).chat.completions.create(
        model=name, messages=conversation("How long?", "", "Hm?")
    )
    assert Question.objects.get(pk=theirs.lectern["question_id"]).parent is None


def test_refusals_are_those_that_clients_know(live: str, cast: Cast) -> None:
    lease = document(cast, text=TEXT)
    name, asked = f"lectern/firm/{lease.pk}", conversation("How long?")

    def refused(user: User, scope: Scope = Scope.WRITE, **request: object) -> tuple[int, str]:
        with pytest.raises(openai.APIStatusError) as error:
            program(live, user, scope=scope).chat.completions.create(**({"model": name, "messages": asked} | request))
        return error.value.status_code, error.value.code

    tool = {"type": "function", "function": {"name": "look", "parameters": {}}}
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]
    assert refused(cast.outsider) == (404, "model_not_found")
    assert refused(cast.viewer) == (403, "forbidden")
    assert refused(cast.owner, Scope.READ) == (403, "forbidden")
    assert refused(cast.owner, model="gpt-4o") == (404, "model_not_found")
    assert refused(cast.owner, tools=[tool]) == (400, "unsupported_parameter")
    assert refused(cast.owner, n=2) == (400, "unsupported_parameter")
    assert refused(cast.owner, response_format={"type": "json_object"}) == (400, "unsupported_parameter")
    assert refused(cast.owner, messages=picture) == (400, "unsupported_content")
    assert refused(cast.owner, messages=conversation("How long?", "Five.")) == (400, "no_question")
    assert refused(cast.owner, messages=conversation("  ")) == (400, "empty_question")
    assert refused(cast.owner, extra_body={"lectern": {"mode": "skim"}}) == (400, "invalid")
    assert not Question.objects.exists()
    with pytest.raises(openai.AuthenticationError) as unknown:
        OpenAI(base_url=live, api_key="lectern_wrong", max_retries=0).models.list()
    assert unknown.value.code == "invalid_api_key"


def test_an_answer_that_fails_is_told_and_not_asked_again(
    live: str,
    cast: Cast,
    bundled_llm: ScriptedLLM,  # noqa: F811
) -> None:
    lease = document(cast, text=TEXT)
    bundled_llm.replies = [Reply(status=400, body='{"error": {"message": "no"}}')]
    chat = program(live, cast.editor).with_options(max_retries=3)
    ask = {"model": f"lectern/firm/{lease.pk}", "messages": conversation("How long?")}
    with pytest.raises(openai.InternalServerError) as failed:
        chat.chat.completions.create(**ask)
    assert (Question.objects.count(), failed.value.code) == (1, Answer.objects.get().error_code)
    with pytest.raises(openai.APIError) as broken:
        list(chat.chat.completions.create(**ask, stream=True))
    assert broken.value.code == Answer.objects.order_by("created_at").last().error_code


def test_what_was_sent_is_never_taken_back(cast: Cast) -> None:
    """A second attempt repeats the first as far as it was sent, or the client is told."""
    answer = Answer(question=Question(workspace=cast.workspace))
    said = Completion(answer.pk, answer.question_id, 0, "lectern/firm", "", [])
    assert [said._added(0, "The term"), said._added(8, " is five")] == ["The term", " is five"]
    assert [said._added(0, "The"), said._added(3, " term is"), said._added(11, " five years.")] == ["", "", " years."]
    assert said.sent == TERM
    other = {"status": "done", "answer": "Five years it is.", "error": None, "sentences": [], "citations": []}
    assert b'"answer_rewritten"' in said._closing(other)[0]


def test_the_list_takes_no_more_queries_for_more_workspaces(live: str, cast: Cast, django_assert_num_queries) -> None:
    for number in range(3):
        more = Workspace.objects.create(slug=f"more-{number}", name="More")
        Member.objects.create(workspace=more, user=cast.owner, role=Role.OWNER)
    Document.objects.bulk_create(Document(workspace=cast.workspace, name=f"{n}.pdf") for n in range(LISTED + 1))
    ready = document(cast)
    Document.objects.filter(workspace=cast.workspace).update(version=ready.version_id)
    with django_assert_num_queries(2):
        found = [model["id"] for model in listed(Viewer(cast.owner))]
    assert len(found) == 4 + LISTED
    assert found.index("lectern/firm") == found.index(f"lectern/firm/{ready.pk}") - 1
