"""Side by side: one question to several language models, and what their answers come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from analysis.answer.ask import answer_begin, checked_mode, question_put
from analysis.answer.payload import answer_payload
from analysis.errors import UserError
from analysis.llm.catalogue import LLM
from analysis.llm.registry import llm_get
from analysis.models import Answer, AnswerStatus, Document, Question, Repository
from analysis.types import Mode
from workspaces.models import Folder, User, Workspace

MOST_LLMS = 6  # columns that a person can still take in


@dataclass(frozen=True)
class Compared:
    """One language model's answer among several. A figure is None as long as it is not known."""

    answer: Answer

    @cached_property
    def payload(self) -> dict[str, Any]:
        return answer_payload(self.answer)

    @property
    def finished(self) -> bool:
        return self.answer.status == AnswerStatus.DONE

    @property
    def supported_share(self) -> float | None:
        """The share of sentences that the documents bear out; None when no sentence needs support."""
        claims = [each["supported"] for each in self.payload["sentences"] if each["supported"] is not None]
        return sum(claims) / len(claims) if claims else None

    @property
    def cost_usd(self) -> float | None:
        return self._used("cost_usd") if self.finished else None

    @property
    def seconds_to_first_token(self) -> float | None:
        return self._used("seconds_to_first_token") or None

    @property
    def seconds(self) -> float | None:
        return self._used("seconds") or None

    @property
    def prompt_tokens(self) -> int | None:
        return int(self._used("prompt_tokens")) or None

    @property
    def cached_tokens(self) -> int:
        return int(self._used("cached_tokens"))

    @property
    def completion_tokens(self) -> int | None:
        return int(self._used("completion_tokens")) or None

    def _used(self, name: str) -> float:
        value: float = self.payload["usage"][name]
        return value


# What is best in a row, said in words beside the value; None where more is neither better nor worse.
BEST: dict[str, tuple[Callable[[Compared], float | None], str]] = {
    "supported_share": (lambda each: None if each.supported_share is None else -each.supported_share, "best supported"),
    "cost_usd": (lambda each: each.cost_usd, "cheapest"),
    "seconds_to_first_token": (lambda each: each.seconds_to_first_token, "first to begin"),
    "seconds": (lambda each: each.seconds, "first to finish"),
}


def question_compare(
    *,
    workspace: Workspace,
    user: User | None,
    text: str,
    documents: Sequence[Document] = (),
    repositories: Sequence[Repository] = (),
    folders: Sequence[Folder] = (),
    path: str = "",
    shared: bool = True,
    llms: Sequence[str],
    mode: Mode = Mode.AUTO,
    parent: Question | None = None,
) -> list[Answer]:
    """Return an answer by each of `llms` to a new question; they are written at the same time.

    Raises UserError as `question_ask`, and too_few_llms, too_many_llms. One that cannot take the question refuses all.
    """
    chosen = _chosen(llms, workspace)
    with transaction.atomic():
        asked = question_put(
            workspace=workspace, user=user, text=text, documents=documents, repositories=repositories,
            folders=folders, path=path, shared=shared, parent=parent,
        )  # fmt: skip
        return [answer_begin(asked, checked_mode(mode), llm) for llm in chosen]


def answers_compare(question: Question, *, llms: Sequence[str], mode: Mode = Mode.AUTO) -> list[Answer]:
    """Return an answer by each of `llms` to the question: the one that is there or being written, else a new one."""
    chosen = _chosen(llms, question.workspace)
    with transaction.atomic():
        usable = {each.answer.llm: each.answer for each in compared(question) if _usable(each.answer)}
        return [usable.get(llm.id) or answer_begin(question, checked_mode(mode), llm) for llm in chosen]


def compared(question: Question, llms: Sequence[str] = ()) -> list[Compared]:
    """Return the newest answer by each language model, in the order in which they were first asked.

    llms: keep to these; by default all that have answered.
    """
    newest: dict[str, Answer] = {}
    for answer in question.answers.order_by("number"):
        newest[answer.llm] = answer
    for answer in newest.values():
        answer.question = question
    return [Compared(answer) for llm, answer in newest.items() if not llms or llm in llms]


def best(columns: Sequence[Compared]) -> dict[str, set[Any]]:
    """Return for each row of figures which answers (by id) have the best value; none where all are equal."""
    return {name: _lowest(columns, figure) for name, (figure, _) in BEST.items()}


def _lowest(columns: Sequence[Compared], figure: Callable[[Compared], float | None]) -> set[Any]:
    known = [(value, each.answer.pk) for each in columns if each.finished and (value := figure(each)) is not None]
    values = {value for value, _ in known}
    return {pk for value, pk in known if value == min(values)} if len(values) > 1 else set()


def _usable(answer: Answer) -> bool:
    return answer.open or answer.status == AnswerStatus.DONE


def _chosen(llms: Sequence[str], workspace: Workspace) -> list[LLM]:
    chosen = {llm.id: llm for llm in (llm_get(id, workspace_id=workspace.pk) for id in llms)}
    if len(chosen) < 2:
        raise UserError(gettext("Choose two or more language models to compare."), code="too_few_llms")
    if len(chosen) > MOST_LLMS:
        raise UserError(
            gettext("At most %(most)s language models can be compared at once.") % {"most": MOST_LLMS},
            code="too_many_llms",
        )
    return list(chosen.values())
