"""The exact prompts of an answer: every call that was made for it, with the messages as they were sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from analysis.llm.segments import Piece, SentMessage, rebuilt
from analysis.models import Answer, Call, CallStatus
from analysis.views.figures import dollars, duration
from workspaces.access import get_answer_or_404, member_of, person
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.policy import require

PURPOSES = {
    "question": gettext_lazy("Question"),
    "summary": gettext_lazy("Summary"),
    "part": gettext_lazy("Part of the sweep"),
    "reduce": gettext_lazy("Putting findings together"),
}
AT_ONCE = 20_000  # characters of a prompt that are shown at a time
CALLS_SHOWN = 200


@dataclass(frozen=True)
class SentCall:
    """A call as it is listed, and the part of its prompt that is shown. start: in characters of all its messages."""

    call: Call
    number: int
    start: int = 0

    @property
    def purpose(self) -> str:
        return str(PURPOSES.get(self.call.purpose, self.call.purpose.capitalize()))

    @property
    def cost(self) -> str:
        return dollars(float(self.call.cost_usd))

    @property
    def time(self) -> str:
        return duration(self.call.seconds)

    @property
    def unfinished(self) -> bool:
        return self.call.status != CallStatus.DONE

    @cached_property
    def messages(self) -> list[SentMessage]:
        return rebuilt(self.call.prompt)

    @property
    def total(self) -> int:
        return sum(len(piece.text) for message in self.messages for piece in message.pieces)

    @property
    def end(self) -> int:
        return min(self.start + AT_ONCE, self.total)

    @property
    def left(self) -> int:
        return self.total - self.end

    @property
    def shown(self) -> list[SentMessage]:
        """The messages between `start` and `end`, the pieces at the edges cut."""
        return list(between(self.messages, self.start, self.end))


@login_required
@require_safe
def prompt(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    """List the calls of an answer; what each was sent is loaded when it is opened.

    For editors and owners, who can put any prompt themselves. A viewer reads answers; instructions, and other people's
    earlier questions in a thread, are none of them.
    """
    answer = _answer(request, answer_id)
    record(Action.PROMPT_SEEN, answer, workspace=answer.question.workspace)
    calls = _calls(answer)
    listed = [SentCall(call, number) for number, call in enumerate(calls.defer("prompt")[:CALLS_SHOWN], start=1)]
    context = {"answer": answer, "question": answer.question, "calls": listed, "count": calls.count()}
    return render(request, "prompt.html", context)


@login_required
@require_safe
def prompt_call(request: HttpRequest, answer_id: UUID, call_id: int) -> HttpResponse:
    """Show what one call was sent, from `?from=` on, a stretch at a time."""
    answer = _answer(request, answer_id)
    call = get_object_or_404(answer.calls, pk=call_id)
    number = answer.calls.filter(pk__lte=call_id).count()
    start = request.GET.get("from", "")
    sent = SentCall(call, number, int(start) if start.isascii() and start.isdigit() and len(start) < 10 else 0)
    template = "_prompt.html" if request.headers.get("HX-Request") else "prompt_call.html"
    return render(request, template, {"answer": answer, "question": answer.question, "sent": sent})


@login_required
@require_safe
def prompt_text(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    """Return what all calls were sent, as plain text."""
    answer = _answer(request, answer_id)
    record(Action.EXPORTED, answer, workspace=answer.question.workspace, file=f"prompt-{answer.pk}.txt")
    text = "\n\n".join(_call_text(SentCall(call, number)) for number, call in enumerate(_calls(answer), start=1))
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="prompt-{answer.pk}.txt"'
    return response


def between(messages: list[SentMessage], start: int, end: int) -> Iterator[SentMessage]:
    """Yield the messages' pieces from character `start` to `end`, counted over all of them."""
    at = 0
    for message in messages:
        pieces: list[Piece] = []
        for piece in message.pieces:
            text = piece.text[max(0, start - at) : max(0, end - at)]
            at += len(piece.text)
            pieces += [replace(piece, text=text)] if text else []
        if pieces:
            yield replace(message, pieces=pieces)


def _answer(request: HttpRequest, answer_id: UUID) -> Answer:
    answer = get_answer_or_404(person(request), answer_id)
    require(member_of(person(request), answer.question.workspace), "prompts")
    request.workspace = answer.question.workspace  # type: ignore[attr-defined]
    return answer


def _calls(answer: Answer) -> QuerySet[Call]:
    return answer.calls.order_by("pk")


def _call_text(sent: SentCall) -> str:
    """Return a call as text: a line on it, then each message below its role. Words are exactly as sent."""
    call = sent.call
    head = (
        f"=== Call {sent.number}: {sent.purpose}, {call.llm}, {call.created_at:%Y-%m-%d %H:%M:%S} UTC, "
        f"{call.prompt_tokens:,} tokens in, {call.completion_tokens:,} out ==="
    )
    pieces = [head]
    for message in sent.messages:
        pieces += [f"--- {message.role} ---", *(f"[{mime}]" for mime in message.media), message.content]
    return "\n".join(pieces) + "\n"
