"""Summaries: fixed headings, one reading where it fits, parts with notes where it does not."""

from __future__ import annotations

import threading

import pytest

from analysis import progress
from analysis.answer import plan as plans
from analysis.answer import summary as summaries
from analysis.answer.ask import summary_ask
from analysis.answer.material import with_text
from analysis.answer.read_once import prefix_tokens
from analysis.answer.run import answer_run
from analysis.answer.summary import TOPICS, noted
from analysis.llm.registry import llm_get
from analysis.llm.speed import Speed
from analysis.models import Answer, AnswerStatus, Document, Heading
from tests.analysis.answer.rows import document
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM, flat
from tests.conftest import Cast

TEXT = "The term is five years. Delaware law governs this lease. The rent is $900 a month."
TITLES = [topic.title for topic in TOPICS]


@pytest.fixture
def small_window(bundled_llm: ScriptedLLM) -> ScriptedLLM:
    bundled_llm.window_tokens = 2048
    return bundled_llm


@pytest.fixture(autouse=True)
def a_hundred_tokens_a_second(monkeypatch: pytest.MonkeyPatch, words_as_meaning: None) -> None:
    monkeypatch.setattr(plans, "speed_of", lambda llm: Speed(100.0, 20.0))


def summarised(cast: Cast, row: Document) -> Answer:
    return run(summary_ask(document=row, user=cast.owner))


def run(answer: Answer) -> Answer:
    answer_run(str(answer.pk))
    answer.refresh_from_db()
    return answer


def questions(server: ScriptedLLM) -> list[str]:
    return [flat(body["messages"][-1]["content"]).rpartition("Question: ")[2] for body in server.requests]


def long_text() -> str:
    """Six sections of 400 words: 4,830 tokens by the scripted tokenizer, past a window of 2,048."""
    return "".join(f"SECTION {number}\n" + f"s{number} " * 400 + "\n" for number in range(6))


def long_document(cast: Cast) -> Document:
    text = long_text()
    row = document(cast, text=text, pages=6)
    for number in range(6):
        start = text.index(f"SECTION {number}")
        Heading.objects.create(
            version=row.version,
            ordinal=number,
            level=1,
            start_char=start,
            end_char=start + 9,
            section_end_char=len(text),
        )
    return row


