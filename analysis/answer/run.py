"""The answer recipe: claim, plan, prompt, stream, cite, keep. It can be killed anywhere and run again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from analysis import progress
from analysis.answer import material, read_once
from analysis.answer.account import account_of
from analysis.answer.ask import emit_end, emit_listed, enqueue, release_if_ready, stop_key
from analysis.answer.budget import check_all_was_read, check_fits
from analysis.answer.by_passages import write_passages
from analysis.answer.changes import write_changes
from analysis.answer.cite import cite
from analysis.answer.packed import write_packed
from analysis.answer.plan import plan_documents
from analysis.answer.prompt import DocumentText, whole_prompt
from analysis.answer.receipt import coverage
from analysis.answer.repository_summary import write_repository_summary
from analysis.answer.stream import Writer, complete, stop_flag
from analysis.answer.summary import write_summary
from analysis.answer.sweep.write import write_sweep
from analysis.beat import beating
from analysis.egress import sending_for
from analysis.errors import AppError, LecternError, UserError
from analysis.llm.budget import over_budget
from analysis.llm.catalogue import LLM
from analysis.llm.ledger import spent
from analysis.llm.registry import llm_get
from analysis.models import Answer, AnswerStatus, CitationRow, Document, Purpose, SentenceRow
from analysis.models.lease import MAX_ATTEMPTS, LeaseLost, claim, release, renew
from analysis.types import Account, Citation, CitedSentence, Mode, Prompt, ReadingPlan, Source, Span, Usage
from config.env import env
from workspaces.folders import shut_in_answers
from workspaces.hooks.events import HookEvent
from workspaces.hooks.outbox import tell

log = logging.getLogger(__name__)

RETRY_SECONDS = 5  # before the second attempt; twice that before the third, and so on
LOST_SECONDS = 60  # a queued answer that is older than this may have lost its message
OUR_FAULT = "Something went wrong on our side. It has been logged; please try again."


@dataclass
class Run:
    """One worker's run of one answer, under a lease."""

    answer: Answer
    token: UUID
    writer: Writer
    llm: LLM
    documents: list[Document]
    not_ready: list[Document]

    @property
    def rows(self) -> QuerySet[Answer]:
        return Answer.objects.filter(pk=self.answer.pk)


@dataclass(frozen=True)
class Written:
    """What a run has come to: the plan it followed, what was put before the model, and the receipt.

    own: spans of the text that are Lectern's own words on what was read, which no source has to bear out. quoted: spans
    that Lectern itself quotes, each with its place, which need not be looked for.
    """

    plan: ReadingPlan
    sources: list[Source]
    coverage: dict[str, Any]
    own: list[Span] = field(default_factory=list)
    quoted: list[tuple[Span, Source]] = field(default_factory=list)


def answer_run(answer_id: str) -> None:
    """Write the answer, unless it is finished or a living worker is at it."""
    rows = Answer.objects.filter(pk=answer_id)
    token = claim(rows, waiting=AnswerStatus.QUEUED, working=AnswerStatus.RUNNING)
    if token is None:
        return
    answer = rows.select_related("question__workspace", "question__parent").get()
    with (
        sending_for(answer.question.workspace_id),
        beating(lambda: renew(rows, token), every_seconds=env.lease_seconds / 3) as lost,
    ):
        try:
            _attempt(answer, token, lost)
        except LeaseLost:
            log.info("Answer %s was taken over or deleted", answer_id)
        except Exception as error:
            _fail_or_retry(answer, token, error)


def requeue_expired() -> None:
    """Send answers to a worker that a dead one left, that lost their message, or whose documents are settled by now."""
    stale = timezone.now() - timedelta(seconds=LOST_SECONDS)
    abandoned = Q(status=AnswerStatus.RUNNING, lease_expires_at__lt=timezone.now())
    unclaimed = Q(status=AnswerStatus.QUEUED, created_at__lt=stale)
    for answer in Answer.objects.filter(abandoned | unclaimed).select_related("question"):
        # Once a minute each: behind a long queue the message is not lost, and a second one changes nothing.
        if progress.connection().set(f"lectern:requeued:answer:{answer.pk}", 1, nx=True, ex=LOST_SECONDS):
            enqueue(answer)
    waiting = Answer.objects.filter(status=AnswerStatus.WAITING, created_at__lt=stale)
    for answer in waiting.select_related("question__workspace"):
        release_if_ready(answer)
    read_once.requeue_expired()


def _attempt(answer: Answer, token: UUID, lost: Event) -> None:
    if answer.attempts > MAX_ATTEMPTS:
        raise AppError(f"This was tried {MAX_ATTEMPTS} times and broke off each time.", code="gave_up")
    asked_to_stop = stop_flag(answer.pk)
    writer = Writer(str(answer.pk), lambda: lost.is_set() or asked_to_stop(), account_of(answer))
    emit_listed(answer)
    if answer.stop_requested:
        _finish_stopped(answer, token, writer)
        return
    run = Run(answer, token, writer, _llm(answer), *_readable(answer))
    written = _write(run)
    if lost.is_set():
        raise LeaseLost("Another worker has taken this over.")
    _finish(run, written)


