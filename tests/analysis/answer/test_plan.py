"""Plans: the numbers by hand, the mode, and the sentence that says why.

The scripted tokenizer makes a token of every word, sign and blank, so "word " is two.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone, translation

from analysis.answer import plan as plans
from analysis.answer.ask import question_ask
from analysis.answer.findings import map_prompt
from analysis.answer.material import Scope, described, with_text
from analysis.answer.plan import in_words, measure, plan_reading
from analysis.answer.prompt import PROMPT_VERSION, whole_prompt
from analysis.answer.read_once import prefix_tokens
from analysis.answer.readings import reading_file
from analysis.answer.sweep.plan import expected_seconds, pieces_for, roughly_sized
from analysis.answer.sweep.readers import NO_PART, QuestionReader, key_of
from analysis.errors import UserError
from analysis.llm import slots
from analysis.llm.registry import llm_get
from analysis.llm.speed import Speed
from analysis.models import (
    Answer,
    AnswerStatus,
    Document,
    Heading,
    IngestStatus,
    PartStatus,
    Question,
    Reading,
    ReadingStatus,
    SweepPart,
)
from analysis.types import Mode, ReadingPlan
from config.env import env
from tests.analysis.answer.rows import document
from tests.analysis.llm.scripted_server import ScriptedLLM
from tests.conftest import Cast

QUESTION = "How long?"


@pytest.fixture(autouse=True)
def a_hundred_tokens_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "speed_of", lambda llm: Speed(100.0, 20.0))


def planned(cast: Cast, *documents: Document, mode: Mode = Mode.AUTO, text: str = QUESTION) -> ReadingPlan:
    return plan_reading(
        scope=Scope(cast.workspace, documents, everything=not documents), text=text, mode=mode, llm=llm_get()
    )


def sent(server: ScriptedLLM, row: Document) -> int:
    """The tokens of the prompt as it will be sent."""
    messages = whole_prompt([with_text(row)], [], QUESTION, max_output_tokens=1).messages
    return len(server.tokenize(server.template([{"role": m.role, "content": m.content} for m in messages])))


def sweeping(row: Document) -> str:
    """How long a sweep would take, in words: the sizes are guessed, since nothing is cut for a plan not chosen."""
    llm = llm_get()
    reader = QuestionReader(QUESTION, llm)
    measured = measure([row], QUESTION, [], llm, output_tokens=400)
    return in_words(expected_seconds(measured, roughly_sized(measured, reader)))


def test_a_document_read_within_patience_is_read_whole(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = document(cast, text="word " * 500)
    plan = planned(cast, row)
    total = sent(bundled_llm, row)
    assert (plan.mode, plan.requested, plan.document_tokens) == (Mode.WHOLE, Mode.AUTO, 1000)
    assert (plan.prompt_tokens, plan.cached_tokens, plan.exact) == (total, 0, True)
    assert plan.expected_seconds == round(0.3 + total / 100, 1)
    seconds = round(0.3 + total / 100)
    assert plan.why == f"The whole document is 1,000 tokens; reading takes about {seconds} s."
    assert (plan.window_tokens, plan.output_tokens, plan.cost_usd_cold) == (8192, 400, 0.0)
    assert plan.document_ids == [str(row.pk)]


def test_past_patience_passages_are_used_and_the_plan_says_why(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = document(cast, text="word " * 3000)
    plan = planned(cast, row)
    waiting = in_words(0.3 + sent(bundled_llm, row) / 100)
    assert plan.mode is Mode.PASSAGES
    assert plan.why == (
        f"The whole document is 6,000 tokens; reading takes about {waiting} here, so passages are used. "
        f"Choose whole to wait for it, or sweep to have every part read, about {sweeping(row)}."
    )
    frame = sent(bundled_llm, row) - 6000
    assert plan.prompt_tokens == 1300 + frame + 100
    assert plan.expected_seconds == round(0.3 + plan.prompt_tokens / 100, 1)


def test_whole_can_be_waited_for(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = document(cast, text="word " * 3000)
    plan = planned(cast, row, mode=Mode.WHOLE)
    assert plan.mode is Mode.WHOLE
    assert plan.why.startswith("You chose whole. The whole document is 6,000 tokens;")


def test_what_has_been_read_once_is_read_whole_whatever_its_size(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = document(cast, text="word " * 3000)
    known = described(row)
    prefix = len(prefix_tokens(with_text(row), llm_get()))
    Reading.objects.create(
        version=row.version, llm=llm_get().id, prompt_version=PROMPT_VERSION, status=ReadingStatus.READ,
        file_name=reading_file(known, llm_get()), tokens_total=prefix,
    )  # fmt: skip
    plan = planned(cast, row)
    left = sent(bundled_llm, row) - prefix
    assert (plan.mode, plan.cached_tokens) == (Mode.WHOLE, prefix)
    assert left == len("How| |long|?|<|/|>|<|assistant|>".split("|"))
    assert plan.expected_seconds == round(0.3 + left / 100, 1)
    assert plan.why == "The whole document is 6,000 tokens, read already: the first word takes about 1 s."


def test_a_reading_under_another_name_is_of_no_use(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = document(cast, text="word " * 3000)
    Reading.objects.create(
        version=row.version, llm=llm_get().id, prompt_version=PROMPT_VERSION, status=ReadingStatus.READ,
        file_name=reading_file(described(row), llm_get()), tokens_total=6100,
    )  # fmt: skip
    row.name = "renamed.pdf"
    row.save()
    assert planned(cast, row).mode is Mode.PASSAGES


def test_documents_that_a_slot_still_holds_count_as_read(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    rows = [document(cast, f"{name}.pdf", "word " * 1500) for name in "ab"]
    slots.remember_read(llm_get(), 0, plans.prefix_key([described(row) for row in rows]))
    plan = planned(cast, *rows)
    assert (plan.mode, plan.document_tokens, plan.cached_tokens) == (Mode.WHOLE, 6000, 6000)
    assert plan.why.startswith("The 2 documents together are 6,000 tokens, read already:")


def test_past_the_window_whole_is_refused_with_the_numbers(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = document(cast, text="word " * 4000)
    frame = sent(bundled_llm, row) - 8000
    room = 8192 - 400 - frame - 32
    with pytest.raises(UserError) as caught:
        planned(cast, row, mode=Mode.WHOLE)
    assert caught.value.code == "does_not_fit"
    assert str(caught.value) == (
        f"The whole document is 8,000 tokens and Qwen2.5-Coder 0.5B (bundled) can read {room:,} at once "
        "(a window of 8,192, less room for the question and the answer)."
    )
    assert planned(cast, row).why == (
        f"{str(caught.value).rstrip('.')}, so passages are used. "
        f"Choose sweep to have every part read, about {sweeping(row)}."
    )
    assert planned(cast, row).mode is Mode.PASSAGES


def test_the_whole_workspace_is_its_ready_documents(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    ready = document(cast, "a.pdf")
    document(cast, "b.pdf", status=IngestStatus.INGESTING)
    assert planned(cast).document_ids == [str(ready.pk)]


def test_without_a_ready_document_there_is_nothing_to_plan(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    document(cast, status=IngestStatus.FAILED)
    with pytest.raises(UserError, match="no document here that has been read in") as caught:
        planned(cast)
    assert caught.value.code == "no_documents"


def test_a_hosted_model_has_a_price_and_an_estimate(
    cast: Cast, scripted_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted_llm.model, scripted_llm.window_tokens = "kimi-k2.6", 262144
    monkeypatch.setattr(env, "llm_model", "kimi-k2.6")
    row = document(cast, text="abcd" * 10_000)
    plan = planned(cast, row)
    assert (plan.document_tokens, plan.exact) == (11_000, False)
    cold = plan.prompt_tokens * 0.95 + plan.output_tokens * 4.0
    cached = (plan.prompt_tokens - 11_000) * 0.95 + 11_000 * 0.16 + plan.output_tokens * 4.0
    assert plan.cost_usd_cold == pytest.approx(cold / 1e6, abs=1e-6)
    assert plan.cost_usd_cached == pytest.approx(cached / 1e6, abs=1e-6)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (59.4, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (207, "3 min 20 s"), (3900, "1 h 5 min")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


# Sweep

CLAUSES = "".join(f"SECTION {number}\n{f's{number} ' * 400}\n" for number in range(6))
EVERY = "List every clause on audits."


def sections(cast: Cast) -> Document:
    """Six sections of 802 tokens by the scripted tokenizer, each a part where a part takes 1,024."""
    row = document(cast, text=CLAUSES, pages=6)
    for number in range(6):
        start = CLAUSES.index(f"SECTION {number}")
        Heading.objects.create(
            version=row.version, ordinal=number, level=1, start_char=start, end_char=start + 9,
            section_end_char=len(CLAUSES),
        )  # fmt: skip
    return row


@pytest.fixture
def small_window(bundled_llm: ScriptedLLM) -> ScriptedLLM:
    bundled_llm.window_tokens = 2048
    return bundled_llm


def part_frame(server: ScriptedLLM, question: str) -> int:
    """The tokens of a part's prompt without the part."""
    messages = map_prompt(question, NO_PART, "", llm_get()).messages
    return len(server.tokenize(server.template([{"role": m.role, "content": m.content} for m in messages])))


