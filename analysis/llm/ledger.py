"""The one door to a language model: a completion, and the ledger's row of it whatever becomes of it."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.db.models import Count, Model, Sum
from django.utils import timezone

from analysis.egress import Sender, leave
from analysis.llm.budget import Purse
from analysis.llm.catalogue import LLM
from analysis.llm.client import Stop, never, stream_chat
from analysis.llm.segments import segments
from analysis.llm.tokens import estimate
from analysis.models import Answer, Call, CallStatus, Document
from analysis.types import Account, Prompt, Token, Usage
from config import tally, traces
from workspaces.models import User, Workspace

Row = TypeVar("Row", bound=Model)
NOTHING = Usage()
MOST_TOKENS = 2**31 - 1  # what a column of the ledger holds: an endpoint may say anything
TRIES = 3
LONGEST_CALL = timedelta(hours=2)


def metered(
    llm: LLM,
    prompt: Prompt,
    account: Account,
    *,
    slot: int | None = None,
    should_stop: Stop = never,
    before: Usage = NOTHING,
) -> Generator[Token, None, None]:
    """Yield a completion's tokens and write its row: at the start, and when it is done, stopped, broken off or dropped.

    before: what this call had the slot read of its prompt before it began; it is the call's own reading and time, not
    its cache's. Past the workspace's budget the completion is stopped. Raises as `client.stream_chat`, and
    EgressRefused or UserError budget_spent before anything is sent.
    """
    leave("A prompt", llm.base_url, self_hosted=llm.self_hosted, sender=Sender(account.workspace_id))
    purse = Purse(llm, account.workspace_id)
    purse.check()
    begun, seen, status = time.monotonic() - before.seconds, before, CallStatus.FAILED
    # What is sent will be billed even if this process dies in the middle: an open row with an estimate outlives it.
    row = record(llm, Usage(prompt_tokens=_estimate(prompt)), account, status=CallStatus.OPEN, prompt=prompt)
    purse.pays_for(row)
    span = traces.open_span("stream", kind="client", current=False)
    try:
        with closing(stream_chat(llm, prompt, slot=slot, should_stop=purse.or_empty(should_stop))) as stream:
            for token in (_with(before, token) for token in stream):
                seen = _counted(seen, token, begun)
                purse.pay(_sane(replace(seen, prompt_tokens=seen.prompt_tokens or row.prompt_tokens)))
                if token.kind == "end":
                    status = CallStatus.STOPPED if seen.finish_reason == "stopped" else CallStatus.DONE
                yield token
    except GeneratorExit:
        status = CallStatus.STOPPED if status is CallStatus.FAILED else status
        raise
    finally:
        settled = _settled(seen, prompt, status, begun)
        span.close(
            llm=llm.id, purpose=str(account.purpose), status=str(status), prompt_tokens=settled.prompt_tokens,
            cached_tokens=settled.cached_tokens, completion_tokens=settled.completion_tokens,
            seconds_to_first_token=settled.seconds_to_first_token,
        )  # fmt: skip
        record(llm, settled, account, status=status, prompt=prompt, begun_as=row)


def record(
    llm: LLM,
    usage: Usage,
    account: Account,
    *,
    status: CallStatus = CallStatus.DONE,
    prompt: Prompt | None = None,
    begun_as: Call | None = None,
) -> Call:
    """Write a call's row at today's prices and return it. What it points to may be gone by now: it is then left out.

    The prompt is kept where it can be shown again, which is with its answer. begun_as: the open row that this replaces.
    """
    row = _priced(llm, _sane(usage), status)
    for attempt in range(1, TRIES + 1):
        try:
            with transaction.atomic():
                _write(row, account, prompt, begun_as)
            break
        except IntegrityError:  # something was deleted between the look and the write
            if attempt == TRIES:
                raise
    if status is not CallStatus.OPEN:
        _tally(row)
    return row


def _tally(row: Call) -> None:
    """Count a call that is over, for the metrics."""
    tally.count("llm_calls", llm=row.llm, purpose=row.purpose, status=row.status)
    tally.count("llm_cost_usd", float(row.cost_usd), llm=row.llm)
    fresh = row.prompt_tokens - row.cached_tokens
    for kind, tokens in (("fresh", fresh), ("cached", row.cached_tokens), ("written", row.completion_tokens)):
        tally.count("llm_tokens", tokens, llm=row.llm, kind=kind)
    if row.seconds_to_first_token:
        tally.observe("llm_first_token", row.seconds_to_first_token, llm=row.llm)


def close_lost() -> None:
    """Close the rows of calls whose worker has died; they keep the estimate of what was sent."""
    lost = Call.objects.filter(status=CallStatus.OPEN, created_at__lt=timezone.now() - LONGEST_CALL)
    lost.update(status=CallStatus.FAILED)


def spent(answer: Answer) -> dict[str, float | int]:
    """Return what all calls for the answer have come to, those of runs that broke off included."""
    sums = answer.calls.aggregate(
        calls=Count("pk"), cost_usd=Sum("cost_usd", default=0), saved_usd=Sum("saved_usd", default=0)
    )
    return {"calls": sums["calls"], "cost_usd": float(sums["cost_usd"]), "saved_usd": float(sums["saved_usd"])}


def _priced(llm: LLM, usage: Usage, status: CallStatus) -> Call:
    return Call(
        llm=llm.id[:120],
        endpoint=_address(llm.base_url),
        status=status,
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=usage.cached_tokens,
        completion_tokens=usage.completion_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cost_usd=llm.cost_usd(
            prompt_tokens=usage.prompt_tokens,
            cached_tokens=usage.cached_tokens,
            completion_tokens=usage.completion_tokens,
            cache_written_tokens=usage.cache_written_tokens,
        ),
        saved_usd=llm.saved_usd(usage.cached_tokens),
        seconds_to_first_token=usage.seconds_to_first_token,
        seconds=usage.seconds,
    )


def _write(row: Call, account: Account, prompt: Prompt | None, begun_as: Call | None) -> None:
    row.pk = None
    if begun_as is not None:
        row.pk, row.created_at = begun_as.pk, begun_as.created_at
    row.workspace = _row(Workspace, account.workspace_id)
    row.user = _row(User, account.user_id)
    row.answer = _row(Answer, account.answer_id)
    row.document = _row(Document, account.document_id)
    row.purpose = account.purpose
    row.prompt = segments(prompt) if prompt and row.answer else []
    row.save()  # the open row may be gone with its workspace: then this is a new one


def _address(url: str) -> str:
    """Return the endpoint's address without what may be a secret: user information and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:300] if parts.netloc else ""