def _llm(answer: Answer) -> LLM:
    """Return the answer's language model, which the policy may have ruled out since it was asked for."""
    return llm_get(answer.llm, workspace_id=answer.question.workspace_id)


def _readable(answer: Answer) -> tuple[list[Document], list[Document]]:
    """Return the documents that are ready and those that are not. Raises UserError when there is none to read."""
    chosen = list(material.chosen(answer.question))
    documents = material.ready(chosen)
    if not documents:
        names = ", ".join(document.name for document in chosen[:3]) or "There is no document: it"
        raise UserError(f"{names} could not be read in, so there is nothing to answer from.", code="no_documents")
    return documents, [document for document in chosen if document.version is None or not document.version.ready]


def _write(run: Run) -> Written:
    """Write what is wanted."""
    question = run.answer.question
    if question.purpose == Purpose.CHANGES:
        return write_changes(run)
    if question.purpose == Purpose.SUMMARY:
        return write_repository_summary(run) if question.repositories.exists() else write_summary(run)
    return _write_answer(run)


def _write_answer(run: Run) -> Written:
    question = run.answer.question
    mode = Mode(run.answer.mode_requested)
    plan = plan_documents(run.documents, text=question.text, mode=mode, llm=run.llm, parent=question.parent)
    renew(run.rows, run.token, plan=asdict(plan), mode=plan.mode)
    history = material.history(question.parent, run.llm)
    if plan.mode is Mode.SWEEP:
        return write_sweep(run, plan, history)
    if plan.mode is Mode.PASSAGES:
        return write_passages(run, plan, history)
    if plan.mode is Mode.PACKED:
        return write_packed(run, plan, history)
    reads = material.with_texts(run.documents)
    prompt = whole_prompt(reads, history.turns, question.text, max_output_tokens=plan.output_tokens)
    put(run, prompt, reads, pages_place(run.documents))
    receipt = coverage(
        plan, run.documents, prompt.sources, run.writer.usage, not_ready=run.not_ready,
        history_dropped=history.dropped, path=question.path,
    )  # fmt: skip
    return Written(plan, prompt.sources, receipt)


def put(
    run: Run,
    prompt: Prompt,
    reads: list[DocumentText],
    place: Callable[[int, int], str],
    *,
    on_text: Callable[[str], None] | None = None,
    account: Account | None = None,
) -> Usage:
    """Have the LLM complete the prompt into the run's writer, or into `on_text`; return what it took.

    account: instead of the writer's. Raises UserError does_not_fit before anything is sent, AppError llm_read_less when
    the server cut the prompt.
    """
    counted = check_fits(prompt, run.llm)
    usage = complete(run.writer, run.llm, prompt, reads=reads, place=place, on_text=on_text, account=account)
    check_all_was_read(counted, usage)
    return usage


def _finish(run: Run, written: Written) -> None:
    """Keep the answer with its checked sentences, in one transaction and under our lease only; then say so."""
    text = run.writer.text.rstrip()
    reasoning = run.writer.reasoning if run.answer.question.workspace.keep_reasoning else ""
    run.writer.progress("checking", "Checking each sentence against the source")
    cited = cite(
        text,
        written.sources,
        identities=material.identities(run.documents),
        coded=material.coded(run.documents),
    )
    sentences = [_as_quoted(_as_own(sentence, written.own), written.quoted) for sentence in cited]
    status = AnswerStatus.STOPPED if run.writer.stopped else AnswerStatus.DONE
    why = _why_stopped(run)
    with transaction.atomic():
        release(
            run.rows, run.token, status=status, text=text, reasoning=reasoning, mode=written.plan.mode,
            plan=asdict(written.plan), coverage=written.coverage, usage=_usage(run), finished_at=timezone.now(),
            error_code=why.code if why else "", error_message=why.message if why else "",
        )  # fmt: skip
        _keep_sentences(run.answer, sentences)
        run.answer.status = status
        tell(HookEvent.ANSWER_DONE, run.answer, run.answer.question.workspace_id)
        # What was moved or closed while it was being written is among what its readers must see.
        shut_in_answers(run.answer.question.workspace_id, run.answer.question)
    _tell_finished(run.answer, status)
    _forget_reasoning(run.answer)


def _why_stopped(run: Run) -> UserError | None:
    """Return why an answer was stopped that nobody has asked to stop: the month's money is spent."""
    if not run.writer.stopped or run.rows.filter(stop_requested=True).exists():
        return None
    return over_budget()


def _forget_reasoning(answer: Answer) -> None:
    """Take what was thought aloud out of the events as well, where the workspace keeps none of it."""
    if not answer.question.workspace.keep_reasoning:
        progress.drop(progress.answer_stream(answer.pk), "reasoning")


