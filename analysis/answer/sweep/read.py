"""Reading the parts of a sweep: any number of workers take one after another until none is left."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.db.models import F
from django.utils import timezone

from analysis import progress
from analysis.answer import masked
from analysis.answer.account import account_of
from analysis.answer.budget import check_all_was_read, check_fits
from analysis.answer.code_places import place_in_words
from analysis.answer.receipt import page_number
from analysis.answer.stream import PROGRESS_SECONDS, completion, stop_flag
from analysis.answer.sweep.readers import Completion, QuestionReader, Reader, reader_of, together_characters
from analysis.answer.sweep.rows import (
    SETTLED,
    Claimed,
    claim_beside,
    claim_part,
    known_results,
    parts_of_answer,
    place_of,
    source_of,
)
from analysis.beat import beating
from analysis.errors import AppError, LecternError
from analysis.ingest.spoken import place_words, seconds_of
from analysis.llm.catalogue import LLM
from analysis.llm.client import Stop
from analysis.llm.registry import llm_get
from analysis.models import Answer, AnswerStatus, PartStatus, SweepPart
from analysis.models.lease import MAX_ATTEMPTS, LeaseLost, release, renew
from analysis.repository.lines import line_tables
from analysis.types import Account, CallPurpose, Priority, Prompt, Span, Usage
from config.env import env

log = logging.getLogger(__name__)

RETRY_SECONDS = 5  # before a part is tried a second time; twice that before the third, and so on
OUR_FAULT = "Something went wrong on our side. It has been logged."


class Stopped(Exception):  # not an error: somebody asked for it
    """The sweep was asked to stop in the middle of a part."""


@dataclass(frozen=True)
class Sweep:
    """One answer's sweep, as one worker sees it."""

    answer: Answer
    llm: LLM
    reader: Reader
    should_stop: Stop

    @cached_property
    def account(self) -> Account:
        return replace(account_of(self.answer), purpose=CallPurpose.PART)

    @cached_property
    def several(self) -> bool:
        """Return whether a part's place has to name its document."""
        return parts_of_answer(self.answer).values("version").distinct().count() > 1

    @cached_property
    def together_characters(self) -> int:
        """How many characters of small files are read in one prompt; 0 for a reader that takes each by itself."""
        return together_characters(self.reader)

    @cached_property
    def total(self) -> int:
        return parts_of_answer(self.answer).count()


def sweep_of(answer: Answer, should_stop: Stop) -> Sweep:
    """Return the sweep of an answer."""
    llm = llm_get(answer.llm, workspace_id=answer.question.workspace_id)
    return Sweep(answer, llm, reader_of(answer, llm), should_stop)


def read_parts(answer_id: str) -> None:
    """Read parts of the answer's sweep beside its own run, until none is left or the answer is over."""
    running = Answer.objects.filter(pk=answer_id, status=AnswerStatus.RUNNING)
    answer = running.select_related("question__workspace", "question__parent").first()
    if answer is not None:
        read_on(sweep_of(answer, stop_flag(answer_id)))


def read_on(sweep: Sweep) -> None:
    """Read one part after another for as long as there is one to take."""
    while not sweep.should_stop() and (claimed := claim_part(sweep.answer)):
        beside = claim_beside(sweep.answer, claimed, limit=sweep.together_characters)
        if beside:
            _read_together(sweep, [claimed, *beside])
        else:
            _read_claimed(sweep, claimed)


def show_findings(part: SweepPart, stream: str) -> None:
    """Emit what was found in a part, if it is done. part and index name a finding: sent twice, it is shown once."""
    document = part.version.document
    held = part.result.get("findings", [])
    table = line_tables([part.version_id]).get(part.version_id) if held and document.repository_id else None
    for index, found in enumerate(held):
        span = Span(part.start_char + found["start_char"], part.start_char + found["end_char"])
        number = 1 if table else page_number(part.version_id, span.start_char)
        spoken = seconds_of(part.version.metadata.get("times", ()), span)
        lines = table.lines_of(*span) if table else (0, 0)
        data = {
            "part": part.ordinal,
            "index": index,
            "document_id": str(document.pk),
            "document_name": document.name,
            "page_number": number,
            "place": place_in_words(document.path, *lines) if table else place_words(number, spoken),
            "path": document.path or None,
            "repository_id": str(document.repository_id) if document.repository_id else None,
            "start_line": lines[0],
            "end_line": lines[1],
            "start_char": span.start_char,
            "end_char": span.end_char,
            "quote": masked.read(part.version, *span),
            "note": found["note"],
        }
        progress.emit(stream, "finding", data)


def _read_claimed(sweep: Sweep, claimed: Claimed) -> None:
    """Read a part and keep the outcome under its lease."""
    with beating(lambda: renew(claimed.rows, claimed.token), every_seconds=env.lease_seconds / 3) as lost:
        try:
            _keep(sweep, claimed, lambda: lost.is_set() or sweep.should_stop())
        except LeaseLost:
            log.info("Part %s was taken over or deleted", claimed.part.pk)
        except Stopped:
            if not lost.is_set():
                _let_go(claimed)
        except Exception as error:
            _fail_or_postpone(claimed, error)
    _show_settled(sweep, claimed.part.pk)


def _read_together(sweep: Sweep, claims: list[Claimed]) -> None:
    """Read several small files in one prompt and keep the outcome of each under its own lease."""

    def renew_all() -> None:
        for each in claims:
            renew(each.rows, each.token)

    with beating(renew_all, every_seconds=env.lease_seconds / 3) as lost:
        try:
            _keep_together(sweep, claims, lambda: lost.is_set() or sweep.should_stop())
        except LeaseLost:
            log.info("Parts of %s were taken over or deleted", sweep.answer.pk)
        except Stopped:
            for each in claims if not lost.is_set() else []:
                _let_go(each)
        except Exception as error:
            for each in claims:
                _fail_or_postpone(each, error)
    for each in claims:
        _show_settled(sweep, each.part.pk)


