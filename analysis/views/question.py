"""Questions: asking, the permalink, and what can be done with an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from analysis.answer.ask import answer_regenerate, answer_stop, question_ask
from analysis.answer.compare import question_compare
from analysis.answer.render import place_name, place_url
from analysis.errors import LecternError
from analysis.models import Answer, DocumentVersion, Question
from analysis.types import Span
from analysis.views.cards import Card, card_for, newest_answer, with_status
from analysis.views.choices import ask_choices, remember_llm
from analysis.views.forms import Asked, chosen_documents, chosen_folders, chosen_mode, chosen_repositories
from analysis.views.pages import Box, page_marks
from workspaces.access import (
    enter,
    folders_for,
    get_answer_or_404,
    get_question_or_404,
    member_of,
    person,
    questions_for,
)
from workspaces.models import Member, Role
from workspaces.together.approvals import asked_with
from workspaces.together.notify import await_answer

LISTED_QUESTIONS = 30
WORDS_MAX_CHARACTERS = 500
CONTEXT_CHARACTERS, CONTEXT_POINTS = 300, 60.0
# The form that a refusal is shown in: part of an element's id.
_BOX = re.compile(r"^[\w-]{1,60}$")


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def ask(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the page for a question across documents; on POST put the question."""
    if request.method == "GET":
        return _ask_page(request, enter(request, slug))
    member = enter(request, slug, role=Role.REVIEWER)
    try:
        asked = Asked.from_form(request.POST, member)
        remember_llm(request, asked.llm)
        if asked.llms:
            return side_by_side(request, _compare(request, member, asked))
        answer = question_ask(workspace=member.workspace, user=person(request), llm=asked.llm, **asked.put)
    except LecternError as error:
        return refusal(request, error) or _ask_page(request, member, error=error)
    return shown(request, answer, member, target="#answers", swap="afterbegin")


def _ask_page(request: HttpRequest, member: Member, error: LecternError | None = None) -> HttpResponse:
    form = request.POST if request.method == "POST" else request.GET
    lately = questions_for(member).filter(purpose="question")
    words, approved = (
        request.GET.get("q", "").replace("\0", "").strip()[:WORDS_MAX_CHARACTERS],
        "approved" in request.GET,
    )
    context = {
        "workspace": member.workspace,
        "documents": chosen_documents(form, member),
        "repositories": chosen_repositories(form, member),
        "folders": chosen_folders(form, member),
        "closed": folders_for(member).filter(closed=True).count(),
        "questions": with_status(asked_with(lately, words, approved=approved))[:LISTED_QUESTIONS],
        "words": words,
        "approved": approved,
        "text": form.get("text", ""),
        "error": error.message if error else "",
        **ask_context(request, member),
    }
    return render(request, "ask.html", context, status=error.status if error else 200)


def _compare(request: HttpRequest, member: Member, asked: Asked) -> Question:
    answers = question_compare(workspace=member.workspace, user=person(request), llms=asked.llms, **asked.put)
    return answers[0].question


def side_by_side(request: HttpRequest, question: Question) -> HttpResponse:
    """Lead to the page where the question's answers stand side by side."""
    url = reverse("compare", args=[question.pk])
    if not request.headers.get("HX-Request"):
        return redirect(url)
    return HttpResponse(headers={"HX-Redirect": url})


def ask_context(request: HttpRequest, member: Member) -> dict[str, Any]:
    """Return what `_ask.html` needs beside its documents."""
    may_ask, may_edit = member.may(Role.REVIEWER), member.may(Role.EDITOR)
    return {"may_ask": may_ask, "may_edit": may_edit, **ask_choices(request)}


def refusal(request: HttpRequest, error: LecternError) -> HttpResponse | None:
    """Return the sentence for the open form that was sent by script, whose text stays; None for a plain form."""
    if not request.headers.get("HX-Request"):
        return None
    context = {"error": error, "box": box_of(request.POST) or "ask"}
    return render(request, "_refusal.html", context, status=error.status)


def box_of(form: QueryDict) -> str:
    """Return which form of the page was sent; "" if it does not say."""
    box = form.get("box", "")
    return box if _BOX.match(box) else ""


def shown(request: HttpRequest, answer: Answer, member: Member, *, target: str, swap: str) -> HttpResponse:
    """Return the new answer's card for the open page, put where `target` and `swap` say; else lead to its own page."""
    await_answer(answer, person(request))
    if not request.headers.get("HX-Request"):
        return redirect("question", answer.question_id)
    context = {"card": card_for(answer, member), "target": target, "swap": swap, "box": request.POST.get("box", "")}
    response = render(request, "_asked.html", context)
    response["HX-Trigger"] = "lectern:asked"
    return response