def _as_own(sentence: CitedSentence, own: list[Span]) -> CitedSentence:
    """Return the sentence, with nothing to support where Lectern itself says it."""
    ours = any(span.start_char <= sentence.start_char and sentence.end_char <= span.end_char for span in own)
    return replace(sentence, supported=None, citations=[], reason="") if ours else sentence


def _as_quoted(sentence: CitedSentence, quoted: list[tuple[Span, Source]]) -> CitedSentence:
    """Return the sentence with the place that Lectern quotes it from: short words may stand elsewhere as well."""
    for span, source in quoted:
        if span.start_char < sentence.end_char and sentence.start_char < span.end_char:
            citation = Citation(source.version_id, source.start_char, source.end_char, 1.0)
            return replace(sentence, supported=True, citations=[citation], reason="")
    return sentence


def _finish_stopped(answer: Answer, token: UUID, writer: Writer) -> None:
    """Keep what a worker had written before it died, of an answer that was asked to stop: its readers have seen it."""
    text = ""
    for event in progress.replay(progress.answer_stream(answer.pk)):
        if event.name == "token":
            text = text[: event.data["start_char"]] + event.data["text"]
    rows = Answer.objects.filter(pk=answer.pk)
    release(rows, token, status=AnswerStatus.STOPPED, text=text.rstrip(), finished_at=timezone.now())
    _tell_finished(answer, AnswerStatus.STOPPED)


def _tell_finished(answer: Answer, status: AnswerStatus) -> None:
    progress.emit(progress.answer_stream(answer.pk), "answer", {"id": str(answer.pk)})
    emit_end(answer, "done", {"status": status.value})
    progress.connection().delete(stop_key(answer.pk))


def _keep_sentences(answer: Answer, sentences: list[CitedSentence]) -> None:
    answer.sentences.all().delete()
    rows = SentenceRow.objects.bulk_create(
        SentenceRow(
            answer=answer, ordinal=ordinal, start_char=sentence.start_char, end_char=sentence.end_char,
            supported=sentence.supported, reason=sentence.reason[:200],
        )
        for ordinal, sentence in enumerate(sentences)
    )  # fmt: skip
    CitationRow.objects.bulk_create(
        CitationRow(sentence=row, ordinal=ordinal, **asdict(citation))
        for row, sentence in zip(rows, sentences, strict=True)
        for ordinal, citation in enumerate(sentence.citations)
    )


def _usage(run: Run) -> dict[str, Any]:
    """Return what the answer took: what its calls cost, those of runs that broke off included."""
    return {**asdict(run.writer.usage), "llm": run.llm.id, **spent(run.answer)}


def _fail_or_retry(answer: Answer, token: UUID, error: Exception) -> None:
    """Write down what went wrong, for people; or send the answer to a worker again if waiting may help."""
    rows = Answer.objects.filter(pk=answer.pk)
    transient = isinstance(error, AppError) and error.transient
    try:
        if transient and answer.attempts < MAX_ATTEMPTS and not answer.stop_requested:
            _retry(answer, token, rows, error)
        else:
            if not isinstance(error, LecternError):
                log.exception("Answer %s failed", answer.pk)
            _fail(answer, token, rows, error)
    except LeaseLost:
        log.info("Answer %s was taken over or deleted", answer.pk)


def _retry(answer: Answer, token: UUID, rows: QuerySet[Answer], error: Exception) -> None:
    seconds = RETRY_SECONDS * 2 ** (answer.attempts - 1)
    release(rows, token, status=AnswerStatus.QUEUED)
    message = f"{error} Trying again in {seconds} s."
    data = {"stage": "waiting", "message": message, "done": 0, "total": 0}
    progress.emit(progress.answer_stream(answer.pk), "progress", data)
    enqueue(answer, countdown_seconds=seconds)


def _fail(answer: Answer, token: UUID, rows: QuerySet[Answer], error: Exception) -> None:
    known = isinstance(error, LecternError)
    code = error.code if isinstance(error, LecternError) else "internal"
    message = str(error) if known else OUR_FAULT
    failed = {"status": AnswerStatus.FAILED, "error_code": code[:40], "error_message": message}
    with transaction.atomic():
        release(rows, token, **failed, finished_at=timezone.now())
        answer.status = AnswerStatus.FAILED
        tell(HookEvent.ANSWER_FAILED, answer, answer.question.workspace_id, code=code)
    emit_end(answer, "failed", {"code": code, "message": message})
    _forget_reasoning(answer)


def pages_place(documents: list[Document]) -> Callable[[int, int], str]:
    """Return how far a reading has come in words, by the share of tokens read."""
    pages = sum(material.version_of(document).page_count for document in documents)

    def place(done: int, total: int) -> str:
        if pages < 2 or not total:
            return "Reading the document" if len(documents) == 1 else "Reading the documents"
        return f"Reading page {max(1, round(done / total * pages))} of {pages}"

    return place
