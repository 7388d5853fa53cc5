"""A sweep from its parts to the answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Sum
from django.utils import timezone

from analysis import progress
from analysis.answer import material
from analysis.answer.findings import Found, absent_sentence, exhaustive
from analysis.answer.receipt import coverage
from analysis.answer.sweep.combine import final_prompt, found_in, left_out, listed
from analysis.answer.sweep.plan import parallel, pieces_for
from analysis.answer.sweep.read import Sweep, read_on, show_findings, sweep_of
from analysis.answer.sweep.readers import asked
from analysis.answer.sweep.rows import SETTLED, lay_parts, parts_of_answer, place_of, swept
from analysis.english import one_or_many
from analysis.errors import AppError
from analysis.models import PartStatus, SweepPart
from analysis.types import CallPurpose, Priority, Prompt, ReadingPlan, Span

if TYPE_CHECKING:
    from analysis.answer.run import Run, Written

LOOK_SECONDS = 0.2
COUNTED = ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")
LETTING_GO_SECONDS = 2.0  # a worker closes its call within a second of being asked to stop


def write_sweep(run: Run, plan: ReadingPlan, history: material.History) -> Written:
    """Write the answer from what every part of the documents says, and return what it was written from."""
    from analysis.answer.run import Written

    begun = time.monotonic()
    run.writer.priority = Priority.SWEEP
    question = asked(run.answer.question.text, history.turns)
    parts = read_all(run)
    plan = replace(plan, parts=len(parts))
    settle_usage(run, begun)
    read = receipt_of(run, plan, parts, history.dropped)
    items = found_in(parts)
    own = _write(run, question, items, parts, read)
    settle_usage(run, begun)
    receipt = receipt_of(run, plan, parts, history.dropped)
    return Written(plan, [item.source for item in items], receipt, own)


def read_all(run: Run) -> list[SweepPart]:
    """Have every part read, here and by whichever workers help; return them all, settled unless the run was stopped.

    Raises AppError when not one of them could be read.
    """
    sweep = sweep_of(run.answer, run.writer.should_stop)
    described = [material.described(document) for document in run.documents]
    lay_parts(run.answer, sweep.reader, pieces_for(described, sweep.reader))
    for part in _parts(run):
        show_findings(part, progress.answer_stream(run.answer.pk))
    _call_helpers(sweep, run)
    while (left := _unsettled(run)) and not run.writer.should_stop():
        read_on(sweep)
        time.sleep(LOOK_SECONDS if _unsettled(run) else 0)
    if left:
        run.writer.stopped = True
        run.writer.usage = replace(run.writer.usage, finish_reason="stopped")
        _wait_for_helpers(run)
    parts = _parts(run)
    failed = [part for part in parts if part.status == PartStatus.FAILED]
    if failed and len(failed) == len(parts):
        raise AppError(f"No part could be read. {failed[0].error_message}", code="no_part_read")
    return parts


def receipt_of(run: Run, plan: ReadingPlan, parts: Sequence[SweepPart], history_dropped: int = 0) -> dict[str, Any]:
    """Return the receipt of a sweep as it stands."""
    return coverage(
        plan, run.documents, [], run.writer.usage, not_ready=run.not_ready, history_dropped=history_dropped,
        swept=swept(parts), path=run.answer.question.path,
    )  # fmt: skip


def settle_usage(run: Run, begun: float) -> None:
    """Put what all workers' calls took, as the ledger has it, in the place of what this one counted.

    The seconds are the clock's: calls that ran beside each other are not added up for the person who waited. begun: by
    the monotonic clock.
    """
    calls = run.answer.calls.aggregate(calls=Count("pk"), **{name: Sum(name, default=0) for name in COUNTED})
    run.writer.calls = calls.pop("calls")
    before = run.writer.usage
    seconds = time.monotonic() - begun
    # Settled first when nothing is written yet: the first word comes at the earliest now.
    first = before.seconds_to_first_token or seconds
    run.writer.usage = replace(before, **calls, seconds_to_first_token=first, seconds=seconds)


def _write(run: Run, question: str, items: list[Found], parts: list[SweepPart], read: dict[str, Any]) -> list[Span]:
    """Write the answer; return the spans of it that are Lectern's own words, on what was read."""
    own: list[Span] = []
    if run.writer.stopped:
        if items:
            own.append(run.writer.say("This was stopped before everything was read. Found until then:"))
            run.writer.add(f"\n\n{listed(items)}")
        return own
    if items:
        _put_together(run, question, items)
        own += _add_left_out(run, question, items)
    else:
        own.append(run.writer.say(absent_sentence(read, run.llm)))
    if unread := _unread(parts, read):
        own.append(run.writer.say(f"\n\n{unread}"))
    return own


