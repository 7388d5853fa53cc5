"""The reading plan: how the documents will be read for a question, what that takes, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.utils.translation import ngettext

from analysis.answer import material
from analysis.answer.prompt import DocumentText, Turn, prefix_key, whole_prompt
from analysis.answer.read_once import usable_reading
from analysis.errors import UserError
from analysis.llm import slots, tokens
from analysis.llm.catalogue import LLM
from analysis.llm.prefixes import recently_sent
from analysis.llm.speed import Speed, speed_of
from analysis.llm.tokens import TokenCount
from analysis.models import Document, Question
from analysis.types import Mode, ReadingPlan
from config.env import env
from workspaces.models import Workspace

CALL_SECONDS = 0.3  # what a call takes before the first token is read
PASSAGES_FRAME_TOKENS = 100  # the note that there is more, and each passage's place
SLACK_TOKENS = 32  # a chat template may differ from its count by a few tokens


@dataclass(frozen=True)
class Measured:
    """What the question and its documents come to, before a mode is chosen."""

    documents: list[DocumentText]
    document_tokens: int
    frame_tokens: int  # instructions, history and question
    cached_tokens: int
    output_tokens: int
    exact: bool
    llm: LLM
    speed: Speed

    @property
    def whole_tokens(self) -> int:
        return self.document_tokens + self.frame_tokens

    @property
    def fits(self) -> bool:
        return self.whole_tokens + self.output_tokens + SLACK_TOKENS <= self.llm.window_tokens

    @property
    def whole_seconds(self) -> float:
        return CALL_SECONDS + max(0, self.whole_tokens - self.cached_tokens) / self.speed.prefill

    @property
    def already_read(self) -> bool:
        return self.cached_tokens >= self.document_tokens > 0

    @property
    def subject(self) -> str:
        """Return "The whole document is" or "The 3 documents are"."""
        many = len(self.documents)
        return ngettext("The whole document is", "The %(many)s documents together are", many) % {"many": many}


def plan_reading(
    *, workspace: Workspace, text: str, documents: list[Document], mode: Mode, llm: LLM, parent: Question | None = None
) -> ReadingPlan:
    """Return how a question would be read; no documents means the whole workspace. Nothing is run.

    Raises UserError: no_documents when none is ready, unknown_mode, does_not_fit for a *whole* that cannot be.
    """
    chosen = material.ready(documents or material.workspace_documents(workspace))
    if not chosen:
        raise UserError("There is no document here that has been read in yet.", code="no_documents")
    if mode is Mode.SWEEP:
        raise UserError("The mode sweep is not available here. Choose auto, whole or passages.", code="unknown_mode")
    history = material.history(parent, llm)
    return _chosen_plan(mode, measure(chosen, text, history.turns, llm, output_tokens=llm.answer_tokens))


def measure(documents: list[Document], text: str, history: list[Turn], llm: LLM, *, output_tokens: int) -> Measured:
    """Return what the question and its documents come to."""
    described = [material.described(document) for document in documents]
    counted = material.token_count(documents, llm, exact_up_to=llm.window_tokens)
    frame = _frame_tokens(described, text, history, llm)
    return Measured(
        documents=described,
        document_tokens=counted.tokens,
        frame_tokens=frame.tokens,
        cached_tokens=_cached_tokens(described, counted.tokens, llm),
        output_tokens=output_tokens,
        exact=counted.exact and frame.exact,
        llm=llm,
        speed=speed_of(llm),
    )


def in_words(seconds: float) -> str:
    """Return a duration as people say it: 2 s, 3 min 20 s, 1 h 5 min."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        rest -= rest % 10
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(whole // 60, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def _chosen_plan(requested: Mode, measured: Measured) -> ReadingPlan:
    if requested is Mode.PASSAGES:
        return _plan(Mode.PASSAGES, requested, "You chose passages: the parts that match best are read.", measured)
    if not measured.fits:
        if requested is Mode.WHOLE:
            raise UserError(_too_large(measured), code="does_not_fit")
        return _plan(Mode.PASSAGES, requested, f"{_too_large(measured)} So passages are used.", measured)
    if requested is Mode.WHOLE:
        return _plan(Mode.WHOLE, requested, f"You chose whole. {_whole_words(measured)}", measured)
    if measured.already_read or measured.whole_seconds <= env.patience_seconds:
        return _plan(Mode.WHOLE, requested, _whole_words(measured), measured)
    why = (
        f"{measured.subject} {measured.document_tokens:,} tokens; reading takes about "
        f"{in_words(measured.whole_seconds)} here, so passages are used. Choose whole to wait for it."
    )
    return _plan(Mode.PASSAGES, requested, why, measured)


def _whole_words(measured: Measured) -> str:
    size = f"{measured.subject} {measured.document_tokens:,} tokens"
    if measured.already_read:
        return f"{size}, read already: the first word takes about {in_words(measured.whole_seconds)}."
    return f"{size}; reading takes about {in_words(measured.whole_seconds)}."


def _too_large(measured: Measured) -> str:
    room = max(0, measured.llm.window_tokens - measured.output_tokens - measured.frame_tokens - SLACK_TOKENS)
    return (
        f"{measured.subject} {measured.document_tokens:,} tokens and {measured.llm.name} can read {room:,} at once "
        f"(a window of {measured.llm.window_tokens:,}, less room for the question and the answer)."
    )


def plan_in(mode: Mode, measured: Measured, why: str) -> ReadingPlan:
    """Return the plan to read in `mode`, whatever else would be possible."""
    return _plan(mode, Mode.AUTO, why, measured)


def _plan(mode: Mode, requested: Mode, why: str, measured: Measured) -> ReadingPlan:
    whole = mode is not Mode.PASSAGES
    llm = measured.llm
    prompt_tokens = measured.whole_tokens if whole else passages_tokens(measured)
    cached_tokens = min(measured.cached_tokens, prompt_tokens) if whole else 0
    seconds = measured.whole_seconds if whole else CALL_SECONDS + prompt_tokens / measured.speed.prefill
    return ReadingPlan(
        mode=mode,
        requested=requested,
        why=why,
        llm=llm.id,
        document_ids=[document.document_id for document in measured.documents],
        document_tokens=measured.document_tokens,
        prompt_tokens=prompt_tokens,
        cached_tokens=cached_tokens,
        window_tokens=llm.window_tokens,
        output_tokens=measured.output_tokens,
        expected_seconds=round(seconds, 1),
        cost_usd_cold=_cost(llm, prompt_tokens, 0, measured.output_tokens),
        cost_usd_cached=_cost(llm, prompt_tokens, min(measured.document_tokens, prompt_tokens), measured.output_tokens),
        exact=measured.exact,
    )


def _cost(llm: LLM, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
    return llm.cost_usd(prompt_tokens=prompt_tokens, cached_tokens=cached_tokens, completion_tokens=completion_tokens)


def passages_tokens(measured: Measured) -> int:
    """Return the size of a prompt of passages: never more than the documents themselves."""
    evidence = min(measured.llm.passage_tokens, measured.document_tokens)
    return evidence + measured.frame_tokens + PASSAGES_FRAME_TOKENS


def _frame_tokens(documents: list[DocumentText], text: str, history: list[Turn], llm: LLM) -> TokenCount:
    """Return the tokens of the prompt without the documents' texts; at most a few of their tags are counted."""
    some = documents[:20]
    frame = whole_prompt([replace(document, text="") for document in some], history, text, max_output_tokens=1)
    counted = tokens.count_prompt(frame.messages, llm)
    return TokenCount(counted.tokens * len(documents) // len(some), counted.exact) if len(documents) > 20 else counted


def _cached_tokens(documents: list[DocumentText], document_tokens: int, llm: LLM) -> int:
    """Return how many tokens of these documents the endpoint is expected to have read already."""
    key = prefix_key(documents)
    if llm.slots:
        reading = usable_reading(documents[0], llm) if len(documents) == 1 else None
        if reading is not None:
            return reading.tokens_total
        return document_tokens if key in slots.read_by(llm).values() else 0
    return document_tokens if llm.cache != "none" and recently_sent(llm, key) else 0
