"""Side by side: one question's answers by several language models, in columns, live while they are written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from analysis.answer.compare import BEST, Compared, answers_compare, best, compared
from analysis.errors import LecternError
from analysis.models import Answer, AnswerStatus, Question
from analysis.views.cards import Card, card_for
from analysis.views.choices import MODES, llm_choices
from analysis.views.export import as_csv, as_markdown
from analysis.views.figures import dollars, duration
from analysis.views.forms import chosen_mode
from analysis.views.receipts import mode_name
from workspaces.access import enter, get_question_or_404, member_of, person
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.models import Member, Role
from workspaces.policy import require

EXPORTS = {"csv": (as_csv, "text/csv"), "md": (as_markdown, "text/markdown")}
UNKNOWN = "–"


@dataclass(frozen=True)
class Figure:
    """A figure in words. note: what makes it the best of its row, "" if it is not."""

    label: str
    words: str
    note: str = ""


@dataclass(frozen=True)
class Column:
    """One language model's answer on the page."""

    card: Card
    name: str
    compared: Compared
    best: dict[str, set[Any]]

    @cached_property
    def figures(self) -> list[Figure]:
        """What can be compared at a glance, always the same rows."""
        each = self.compared
        return [
            Figure(gettext("Read"), mode_name(each.payload["mode"]) or UNKNOWN),
            self._figure(gettext("Supported"), "supported_share", _share(each)),
            self._figure(gettext("Cost"), "cost_usd", dollars(each.cost_usd) if each.cost_usd is not None else UNKNOWN),
            self._figure(gettext("First word"), "seconds_to_first_token", _seconds(each.seconds_to_first_token)),
            self._figure(gettext("In all"), "seconds", _seconds(each.seconds)),
            Figure(gettext("Tokens"), _tokens(each)),
        ]

    def _figure(self, label: str, name: str, words: str) -> Figure:
        return Figure(label, words, BEST[name][1] if self.compared.answer.pk in self.best[name] else "")


def _share(each: Compared) -> str:
    claims = [sentence for sentence in each.payload["sentences"] if sentence["supported"] is not None]
    if each.supported_share is None:
        return UNKNOWN
    borne_out = sum(1 for sentence in claims if sentence["supported"])
    return gettext("%(supported)s of %(claims)s") % {"supported": borne_out, "claims": len(claims)}


def _seconds(seconds: float | None) -> str:
    return duration(seconds) if seconds else UNKNOWN


def _tokens(each: Compared) -> str:
    if not each.prompt_tokens:
        return UNKNOWN
    return gettext("%(read)s in, %(written)s out") % {
        "read": intcomma(each.prompt_tokens),
        "written": intcomma(each.completion_tokens or 0),
    }


def columns_of(question: Question, member: Member) -> list[Column]:
    """Return a column for each language model that has answered, or is answering, the question."""
    answers = compared(question)
    names = {choice.id: choice.name for choice in llm_choices(question.workspace_id)}
    best_of = best(answers)
    return [
        Column(card_for(each.answer, member), names.get(each.answer.llm, each.answer.llm), each, best_of)
        for each in answers
    ]


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def compare(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Return the question's answers side by side; on POST have the language models answer that have not yet."""
    if request.method == "GET":
        return _page(request, get_question_or_404(person(request), question_id))
    question = get_question_or_404(person(request), question_id, role=Role.REVIEWER)
    try:
        answers_compare(question, llms=request.POST.getlist("llms"), mode=chosen_mode(request.POST))
    except LecternError as error:
        return _page(request, question, error=error)
    return redirect("compare", question.pk)


def _page(request: HttpRequest, question: Question, error: LecternError | None = None) -> HttpResponse:
    member = enter(request, question.workspace.slug)
    columns = columns_of(question, member)
    states = {column.card.answer.llm: _state(column.card.answer) for column in columns}
    context = {
        "workspace": member.workspace,
        "question": question,
        "documents": list(question.documents.order_by("uploaded_at", "pk")),
        "columns": columns,
        "choices": [(each, states.get(each.id, "")) for each in llm_choices(question.workspace_id)],
        "modes": MODES,
        "may_ask": member.may(Role.REVIEWER),
        "error": error.message if error else "",
    }
    return render(request, "compare.html", context, status=error.status if error else 200)


def _state(answer: Answer) -> str:
    return (
        gettext("asked already")
        if answer.open or answer.status == AnswerStatus.DONE
        else gettext("broke off, and is asked again")
    )


def finished_column(request: HttpRequest, answer: Answer, member: Member) -> SafeString:
    """Return the message that ends a column's stream: the column, and every column's figures, which it may beat."""
    columns = columns_of(answer.question, member)
    pieces = [_column(request, column) for column in columns if column.card.answer.pk == answer.pk]
    pieces += [_figures(column) for column in columns if column.card.answer.pk != answer.pk]
    return mark_safe("".join(pieces))  # noqa: S308  # templates escape


def _column(request: HttpRequest, column: Column) -> SafeString:
    html = render_to_string("_column.html", {"column": column}, request=request)
    return _partial(f"card-{column.card.answer.pk}", "outerHTML", html)


def _figures(column: Column) -> SafeString:
    html = render_to_string("_figures.html", {"column": column})
    return _partial(f"figures-{column.card.answer.pk}", "innerHTML", html)


def _partial(target: str, swap: str, html: SafeString) -> SafeString:
    return format_html('<hx-partial hx-target="#{}" hx-swap="{}">{}</hx-partial>', target, swap, html)


@login_required
@require_GET
@never_cache
def compare_export(request: HttpRequest, question_id: UUID, kind: str) -> HttpResponse:
    """Return the comparison as a file to save, `kind` being csv or md."""
    question = get_question_or_404(person(request), question_id)
    if kind not in EXPORTS:
        raise Http404
    write, content_type = EXPORTS[kind]
    reply = HttpResponse(write(question, compared(question)), content_type=f"{content_type}; charset=utf-8")
    require(member_of(person(request), question.workspace), "export")
    name = f"comparison-{question.pk}.{kind}"
    record(Action.EXPORTED, question, workspace=question.workspace, file=name)
    reply["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return reply