@login_required
@require_GET
@never_cache
def question(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Return a question's own page: the card, its sources beside it, earlier answers, follow-ups."""
    asked = get_question_or_404(person(request), question_id)
    member = enter(request, asked.workspace.slug)
    card = card_for(_chosen_answer(request, asked), member)
    context = {
        "workspace": member.workspace,
        "question": asked,
        "card": card,
        "parent": asked.parent,
        "sources": sources_of(card),
        "thread": [card_for(each, member) for each in _follow_ups(asked)],
        **ask_context(request, member),
    }
    return render(request, "question.html", context)


@dataclass(frozen=True)
class Source:
    """A citation beside its answer. crop: the part of the page to show, as an SVG view box; "" without an image."""

    number: int
    citation: dict[str, Any]
    crop: str = ""
    image: str = ""
    width: str = ""
    height: str = ""
    marks: Sequence[Box] = ()
    before: str = ""
    after: str = ""

    @property
    def url(self) -> str:
        """Where it stands."""
        return place_url(self.citation)

    @property
    def name(self) -> str:
        """What its place is called."""
        return place_name(self.citation)


def sources_of(card: Card) -> list[Source]:
    """Return the answer's citations, each with its page cut around it or with the text before and after."""
    citations = [] if card.answer.open else card.payload["citations"]
    versions = {
        (str(version.document_id), version.number): version
        for version in DocumentVersion.objects.filter(document__in={each["document_id"] for each in citations})
    }
    return [
        _source(number, each, versions[each["document_id"], each["version"]])
        for number, each in enumerate(citations, start=1)
    ]


def _source(number: int, citation: dict[str, Any], version: DocumentVersion) -> Source:
    page = version.pages.filter(number=citation["page_number"]).first()
    start, end = citation["start_char"], citation["end_char"]
    marks = page_marks(page, Span(start, end)) if page else []
    if page is None or not page.has_image or not marks:
        before = version.read_text(max(0, start - CONTEXT_CHARACTERS), start)
        return Source(number, citation, before=before, after=version.read_text(end, end + CONTEXT_CHARACTERS))
    top = max(0.0, min(float(mark.y) for mark in marks) - CONTEXT_POINTS)
    bottom = min(page.height, max(float(mark.y) + float(mark.height) for mark in marks) + CONTEXT_POINTS)
    address = reverse("page_image", args=[version.document_id, page.number])
    return Source(
        number,
        citation,
        crop=f"0 {top:.2f} {page.width:.2f} {bottom - top:.2f}",
        image=f"{address}?v={version.pk}-{version.parser_version}",
        width=f"{page.width:.2f}",
        height=f"{page.height:.2f}",
        marks=marks,
    )


def _chosen_answer(request: HttpRequest, question: Question) -> Answer:
    number = request.GET.get("answer", "")
    answers = question.answers.select_related("question__workspace", "question__asker")
    answer = answers.filter(number=int(number)).first() if number.isdecimal() and len(number) < 9 else None
    answer = answer or newest_answer(question)
    if answer is None:
        raise Http404
    return answer


def _follow_ups(question: Question) -> list[Answer]:
    answers = [newest_answer(each) for each in question.follow_ups.order_by("created_at")[:LISTED_QUESTIONS]]
    return [answer for answer in answers if answer is not None]


@login_required
@require_POST
def regenerate(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Answer the question once more, in the mode and by the LLM that the form names."""
    asked = get_question_or_404(person(request), question_id, role=Role.REVIEWER)
    member = member_of(person(request), asked.workspace)
    remember_llm(request, request.POST.get("llm", ""))
    try:
        answer = answer_regenerate(asked, mode=chosen_mode(request.POST), llm=request.POST.get("llm", ""))
    except LecternError as error:
        return refusal(request, error) or told(request, error, reverse("question", args=[asked.pk]))
    if not request.headers.get("HX-Request"):
        return redirect("question", asked.pk)
    return render(request, "_answer.html", {"card": card_for(answer, member)})


def told(request: HttpRequest, error: LecternError, url: str) -> HttpResponse:
    """Return to `url`, where the error is said."""
    messages.error(request, error.message)
    return redirect(url)


@login_required
@require_POST
def follow_up(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Put a question that follows up another, to the same documents."""
    asked = get_question_or_404(person(request), question_id, role=Role.REVIEWER)
    member = member_of(person(request), asked.workspace)
    remember_llm(request, request.POST.get("llm", ""))
    try:
        answer = question_ask(
            workspace=asked.workspace,
            user=person(request),
            text=request.POST.get("text", ""),
            mode=chosen_mode(request.POST),
            llm=request.POST.get("llm", ""),
            parent=asked,
        )
    except LecternError as error:
        return refusal(request, error) or told(request, error, reverse("question", args=[asked.pk]))
    return shown(request, answer, member, target=f"#thread-{asked.pk}", swap="beforeend")


@login_required
@require_POST
def answer_stop_view(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    """Stop an answer; its stream brings what was written until then."""
    answer = get_answer_or_404(person(request), answer_id, role=Role.REVIEWER)
    answer_stop(answer)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204)
    return redirect("question", answer.question_id)


@login_required
@require_GET
@never_cache
def answer_card(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    """Return the card of one answer alone; with `?entry` with a place for what follows it up."""
    answer = get_answer_or_404(person(request), answer_id)
    card = card_for(answer, member_of(person(request), answer.question.workspace))
    return render(request, "_entry.html" if "entry" in request.GET else "_answer.html", {"card": card})