def _keep_together(sweep: Sweep, claims: list[Claimed], should_stop: Stop) -> None:
    parts = [each.part for each in claims]
    known = known_results(sweep.answer.question.workspace_id, [part.key for part in parts])
    for each in claims:
        if each.part.key in known:
            release(each.rows, each.token, status=PartStatus.DONE, result=known[each.part.key], cached=True)
    left = [each for each in claims if each.part.key not in known]
    if not left or not isinstance(sweep.reader, QuestionReader):
        return
    _show_place(sweep, left[0].part, f"{len(left):,} files together")
    read = [(source_of(each.part), place_of(each.part)) for each in left]

    def ask(prompt: Prompt) -> Completion:
        return _completed(sweep, prompt, sweep.account, should_stop, on_read=lambda share: None)

    for each, result in zip(left, sweep.reader.read_together(read, ask), strict=True):
        release(each.rows, each.token, status=PartStatus.DONE, result=result, cached=False)


def _keep(sweep: Sweep, claimed: Claimed, should_stop: Stop) -> None:
    part = claimed.part
    if part.attempts > MAX_ATTEMPTS:
        raise AppError(f"This was tried {MAX_ATTEMPTS} times and broke off each time.", code="gave_up")
    known = known_results(sweep.answer.question.workspace_id, [part.key]).get(part.key)
    result = _read(sweep, part, should_stop) if known is None else known
    release(claimed.rows, claimed.token, status=PartStatus.DONE, result=result, cached=known is not None)


def _read(sweep: Sweep, part: SweepPart, should_stop: Stop) -> dict[str, Any]:
    place = place_of(part)
    _show_place(sweep, part, place)
    account = replace(sweep.account, document_id=str(part.version.document_id))

    def on_read(share: float) -> None:
        _show_place(sweep, part, f"{place}, {round(100 * share)} % read")

    def ask(prompt: Prompt) -> Completion:
        return _completed(sweep, prompt, account, should_stop, on_read=on_read)

    return sweep.reader.read(source_of(part), place, ask)


def _completed(
    sweep: Sweep, prompt: Prompt, account: Account, should_stop: Stop, *, on_read: Callable[[float], None]
) -> Completion:
    """Return the completion of a prompt. Raises Stopped, and whatever the call raises.

    on_read: told now and then what share of the prompt has been read, where the endpoint says so.
    """
    counted = check_fits(prompt, sweep.llm)
    tokens = completion(
        sweep.llm, prompt, reads=[], account=account, priority=Priority.SWEEP, should_stop=should_stop,
        on_wait=_waits(sweep),
    )  # fmt: skip
    written, usage, shown_at = "", Usage(), 0.0
    for token in tokens:
        if token.kind == "prefill" and token.total and time.monotonic() - shown_at >= PROGRESS_SECONDS:
            shown_at = time.monotonic()
            on_read(token.done / token.total)
        written += token.text if token.kind == "text" else ""
        usage = token.usage if token.kind == "end" and token.usage is not None else usage
    if usage.finish_reason == "stopped":
        raise Stopped
    check_all_was_read(counted, usage)
    return Completion(written, cut=usage.finish_reason == "length")


def _let_go(claimed: Claimed) -> None:
    """Give a part back as it was taken, since stopping is no fault of it."""
    release(claimed.rows, claimed.token, status=PartStatus.QUEUED, attempts=F("attempts") - 1)


def _fail_or_postpone(claimed: Claimed, error: Exception) -> None:
    """Write down that the part cannot be read; or leave it to be taken again if waiting may help."""
    again = isinstance(error, AppError) and error.transient and claimed.part.attempts < MAX_ATTEMPTS
    try:
        if again:
            # An expired lease is what others look for, so it is let expire when the time has come.
            due = timezone.now() + timedelta(seconds=RETRY_SECONDS * 2 ** (claimed.part.attempts - 1))
            if not claimed.rows.filter(lease_token=claimed.token).update(lease_token=None, lease_expires_at=due):
                raise LeaseLost("Another worker has taken this over.")
        else:
            if not isinstance(error, LecternError):
                log.error("Part %s failed", claimed.part.pk, exc_info=error)
            message = str(error) if isinstance(error, LecternError) else OUR_FAULT
            release(claimed.rows, claimed.token, status=PartStatus.FAILED, error_message=message)
    except LeaseLost:
        log.info("Part %s was taken over or deleted", claimed.part.pk)


def _show_place(sweep: Sweep, part: SweepPart, place: str) -> None:
    name = f"{part.version.document.name}, " if sweep.several else ""
    done = parts_of_answer(sweep.answer).filter(status__in=SETTLED).count()
    message = f"Part {part.ordinal + 1} of {sweep.total}: {name}{place}"
    _progress(sweep, "part", message, done, sweep.total)


def _show_settled(sweep: Sweep, pk: int) -> None:
    part = SweepPart.objects.select_related("version__document").filter(pk=pk, status__in=SETTLED).first()
    if part is not None:
        show_findings(part, progress.answer_stream(sweep.answer.pk))
        _show_place(sweep, part, place_of(part))


def _waits(sweep: Sweep) -> Callable[[], None]:
    return lambda: _progress(sweep, "waiting", "Waiting for the language model, which is busy with other questions")


def _progress(sweep: Sweep, stage: str, message: str, done: int = 0, total: int = 0) -> None:
    data = {"stage": stage, "message": message, "done": done, "total": total}
    progress.emit(progress.answer_stream(sweep.answer.pk), "progress", data)
