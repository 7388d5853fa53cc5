"""One question to several language models: an answer each, none stopped by another, and which is best at what."""

from __future__ import annotations

import pytest

from analysis.answer import ask, compare
from analysis.answer.compare import answers_compare, best, compared, question_compare
from analysis.errors import UserError
from analysis.llm.catalogue import LLM
from analysis.models import Answer, AnswerStatus, Question, SentenceRow
from analysis.types import Mode
from tests.analysis.answer.rows import document
from tests.conftest import Cast

NAMES = ["kimi", "qwen", "glm", "r1", "v3", "k3", "long"]


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Know the language models of NAMES, plan nothing, run nothing."""

    def llm_get(id: str = "", **_: object) -> LLM:
        if id not in NAMES:
            raise UserError("There is none.", code="unknown_llm")
        return LLM(id, id.upper(), "", 32768, 800)

    monkeypatch.setattr(compare, "llm_get", llm_get)
    monkeypatch.setattr(ask, "_plan", lambda question, mode, llm: {"mode": "whole"})


def put(cast: Cast, *llms: str) -> list[Answer]:
    return question_compare(
        workspace=cast.workspace, user=cast.owner, text="How long?", documents=[document(cast)], llms=llms
    )


def test_each_answers_the_same_question_and_none_is_stopped(cast: Cast) -> None:
    answers = put(cast, "kimi", "qwen", "glm")
    question = Question.objects.get()
    assert [(each.number, each.llm) for each in answers] == [(1, "kimi"), (2, "qwen"), (3, "glm")]
    kept = question.answers.values_list("status", "stop_requested")
    assert list(kept) == [(AnswerStatus.QUEUED, False)] * 3


def test_only_those_that_have_not_answered_are_asked(cast: Cast) -> None:
    first, second = put(cast, "kimi", "qwen")
    Answer.objects.filter(pk=first.pk).update(status=AnswerStatus.DONE)
    Answer.objects.filter(pk=second.pk).update(status=AnswerStatus.FAILED)
    answers = answers_compare(first.question, llms=["kimi", "qwen", "glm"], mode=Mode.WHOLE)
    assert answers[0].pk == first.pk
    assert [(each.number, each.llm) for each in answers[1:]] == [(3, "qwen"), (4, "glm")]
    assert [each.answer.number for each in compared(first.question)] == [1, 3, 4]


@pytest.mark.parametrize(
    ("llms", "code"),
    [([], "too_few_llms"), (["kimi"], "too_few_llms"), (["kimi", "kimi"], "too_few_llms"), (NAMES, "too_many_llms"),
     (["kimi", "gpt"], "unknown_llm")],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_and_nothing_is_put(cast: Cast, llms: list[str], code: str) -> None:
    with pytest.raises(UserError) as refused:
        put(cast, *llms)
    assert refused.value.code == code
    assert not Question.objects.exists()


def test_one_that_cannot_take_the_question_refuses_it_for_all(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def plan(question: Question, mode: Mode, llm: LLM) -> dict[str, str]:
        if llm.id == "glm":
            raise UserError("GLM is too small.", code="does_not_fit")
        return {}

    monkeypatch.setattr(ask, "_plan", plan)
    with pytest.raises(UserError, match="GLM is too small"):
        put(cast, "kimi", "glm")
    assert not Question.objects.exists()


def finished(answer: Answer, *, supported: list[bool | None], cost_usd: float, first: float, seconds: float) -> None:
    answer.text = "x" * len(supported)
    answer.status = AnswerStatus.DONE
    answer.usage = {"cost_usd": cost_usd, "seconds_to_first_token": first, "seconds": seconds, "prompt_tokens": 100}
    answer.save()
    for ordinal, state in enumerate(supported):
        SentenceRow.objects.create(
            answer=answer, ordinal=ordinal, start_char=ordinal, end_char=ordinal + 1, supported=state
        )


def test_the_best_of_each_row(cast: Cast) -> None:
    one, two, three = put(cast, "kimi", "qwen", "glm")
    finished(one, supported=[True, True, False, None], cost_usd=0.02, first=1.0, seconds=9.0)
    finished(two, supported=[True, None], cost_usd=0.0, first=1.0, seconds=4.0)
    columns = compared(one.question)
    assert [each.supported_share for each in columns] == [pytest.approx(2 / 3), 1.0, None]
    assert [each.cost_usd for each in columns] == [0.02, 0.0, None]
    assert best(columns) == {
        "supported_share": {two.pk},
        "cost_usd": {two.pk},
        "seconds_to_first_token": set(),
        "seconds": {two.pk},
    }
    finished(three, supported=[True], cost_usd=0.0, first=0.5, seconds=8.0)
    assert best(compared(one.question))["supported_share"] == {two.pk, three.pk}
    assert best(compared(one.question))["seconds_to_first_token"] == {three.pk}