def test_a_sweep_is_planned_to_the_part_and_the_token(cast: Cast, small_window: ScriptedLLM) -> None:
    row = sections(cast)
    plan = planned(cast, row, mode=Mode.SWEEP)
    tokens, frame = len(small_window.tokenize(CLAUSES)), part_frame(small_window, QUESTION)
    last = frame + 6 * 60
    assert (plan.mode, plan.requested, plan.parts, plan.parts_cached) == (Mode.SWEEP, Mode.SWEEP, 6, 0)
    assert (plan.prompt_tokens, plan.cached_tokens, plan.exact) == (tokens + 6 * frame + last, 0, True)
    # One part at a time: of three slots one reads ahead, and one always stays free for people.
    written = 6 * 400 * 0.2 / 20
    seconds = (tokens + 6 * frame) / 100 + written + 6 * 0.3 + 0.3 + last / 100
    assert plan.expected_seconds == pytest.approx(seconds, abs=0.06)
    assert plan.why == (
        f"You chose sweep. Every word is read: all 6 parts are gone through, in about {in_words(seconds)}."
    )


def test_parts_that_are_known_are_taken_off_the_plan(cast: Cast, small_window: ScriptedLLM) -> None:
    row = sections(cast)
    cold = planned(cast, row, mode=Mode.SWEEP)
    reader = QuestionReader(QUESTION, llm_get())
    question = Question.objects.create(workspace=cast.workspace, text=QUESTION)
    answer = Answer.objects.create(question=question, llm=llm_get().id, status=AnswerStatus.DONE)
    for ordinal, piece in enumerate(pieces_for([described(row)], reader)[:4]):
        SweepPart.objects.create(
            answer=answer, ordinal=ordinal, version_id=piece.version_id, start_char=piece.start_char,
            end_char=piece.end_char, key=key_of(reader, piece.digest), status=PartStatus.DONE,
            result={"findings": []},
        )  # fmt: skip
    plan = planned(cast, row, mode=Mode.SWEEP)
    tokens, frame = len(small_window.tokenize(CLAUSES)), part_frame(small_window, QUESTION)
    assert (plan.parts, plan.parts_cached, plan.prompt_tokens) == (6, 4, cold.prompt_tokens)
    assert plan.cached_tokens == pytest.approx(tokens * 4 / 6 + 4 * frame, abs=1)
    assert plan.expected_seconds < cold.expected_seconds / 2
    assert "all 6 parts are gone through, 4 of them known from before" in plan.why