def test_a_small_model_is_asked_heading_by_heading_on_one_reading(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    bundled_llm.replies = [Reply(words=[f" Answer {number}."]) for number in range(len(TOPICS))]
    row = document(cast, text=TEXT)
    answer = summarised(cast, row)
    assert answer.status == AnswerStatus.DONE
    assert answer.text == "\n\n".join(f"## {title}\n\nAnswer {n}." for n, title in enumerate(TITLES))
    assert questions(bundled_llm) == [f"{topic.question} {summaries.SHORT}" for topic in TOPICS]
    prefix = len(prefix_tokens(with_text(row), llm_get()))
    sent = answer.usage["prompt_tokens"]
    # Every heading after the first finds the document read.
    assert answer.usage["cached_tokens"] >= prefix * (len(TOPICS) - 1)
    assert (answer.usage["calls"], answer.coverage["tokens_sent"]) == (len(TOPICS), sent)
    assert (answer.mode, answer.coverage["pages_read"]) == ("whole", [[1, 1]])


def test_a_heading_at_its_longest_ends_with_its_last_full_sentence(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    words = ["A lease of land. ", "It was made in May. ", "The tenant is the"]
    bundled_llm.replies = [
        Reply(words=words, finish="length"),
        Reply(words=["One run of words"], finish="length"),
        Reply(),
    ]
    answer = summarised(cast, document(cast, text=TEXT))
    assert answer.text.startswith(
        "## What it is\n\nA lease of land. It was made in May.\n\n"
        "## Parties\n\nOne run of words\n\n"
        "## Dates\n\nThe answer."
    )
    shown = ""
    for event in progress.replay(progress.answer_stream(answer.pk)):
        if event.name == "token":
            shown = shown[: event.data["start_char"]] + event.data["text"]
    assert shown.rstrip() == answer.text


def test_a_large_model_writes_all_headings_in_one_pass(cast: Cast, scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(words=["## Term\n\n", "The term is five years."])]
    answer = summarised(cast, document(cast, text=TEXT))
    assert (answer.text, len(scripted_llm.requests)) == ("## Term\n\nThe term is five years.", 1)
    assert all(f"## {title}" in questions(scripted_llm)[0] for title in TITLES)


def test_past_the_window_it_is_read_in_parts_along_sections_and_nothing_is_left_out(
    cast: Cast, small_window: ScriptedLLM
) -> None:
    notes = [f"Term: {number + 1} years\nMoney: None\n" for number in range(6)]
    small_window.replies = [*(Reply(words=[note]) for note in notes), Reply(words=[" It lasts."])]
    row = long_document(cast)
    answer = summarised(cast, row)
    assert (answer.status, answer.mode) == (AnswerStatus.DONE, "sweep")
    assert [part.result["notes"] for part in answer.parts.all()] == [
        {"Term": [{"text": f"{number + 1} years"}]} for number in range(6)
    ]
    parts = [flat(body["messages"][1]["content"]) for body in small_window.requests[:6]]
    assert [f"SECTION {number}" in part for number, part in enumerate(parts)] == [True] * 6
    assert sum(part.count(f"s{number} ") for number, part in enumerate(parts)) == 6 * 400
    receipt = answer.coverage
    assert (receipt["characters_read"], receipt["characters_total"]) == (len(long_text()), len(long_text()))
    assert (receipt["parts"]["read"], receipt["pages_read"], receipt["pages_skipped"]) == (6, [[1, 6]], [])
    # Only the heading that something was noted under is written by the model, from all the notes on it.
    assert len(small_window.requests) == 7
    combined = flat(small_window.requests[6]["messages"][1]["content"])
    assert all(f"{number + 1} years" in combined for number in range(6))
    assert "## Term\n\nIt lasts.\n\n## Money\n\nNot stated." in answer.text
    shown = [e.data for e in progress.replay(progress.answer_stream(answer.pk)) if e.data.get("stage") == "part"]
    assert (shown[0]["message"], shown[0]["done"], shown[0]["total"]) == ("Part 1 of 6: page 1", 0, 6)
    assert (shown[-1]["message"], shown[-1]["done"], shown[-1]["total"]) == ("Part 6 of 6: page 6", 6, 6)


def test_the_plan_says_that_it_will_be_read_in_parts(cast: Cast, small_window: ScriptedLLM) -> None:
    answer = summary_ask(document=long_document(cast), user=cast.owner)
    tokens = len(small_window.tokenize(long_text()))
    assert answer.plan["mode"] == "sweep"
    assert answer.plan["why"].startswith(
        f"The whole document is {tokens:,} tokens, more than Qwen2.5-Coder 0.5B (bundled) can read at once, so it is"
    )


def test_a_second_summary_asks_nothing_of_parts_that_are_known(cast: Cast, small_window: ScriptedLLM) -> None:
    small_window.replies = [Reply(words=["Term: five years"])]
    row = long_document(cast)
    first = summarised(cast, row)
    assert (len(small_window.requests), first.coverage["parts"]["read"]) == (7, 6)
    second = summarised(cast, row)
    assert (second.number, second.plan["parts_cached"], len(small_window.requests)) == (2, 6, 8)
    assert (second.coverage["parts"], second.text) == (
        {"total": 6, "read": 0, "cached": 6, "failed": 0}, first.text,
    )  # fmt: skip


def test_notes_that_stand_in_the_part_keep_their_place(cast: Cast, small_window: ScriptedLLM) -> None:
    small_window.replies = [Reply(words=["Term: the term is five years.\nMoney: nine hundred and two dollars"])]
    row = document(cast, text=f"The  term is five years. {'word ' * 2000}")
    first = summarised(cast, row).parts.first()
    kept = first.result["notes"]["Term"][0]
    assert row.version.read_text(first.start_char + kept["start_char"], first.start_char + kept["end_char"]) == (
        "The  term is five years."
    )
    assert first.result["notes"]["Money"] == [{"text": "nine hundred and two dollars"}]


def test_notes_that_do_not_fit_are_condensed_until_they_do(cast: Cast, small_window: ScriptedLLM) -> None:
    # Six parts note 300 tokens each under one heading; a prompt takes 1,024 of text.
    notes = [Reply(words=[f"Term: {number}" + " year" * 150]) for number in range(6)]
    small_window.replies = [
        *notes,
        Reply(words=["Condensed one."]),
        Reply(words=["Condensed two."]),
        Reply(words=["Done."]),
    ]
    answer = summarised(cast, long_document(cast))
    asked = [flat(body["messages"][-1]["content"]) for body in small_window.requests[6:]]
    assert len(asked) == 3
    assert ["Condensed one.\nCondensed two." in text for text in asked] == [False, False, True]
    assert [sum(f"{number} year" in text for text in asked[:2]) for number in range(6)] == [1] * 6
    assert "## Term\n\nDone." in answer.text
    assert list(answer.calls.order_by("pk").values_list("purpose", flat=True)) == [
        *["part"] * 6, "reduce", "reduce", "summary",
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_stopped_summary_keeps_the_headings_written_so_far(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    from django.db import connections

    from analysis.answer.ask import answer_stop
    from tests.analysis.answer.test_run import followed, until

    bundled_llm.replies = [Reply(words=["A lease."]), Reply(words=["Two.", "More"], hold=threading.Event(), after=1)]
    answer = summary_ask(document=document(cast, text=TEXT), user=cast.owner)
    worker = threading.Thread(target=lambda: (answer_run(str(answer.pk)), connections.close_all()))
    worker.start()
    until(lambda: "Two." in followed(answer))
    answer_stop(answer)
    worker.join(20)
    answer.refresh_from_db()
    assert (answer.status, answer.text) == (AnswerStatus.STOPPED, "## What it is\n\nA lease.\n\n## Parties\n\nTwo.")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Term: five years", ["five years"]),
        ("- **Term:** five years", ["five years"]),
        ("## Term: five years", ["five years"]),
        ("4. term: five years", ["five years"]),
        ("(Term): five years", ["five years"]),
        ("Term: None", []),
        ("Term: Not stated.", []),
        ("Termination: at will", []),
        ("The Term: five years", []),
    ],
)
def test_notes_are_found_under_their_title(line: str, found: list[str]) -> None:
    assert noted(f"Parties: A and B\n{line}")["Term"] == found


def test_lines_below_a_title_belong_to_it() -> None:
    found = noted("Here are notes.\n(Parties):\n- A, the landlord\n* B\n\nGoverning law: Irish law\n")
    assert found["Parties"] == ["A, the landlord", "B"]
    assert found["Governing law"] == ["Irish law"]
