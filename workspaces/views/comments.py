"""Comments on documents and on questions: reading them, writing, answering, settling."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from analysis.errors import UserError
from analysis.models import Answer, Document, DocumentVersion, Page, Question
from analysis.repository.lines import LineTable, line_tables
from analysis.types import Span
from analysis.views.pages import page_rectangles
from analysis.views.question import box_of, refusal, told
from workspaces.access import (
    enter,
    get_comment_or_404,
    get_document_or_404,
    get_question_or_404,
    member_of,
    person,
)
from workspaces.models import Comment, Member, Role, User
from workspaces.together.audience import Subject, members_who_see, person_who_sees
from workspaces.together.comments import (
    comment_assign,
    comment_delete,
    comment_edit,
    comment_reply,
    comment_resolve,
    comment_write,
    subject_of,
)
from workspaces.together.threads import Talk

LISTED_PEOPLE = 500
_LINES = re.compile(r"(\d{1,8})(?:-(\d{1,8}))?")
_NUMBER = re.compile(r"\d{1,9}")


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def document_comments(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Return what was said about a document; on POST say something, about all of it or about a place in it."""
    role = Role.REVIEWER if request.method == "POST" else Role.VIEWER
    found = get_document_or_404(person(request), document_id, role=role)
    member = enter(request, found.workspace.slug)
    return (_said if request.method == "POST" else _threads)(request, Talk(found, member))


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def question_comments(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Return what was said about a question and its answers; on POST say something, about the answer it names."""
    role = Role.REVIEWER if request.method == "POST" else Role.VIEWER
    found = get_question_or_404(person(request), question_id, role=role)
    member = enter(request, found.workspace.slug)
    return (_said if request.method == "POST" else _threads)(request, Talk(found, member))


@login_required
@require_GET
@never_cache
def document_people(request: HttpRequest, document_id: UUID) -> JsonResponse:
    """Return whom a comment on the document can mention."""
    return _people(get_document_or_404(person(request), document_id))


@login_required
@require_GET
@never_cache
def question_people(request: HttpRequest, question_id: UUID) -> JsonResponse:
    """Return whom a comment on the question can mention."""
    return _people(get_question_or_404(person(request), question_id))


@login_required
@require_GET
@never_cache
def document_comment_places(request: HttpRequest, document_id: UUID) -> JsonResponse:
    """Return the places of the document's current version that open threads are about, for its page to mark.

    Each with its rectangles by page (fractions), or with its lines in a file of a repository.
    """
    found = get_document_or_404(person(request), document_id)
    talked = Talk(found, member_of(person(request), found.workspace)).places
    table = line_tables([found.version_id]).get(found.version_id) if talked and found.version_id else None
    pages = list(found.version.pages.all()) if talked and found.version and table is None else []
    return JsonResponse({"places": [_drawn(comment_id, span, pages, table) for comment_id, span in talked]})


def _drawn(comment_id: UUID, span: Span, pages: Sequence[Page], table: LineTable | None) -> dict[str, Any]:
    on = [page for page in pages if page.start_char < span.end_char and page.end_char > span.start_char]
    boxes = ((page.number, page_rectangles(page, span)) for page in on)
    return {
        "comment": comment_id,
        "start_char": span.start_char,
        "end_char": span.end_char,
        "lines": list(table.lines_of(*span)) if table else None,
        "pages": [{"number": number, "rectangles": [[b.x0, b.y0, b.x1, b.y1] for b in own]} for number, own in boxes],
    }


@login_required
@require_GET
def comment(request: HttpRequest, comment_id: UUID) -> HttpResponse:
    """Lead to where the comment is shown."""
    found = get_comment_or_404(person(request), comment_id)
    return redirect(place_of(found))


@login_required
@require_POST
def comment_reply_view(request: HttpRequest, comment_id: UUID) -> HttpResponse:
    """Answer a comment."""
    found, member = _with_place(request, comment_id)
    try:
        made = comment_reply(found, author=member, text=request.POST.get("text", ""))
    except UserError as error:
        return _refused(request, error, found)
    return _after(request, made, member)


@login_required
@require_POST
def comment_edit_view(request: HttpRequest, comment_id: UUID) -> HttpResponse:
    """Change the words of one's own comment."""
    found, member = _with_place(request, comment_id)
    if found.author_id != member.user_id or not found.text:
        raise Http404
    try:
        comment_edit(found, request.POST.get("text", ""))
    except UserError as error:
        return _refused(request, error, found)
    return _after(request, found, member)


@login_required
@require_POST
def comment_delete_view(request: HttpRequest, comment_id: UUID) -> HttpResponse:
    """Take away one's own comment, or as an admin anybody's."""
    found, member = _with_place(request, comment_id)
    if found.author_id != member.user_id and not member.may(Role.ADMIN):
        raise Http404
    place = place_of(found).partition("#")[0]
    comment_delete(found, by=member.user)
    return _shown(request, found, member) if request.headers.get("HX-Request") else redirect(place)


@login_required
@require_POST
def comment_resolve_view(request: HttpRequest, comment_id: UUID) -> HttpResponse:
    """Settle a thread, or open it again."""
    found, member = _with_place(request, comment_id)
    comment_resolve(found.parent or found, by=member.user, resolved=request.POST.get("resolved") == "1")
    return _after(request, found, member)


@login_required
@require_POST
def comment_assign_view(request: HttpRequest, comment_id: UUID) -> HttpResponse:
    """Have a person see to a thread, or nobody."""
    found, member = _with_place(request, comment_id)
    first = found.parent or found
    try:
        comment_assign(first, _assignee(request.POST, subject_of(first)), by=member.user)
    except UserError as error:
        return _refused(request, error, found)
    return _after(request, found, member)


def _with_place(request: HttpRequest, comment_id: UUID) -> tuple[Comment, Member]:
    """Return the comment and the place of the person, who may comment where it is."""
    found = get_comment_or_404(person(request), comment_id, role=Role.REVIEWER)
    return found, member_of(person(request), found.workspace)


def _threads(request: HttpRequest, talk: Talk) -> HttpResponse:
    """Return the threads alone for a page that shows them, else on a page of their own."""
    template = "_comments.html" if request.headers.get("HX-Request") else "comments.html"
    return render(request, template, {"talk": talk, "workspace": talk.member.workspace})


def place_of(comment: Comment) -> str:
    """Return the address at which the comment is shown, marked."""
    query: dict[str, object] = {"comment": comment.pk}
    if comment.document is None:
        asked = comment.answer.question_id if comment.answer else comment.question_id
        address = reverse("question", args=[asked])
    else:
        address = reverse("document", args=[comment.document.pk])
        first = comment.parent or comment
        query |= {"tab": "comments"}
        if first.start_char is not None and first.version_id == comment.document.version_id:
            query |= {"start_char": first.start_char, "end_char": first.end_char}
    return f"{address}?{urlencode(query)}#comment-{comment.pk}"


def _said(request: HttpRequest, talk: Talk) -> HttpResponse:
    """Keep a new comment as the form says it."""
    form = request.POST
    try:
        subject, version, span = _meant(form, talk.subject)
        made = comment_write(
            author=talk.member,
            subject=subject,
            text=form.get("text", ""),
            version=version,
            span=span,
            assignee=_assignee(form, subject),
        )
    except UserError as error:
        return _refused(request, error, talk.subject)
    return _after(request, made, talk.member)


def _meant(form: QueryDict, subject: Document | Question) -> tuple[Subject, DocumentVersion | None, Span | None]:
    """Return what the form's comment is on, and the place that it names in it; raises Http404 for what is not there."""
    if isinstance(subject, Question):
        answer = form.get("answer", "")
        return (_answer_of(subject, answer) if answer else subject), None, None
    number = form.get("version", "")
    if not _NUMBER.fullmatch(number):
        return subject, None, None
    version = subject.versions.filter(number=int(number)).first()
    if version is None:
        raise Http404
    span = _span(form, version)
    return subject, version if span else None, span


def _answer_of(question: Question, answer_id: str) -> Answer:
    try:
        answer = question.answers.filter(pk=UUID(answer_id)).select_related("question").first()
    except ValueError:
        answer = None
    if answer is None:
        raise Http404
    return answer


def _span(form: QueryDict, version: DocumentVersion) -> Span | None:
    """Return the characters that the form names, or those of the lines that it names."""
    lines = _LINES.fullmatch(form.get("lines", ""))
    if lines:
        table = line_tables([version.pk]).get(version.pk)
        return table.span_of(int(lines[1]), int(lines[2] or lines[1])) if table else None
    given = form.get("start_char", ""), form.get("end_char", "")
    return Span(*map(int, given)) if all(_NUMBER.fullmatch(each) for each in given) else None


def _assignee(form: QueryDict, subject: Subject) -> User | None:
    """Return the person whose address the form names, None where it names nobody; raises as `person_who_sees`."""
    address = form.get("assignee", "").strip()
    return person_who_sees(subject, address) if address else None


def _people(subject: Subject) -> JsonResponse:
    people = [each.user for each in members_who_see(subject)[:LISTED_PEOPLE]]
    return JsonResponse({"people": [{"email": user.email, "name": user.get_full_name()} for user in people]})


def _after(request: HttpRequest, comment: Comment, member: Member) -> HttpResponse:
    """Return the threads with the comment for the open page, else lead to it."""
    return _shown(request, comment, member) if request.headers.get("HX-Request") else redirect(place_of(comment))


def _shown(request: HttpRequest, comment: Comment, member: Member) -> HttpResponse:
    question = comment.answer.question if comment.answer else comment.question
    subject = comment.document or question
    assert subject is not None, "a comment is on one thing"  # noqa: S101
    context = {"talk": Talk(subject, member), "box": box_of(request.POST)}
    response = render(request, "_commented.html", context)
    response["HX-Trigger"] = "lectern:commented"
    return response


def _refused(request: HttpRequest, error: UserError, about: Comment | Document | Question) -> HttpResponse:
    """Say what was wrong: in the form that was sent by script, else where one came from."""
    if isinstance(about, Comment):
        url = place_of(about)
    else:
        url = reverse("document_comments" if isinstance(about, Document) else "question_comments", args=[about.pk])
    return refusal(request, error) or told(request, error, url)