def test_a_question_for_everything_is_swept_within_patience(cast: Cast, small_window: ScriptedLLM) -> None:
    plan = planned(cast, sections(cast), text=EVERY)
    assert (plan.mode, plan.requested, plan.parts) == (Mode.SWEEP, Mode.AUTO, 6)
    assert "can read" in plan.why
    assert ", and the question asks for everything there is. Every word is read: all 6 parts are gone" in plan.why


def test_past_patience_a_question_for_everything_is_answered_from_passages_and_told_so(
    cast: Cast, small_window: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env, "sweep_patience_seconds", 30)
    plan = planned(cast, sections(cast), text=EVERY)
    assert plan.mode is Mode.PASSAGES
    assert plan.why.endswith(".")
    assert ", so passages are used. Choose sweep to have every part read, about " in plan.why


def test_a_quick_document_is_read_whole_even_for_everything(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    assert planned(cast, document(cast, text="word " * 500), text=EVERY).mode is Mode.WHOLE


def test_a_question_too_long_for_any_text_beside_it_is_refused(cast: Cast, small_window: ScriptedLLM) -> None:
    with pytest.raises(UserError, match="too long") as caught:
        planned(cast, document(cast), mode=Mode.SWEEP, text="why " * 900)
    assert caught.value.code == "does_not_fit"


def test_hosted_parts_are_read_side_by_side_and_have_their_price(
    cast: Cast, scripted_llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted_llm.model, scripted_llm.window_tokens = "kimi-k2.6", 262144
    monkeypatch.setattr(env, "llm_model", "kimi-k2.6")
    llm = llm_get()
    row = document(cast, text="One word more. " * 60_000)
    plan = planned(cast, row, mode=Mode.SWEEP)
    reader = QuestionReader(QUESTION, llm)
    measured = measure([row], QUESTION, [], llm, output_tokens=llm.answer_tokens)
    sizes = roughly_sized(measured, reader)
    assert plan.parts > llm.parallel > 1
    assert plan.cost_usd_cold == plan.cost_usd_cached == pytest.approx(
        (plan.prompt_tokens * 0.95 + (plan.parts * sizes.part_output_tokens + plan.output_tokens) * 4.0) / 1e6, abs=1e-6
    )  # fmt: skip
    alone = replace(llm, parallel=1)
    one = expected_seconds(replace(measured, llm=alone), sizes)
    assert expected_seconds(measured, sizes) < one / (llm.parallel - 1)


def test_a_document_that_is_being_read_ahead_says_how_far_it_is(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    row = document(cast, text="word " * 3000, pages=30)
    prefix = len(prefix_tokens(with_text(row), llm_get()))
    Reading.objects.create(
        version=row.version, llm=llm_get().id, prompt_version=PROMPT_VERSION, status=ReadingStatus.READING,
        file_name=reading_file(described(row), llm_get()), tokens_total=prefix, tokens_done=prefix * 18 // 30,
        lease_expires_at=timezone.now() + timedelta(minutes=1),
    )  # fmt: skip
    plan = planned(cast, row, mode=Mode.WHOLE)
    left = 0.3 + (sent(bundled_llm, row) - prefix * 18 // 30) / 100
    assert plan.why == (
        "You chose whole. The whole document is 6,000 tokens, being read now, 18 of 30 pages; about "
        f"{in_words(left)} until then."
    )


def test_a_plan_is_said_in_the_readers_language_and_kept_in_english(cast: Cast, bundled_llm: ScriptedLLM) -> None:
    lease = document(cast)
    with translation.override("de"):
        told = planned(cast, lease, mode=Mode.PASSAGES).why
        answer = question_ask(
            workspace=cast.workspace, user=cast.owner, text=QUESTION, documents=[lease], mode=Mode.PASSAGES
        )
    assert told == "Sie haben Textstellen gewählt: Gelesen wird, was am besten passt."
    assert answer.plan["why"] == "You chose passages: the parts that match best are read."
