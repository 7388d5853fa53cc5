"""The terminal's side of an answer: the events come from a thread that plays the worker, through a real Valkey."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper

from analysis.management import answering
from analysis.management.answering import Terminal, place_in_words
from analysis.management.command import INTERRUPTED, acting_member
from analysis.management.commands import ask
from analysis.models import Answer, AnswerStatus
from analysis.progress import answer_stream, emit
from tests.analysis.repository.rows import make_rows
from tests.conftest import Cast
from tests.rows import TEXT, add_sentence, make_answer, make_document
from workspaces.models import Role

WRITTEN = "It runs for five years. The rent is paid in gold."


@pytest.fixture
def answer(cast: Cast) -> Answer:
    version = make_document(cast)
    answer = make_answer(cast, version, WRITTEN)
    answer.usage = {"prompt_tokens": 7912, "cached_tokens": 7675, "seconds_to_first_token": 1.9, "seconds": 6.2}
    answer.save()
    start = TEXT.index("five")
    add_sentence(answer, 0, "It runs for five years.", (version, start, TEXT.index(".")))
    add_sentence(answer, 1, "The rent is paid in gold.")
    return answer


def tell(answer: Answer, *events: tuple[str, dict]) -> None:
    for name, data in events:
        emit(answer_stream(answer.pk), name, data)


def shown(answer: Answer, *, quiet: bool = False) -> str:
    out = io.StringIO()
    Terminal(OutputWrapper(out), quiet=quiet).show(answer)
    return out.getvalue()


TOKENS = [
    ("progress", {"stage": "reading", "message": "Reading page 1 of 2", "done": 1, "total": 2}),
    ("token", {"start_char": 0, "text": "It runs for five years. "}),
    ("token", {"start_char": 24, "text": "The rent is paid in gold."}),
]
END = [("answer", {"id": "x"}), ("done", {"status": "done"})]


def test_the_text_its_sources_what_has_none_and_the_receipt(answer: Answer) -> None:
    tell(answer, *TOKENS, *END)
    assert shown(answer) == (
        "It runs for five years. The rent is paid in gold.\n"
        "\n"
        "[1] lease.pdf, page 1\n"
        "    “five years”\n"
        "    for: It runs for five years.\n"
        "\n"
        "Without support in the documents:\n"
        "    The rent is paid in gold.\n"
        "\n"
        "whole · 7,912 tokens, 97 % cached · test-llm · $0 · first word 1.9 s · 6.2 s\n"
    )


def test_text_that_a_second_worker_starts_anew_is_printed_whole(answer: Answer) -> None:
    tell(answer, ("token", {"start_char": 0, "text": "It ru"}), *TOKENS, *END)
    assert shown(answer).startswith("It ru\n\nIt runs for five years. The rent is paid in gold.\n\n[1]")


def test_as_json_there_is_the_payload_and_nothing_else(answer: Answer) -> None:
    tell(answer, *TOKENS, *END)
    payload = json.loads(shown(answer, quiet=True))
    assert (payload["answer"], payload["citations"][0]["quote"]) == (WRITTEN, "five years")


def test_a_failed_answer_is_one_sentence(answer: Answer) -> None:
    Answer.objects.filter(pk=answer.pk).update(status=AnswerStatus.FAILED, error_message="The model does not answer.")
    tell(answer, ("failed", {"code": "engine_unavailable", "message": "The model does not answer."}))
    with pytest.raises(CommandError, match=r"^The model does not answer\.$"):
        shown(answer)


def test_ctrl_c_stops_the_answer_on_the_server_and_keeps_what_was_written(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Answer.objects.filter(pk=answer.pk).update(status=AnswerStatus.QUEUED, text="It runs")
    tell(answer, ("token", {"start_char": 0, "text": "It runs"}))
    listen = answering.listen
    presses = iter([KeyboardInterrupt])

    def interrupted(stream: str, after: str) -> Iterator:
        for event in listen(stream, after):
            yield event
            for press in presses:
                raise press

    monkeypatch.setattr(answering, "listen", interrupted)
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        Terminal(OutputWrapper(out)).show(answer)

    assert ended.value.code == INTERRUPTED
    answer.refresh_from_db()
    assert (answer.status, answer.stop_requested) == (AnswerStatus.STOPPED, True)
    assert out.getvalue().startswith("It runs\n")


def test_a_place_in_a_repository_is_its_lines_at_the_version_that_was_read() -> None:
    cited = {
        "document_name": "src/app.py",
        "path": "src/app.py",
        "place": "src/app.py:12-18",
        "snapshot": 3,
        "commit": None,
    }
    assert place_in_words(cited) == "src/app.py:12-18 at version 3"
    assert (
        place_in_words(cited | {"commit": "9fceb02d0ae598e95dc970b74767f19372d61af8"})
        == "src/app.py:12-18 at 9fceb02d0a"
    )
    assert place_in_words(cited | {"snapshot": None}) == "src/app.py:12-18"


def test_a_question_to_a_repository_by_its_name(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = make_rows(cast, {"src/app.py": "a = 1\n"})
    asked: dict[str, object] = {}
    monkeypatch.setattr(ask, "question_ask", lambda **given: asked.update(given))
    monkeypatch.setattr(ask.Terminal, "show", lambda *_: None)
    call_command("ask", "firm", "What is a?", "--repository", "sample", "--path", "src", "--mode", "packed")
    assert (asked["repositories"], asked["path"], asked["mode"]) == ([snapshot.repository], "src", "packed")
    call_command("ask", "firm", "What is a?", "--repository", str(snapshot.repository_id))
    assert asked["repositories"] == [snapshot.repository]


def test_a_name_that_is_nobodys_or_several_ones_is_refused(cast: Cast) -> None:
    with pytest.raises(CommandError, match=r"^There is no repository 'sample' in 'firm'\.$"):
        call_command("ask", "firm", "What?", "--repository", "sample")
    ids = [str(make_rows(cast, {"a.py": "a = 1\n"}).repository_id) for _ in range(2)]
    with pytest.raises(CommandError) as refused:
        call_command("ask", "firm", "What?", "--repository", "sample")
    assert all(repository_id in str(refused.value) for repository_id in ids)


@pytest.mark.parametrize(
    ("slug", "email", "message"),
    [
        ("nowhere", "", "There is no workspace 'nowhere'."),
        ("firm", "outsider@elsewhere.example", "outsider@elsewhere.example is not in the workspace 'firm'."),
        ("firm", "x@y.example", "There is no user x@y.example."),
        (
            "firm",
            "viewer@firm.example",
            "viewer@firm.example: This needs the role of editor in this workspace.",
        ),
    ],
)
def test_who_may_not_act_is_told(cast: Cast, slug: str, email: str, message: str) -> None:
    with pytest.raises(CommandError) as refused:
        acting_member(slug, email)
    assert str(refused.value) == message


def test_the_first_owner_acts_unless_someone_is_named(cast: Cast) -> None:
    assert acting_member("firm").user == cast.owner
    assert acting_member("firm", "Editor@firm.example").user == cast.editor
    assert acting_member("firm", "viewer@firm.example", role=Role.VIEWER).user == cast.viewer


def test_what_a_sweep_finds_is_told_once_and_apart_from_the_answer(
    answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    place = {"document_id": "d", "document_name": "lease.pdf", "place": "page 2", "start_char": 0, "end_char": 9}
    found = {"part": 0, "index": 0, "note": "", "quote": "five\nyears", **place}
    part = {"stage": "part", "message": "Part 1 of 2: page 1", "done": 1, "total": 2}
    tell(answer, ("progress", part), ("finding", found), ("finding", found), *TOKENS, *END)
    assert "Found in" not in shown(answer)
    told = capsys.readouterr().err
    assert told.count("Found in lease.pdf, page 2: “five years”\n") == 1