def _sane(usage: Usage) -> Usage:
    """Return the usage as it can be: nothing below 0, no more from the cache than was sent."""
    prompt_tokens, completion_tokens = _count(usage.prompt_tokens), _count(usage.completion_tokens)
    cached_tokens = min(_count(usage.cached_tokens), prompt_tokens)
    return replace(
        usage,
        prompt_tokens=prompt_tokens,
        cached_tokens=cached_tokens,
        cache_written_tokens=min(_count(usage.cache_written_tokens), prompt_tokens - cached_tokens),
        completion_tokens=completion_tokens,
        reasoning_tokens=_count(usage.reasoning_tokens),
    )


def _count(tokens: int) -> int:
    return min(max(tokens, 0), MOST_TOKENS)


def _with(before: Usage, token: Token) -> Token:
    """Return the token with its usage as if what was read before had been read in the call."""
    if token.usage is None or not before.prompt_tokens:
        return token
    usage = token.usage
    fresh = before.prompt_tokens - before.cached_tokens
    first = usage.seconds_to_first_token
    usage = replace(
        usage,
        prompt_tokens=usage.prompt_tokens or before.prompt_tokens,
        cached_tokens=max(0, usage.cached_tokens - fresh) if usage.prompt_tokens else before.cached_tokens,
        seconds_to_first_token=first + before.seconds if first else 0.0,
        seconds=usage.seconds + before.seconds,
    )
    return replace(token, usage=usage)


def _row(model: type[Row], pk: int | str | None) -> Row | None:
    return model._default_manager.filter(pk=pk).first() if pk else None


def _settled(seen: Usage, prompt: Prompt, status: CallStatus, begun: float) -> Usage:
    """Return the usage of a call that is over. One that was cut short is billed without being told: it is estimated."""
    sent = status is CallStatus.STOPPED or seen.completion_tokens > 0
    if sent and not seen.prompt_tokens:
        seen = replace(seen, prompt_tokens=_estimate(prompt))
    return seen if seen.finish_reason else replace(seen, seconds=time.monotonic() - begun)


def _estimate(prompt: Prompt) -> int:
    return sum(estimate(message.content) for message in prompt.messages)


def _counted(seen: Usage, token: Token, begun: float) -> Usage:
    """Return what is known of the call after `token`: the endpoint's own words where it has said them."""
    if token.usage is not None:
        return token.usage if token.kind == "end" else replace(token.usage, completion_tokens=seen.completion_tokens)
    if token.kind not in ("text", "reasoning"):
        return seen
    first = seen.seconds_to_first_token or time.monotonic() - begun
    reasoning = seen.reasoning_tokens + (token.kind == "reasoning")
    return replace(
        seen, completion_tokens=seen.completion_tokens + 1, reasoning_tokens=reasoning, seconds_to_first_token=first
    )