def _put_together(run: Run, question: str, items: list[Found]) -> None:
    """Write what the LLM makes of the findings; the findings themselves where it makes nothing of them."""
    from analysis.answer.run import put

    account = replace(run.writer.account, purpose=CallPurpose.REDUCE)
    places = one_or_many("one place", "%(count)s places", len(items)) % {"count": f"{len(items):,}"}
    run.writer.progress("writing", f"Putting together what was found in {places}")

    def condense(prompt: Prompt) -> str:
        pieces: list[str] = []
        usage = put(run, prompt, [], _reading_findings, on_text=pieces.append, account=account)
        return "" if usage.finish_reason == "stopped" else "".join(pieces)

    prompt = final_prompt(question, items, run.llm, condense)
    if prompt is not None:
        put(run, prompt, [], _reading_findings, account=account)
    if not run.writer.text.strip():
        run.writer.add(listed(items))


def _add_left_out(run: Run, question: str, items: list[Found]) -> list[Span]:
    """Where every one was asked for, append the findings that the answer does not rest on."""
    if run.writer.stopped or not exhaustive(question):
        return []
    missing = left_out(run.writer.text, items, material.coded(run.documents))
    if not missing:
        return []
    said = run.writer.say("\n\nAlso found:")
    run.writer.add(f"\n\n{listed(missing)}")
    return [said]


def _unread(parts: list[SweepPart], receipt: dict[str, Any]) -> str:
    """Return what could not be read and why, as Markdown; "" when everything was."""
    failed = [part for part in parts if part.status == PartStatus.FAILED]
    lines = [f"{part.version.document.name}, {place_of(part)}: {part.error_message}" for part in failed]
    for row in receipt["documents"]:
        pages = ", ".join(f"{a} to {b}" if b > a else f"{a}" for a, b in row["pages_unreadable"])
        lines += [f"{row['document_name']}, page {pages}: nothing on it could be made out."] if pages else []
    lines += [f"{row['document_name']}: it was not read in." for row in receipt["not_read_in"]]
    return "\n".join(["Not read:", "", *(f"- {line}" for line in lines)]) if lines else ""


def _reading_findings(done: int, total: int) -> str:
    return "Reading what was found"


def _call_helpers(sweep: Sweep, run: Run) -> None:
    """Send for as many workers as the endpoint takes beside this one."""
    from analysis.tasks import read_parts

    for _ in range(min(_unsettled(run), parallel(sweep.llm)) - 1):
        read_parts.delay(str(run.answer.pk))


def _wait_for_helpers(run: Run) -> None:
    """Return once no worker holds a part: it has been told to stop as well. A dead one is not waited for."""
    deadline = time.monotonic() + LETTING_GO_SECONDS
    held = parts_of_answer(run.answer).filter(status=PartStatus.READING, lease_token__isnull=False)
    while held.filter(lease_expires_at__gt=timezone.now()).exists() and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS / 2)


def _unsettled(run: Run) -> int:
    return parts_of_answer(run.answer).exclude(status__in=SETTLED).count()


def _parts(run: Run) -> list[SweepPart]:
    return list(parts_of_answer(run.answer).select_related("version__document"))
