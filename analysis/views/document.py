"""The reading room: a document's page, its pages, what is found and cited in it, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    QueryDict,
)
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from analysis.errors import LecternError, UserError
from analysis.ingest.parse.signatures import RECORDING
from analysis.ingest.spoken import page_name, place_words, seconds_of
from analysis.ingest.upload import document_delete, document_rename, document_retry
from analysis.models import Document, DocumentVersion, Heading, Page, Purpose, Question, Reading
from analysis.models.reading import ReadingStatus
from analysis.types import PageSource, Span
from analysis.views.cards import Card, card_for, newest_answer, with_status
from analysis.views.choices import remember_llm
from analysis.views.clauses import panel_of
from analysis.views.code import document_place
from analysis.views.details import details
from analysis.views.leans import Leans
from analysis.views.listing import progress_of
from analysis.views.pages import (
    QUERY_LIMIT,
    Shown,
    find,
    flow_blocks,
    lean_lines,
    page_at,
    page_marks,
    page_rectangles,
    spoken_blocks,
    text_layer,
)
from analysis.views.question import ask_context, refusal, shown, told
from workspaces.access import enter, get_document_or_404, member_of, person, questions_for
from workspaces.audit.entry import record_opened
from workspaces.models import Member, Role
from workspaces.together.threads import Talk

# A document without pages of its own up to this length is drawn at once; a longer one page by page as it is scrolled.
AT_ONCE_CHARACTERS = 200_000
LISTED_QUESTIONS = 30
UNSCRIPTED_PAGES = 300
SOURCE_WORDS = {
    PageSource.OCR: gettext_lazy(", read from its image"),
    PageSource.UNREADABLE: gettext_lazy(", could not be read"),
    PageSource.BLANK: gettext_lazy(", blank"),
}
SNIPPET_CHARACTERS = 60
YEAR_SECONDS = 365 * 24 * 3600
TABS = [
    *(("summary", gettext_lazy("Summary")), ("ask", gettext_lazy("Ask")), ("comments", gettext_lazy("Comments"))),
    *(("clauses", gettext_lazy("Clauses")), ("terms", gettext_lazy("Terms")), ("details", gettext_lazy("Details"))),
]


@dataclass(frozen=True)
class Sheet:
    """A page as the reader first draws it. drawn: its context when it is drawn at once, {} when it is fetched later.

    image: what its address needs to name the version; "" where a browser without scripts is not offered the image.
    The HTML is put together here and not in a template: there may be 5,000 of these on a page.
    """

    page: Page
    drawn: dict[str, Any]
    image: str

    @property
    def opening(self) -> SafeString:
        """The beginning of the page's element, left open for more attributes."""
        page = self.page
        return format_html(
            '<section class="{} source-{}" id="p{}" data-number="{}" data-page-start="{}" data-page-end="{}"',
            "page-sheet" if page.has_image else "page-flow",
            page.source,
            page.number,
            page.number,
            page.start_char,
            page.end_char,
        )

    @property
    def placeholder(self) -> SafeString:
        """The page's element as long as its content is not fetched: of its final size if it has an image."""
        number = self.page.number
        box = format_html('<svg class="sheet" viewBox="{}" aria-hidden="true"></svg>', self._view_box)
        image = format_html(
            '<noscript><img src="pages/{}.webp?v={}" alt="{}" loading="lazy"></noscript>',
            number,
            self.image,
            gettext("Page %(number)s") % {"number": number},
        )
        return format_html(
            '{} hx-get="pages/{}/" hx-trigger="intersect once root:#pages rootMargin:1200px" hx-swap="innerHTML">{}{}'
            "</section>",
            self.opening,
            number,
            box if self.page.has_image else "",
            image if self.page.has_image and self.image else "",
        )

    @property
    def _view_box(self) -> str:
        return f"0 0 {self.page.width:.2f} {self.page.height:.2f}"


def reading_strip(pages: list[Page], *, read_once: bool, kind: str = "") -> SafeString:
    """Return one mark a page. kind: the version's; a recording's pages are called by their minutes."""
    read = " read" if read_once else ""
    marks = (
        (page.number, page.number, page.source, read, words, words)
        for page in pages
        for words in [f"{page_name(page.number, kind)}{_source_words(page, kind)}"]
    )
    return format_html_join(
        "", '<a href="#p{}" data-strip="{}" class="source-{}{}" title="{}" aria-label="{}"></a>', marks
    )


def _source_words(page: Page, kind: str) -> str:
    if kind == RECORDING:
        return gettext(", nothing is said") if page.source == PageSource.BLANK else ""
    return str(SOURCE_WORDS.get(PageSource(page.source), ""))


@dataclass(frozen=True)
class OutlineEntry:
    """A heading in the outline, with the page it stands on."""

    heading: Heading
    page_number: int


@login_required
@require_GET
@never_cache
def document(request: HttpRequest, document_id: UUID) -> HttpResponseBase:
    """Return the document's page: the reader when it is ready, else what is happening to it or why it failed."""
    found = get_document_or_404(person(request), document_id)
    if found.repository_id:
        return document_place(request, found)
    member = enter(request, found.workspace.slug)
    record_opened(found, member.user_id)
    version = _version(found)
    context = {"document": found, "version": version, "workspace": found.workspace, "documents": [found]}
    context |= (
        {"talk": Talk(found, member)}
        | ask_context(request, member)
        | _questions(request, found, member)
        | details(version)
    )
    # What was found in it takes its whole text to quote: elsewhere the tab asks for it when it is opened.
    context |= {"panel": panel_of(request, found)} if context["tab"] == "clauses" else {}
    read_once = Reading.objects.filter(version=version, status=ReadingStatus.READ).exists()
    context |= _reader(request, version, read_once=read_once) if version.ready else {"progress": progress_of(version)}
    return render(request, "document.html", context)


def _version(document: Document) -> DocumentVersion:
    if document.version is None:
        raise Http404
    return document.version


def _questions(request: HttpRequest, document: Document, member: Member) -> dict[str, Any]:
    """Return the document's questions, the card that is open among them, and the latest summary's card."""
    about = questions_for(member).filter(documents=document)
    asked = list(with_status(about.filter(purpose=Purpose.QUESTION))[:LISTED_QUESTIONS])
    chosen = request.GET.get("question", "")
    opened = next((each for each in asked if str(each.pk) == chosen), asked[0] if asked else None)
    summary = about.filter(purpose=Purpose.SUMMARY).first()
    tab = request.GET.get("tab") or ("ask" if asked else "summary")
    return {
        "asked": asked,
        "opened": _card(opened, member),
        "summary": _card(summary, member),
        "tab": tab if tab in dict(TABS) else "summary",
        "tabs": TABS,
    }


def _card(question: Question | None, member: Member) -> Card | None:
    answer = newest_answer(question) if question else None
    return card_for(answer, member) if answer else None


def _reader(request: HttpRequest, version: DocumentVersion, *, read_once: bool) -> dict[str, Any]:
    pages = list(version.pages.defer("boxes"))
    headings = list(version.headings.all())
    starts = [page.start_char for page in pages]
    target = _span(request.GET, version)
    paged = any(page.has_image for page in pages)
    at_once = not paged and version.characters <= AT_ONCE_CHARACTERS
    shown = pages if at_once else pages[page_at(starts, target.start_char) :][:1] if target else []
    drawn = _drawn(version, shown, headings, target)
    sheets = [
        Sheet(page, drawn.get(page.pk, {}), f"{version.pk}-{version.parser_version}" if n < UNSCRIPTED_PAGES else "")
        for n, page in enumerate(pages)
    ]
    return {
        "sheets": sheets,
        "strip": _strip(version, pages, paged=paged, read_once=read_once),
        "outline": [OutlineEntry(h, pages[page_at(starts, h.start_char)].number) for h in headings] if pages else [],
        "target": target,
        "paged": paged,
        "scanned": sum(1 for page in pages if page.source == PageSource.OCR),
        "unreadable": [page.number for page in pages if page.source == PageSource.UNREADABLE],
    }


def _strip(version: DocumentVersion, pages: list[Page], *, paged: bool, read_once: bool) -> SafeString | str:
    numbered = len(pages) > 1 and (paged or version.kind == RECORDING)
    return reading_strip(pages, read_once=read_once, kind=version.kind) if numbered else ""


def _span(query: QueryDict, version: DocumentVersion) -> Span | None:
    """Return the span that the query names, inside the version's text; None if it names none."""
    given = query.get("start_char", ""), query.get("end_char", "")
    if not all(value.isascii() and value.isdigit() and len(value) < 10 for value in given):
        return None
    start, end = (min(int(value), version.characters) for value in given)
    return Span(start, end) if start < end else None


def _drawn(
    version: DocumentVersion, pages: list[Page], headings: list[Heading], mark: Span | None
) -> dict[int, dict[str, Any]]:
    """Return what `_page.html` needs to draw each of the pages, which follow one another, by their keys."""
    if not pages:
        return {}
    whole = Span(pages[0].start_char, pages[-1].end_char)
    text = version.read_text(*whole)
    shown = Shown(mark, Leans(version).on(whole, text), version.document_id)
    return {
        page.pk: _contents(
            version, page, text[page.start_char - whole.start_char : page.end_char - whole.start_char], headings, shown
        )
        for page in pages
    }


def _contents(version: DocumentVersion, page: Page, text: str, headings: list[Heading], shown: Shown) -> dict[str, Any]:
    if page.has_image:
        return {
            "lines": text_layer(page, text, shown),
            "marks": page_marks(page, shown.mark),
            "lean_lines": lean_lines(page, shown.leans),
        }
    own = [heading for heading in headings if page.start_char <= heading.start_char < page.end_char]
    blocks = flow_blocks(page, text, own, kind=version.kind, shown=shown)
    return {"blocks": blocks, "spoken": spoken_blocks(blocks, version.metadata.get("times", ()))}


@login_required
@require_GET
def page(request: HttpRequest, document_id: UUID, number: int) -> HttpResponse:
    """Return one page: its image and text layer, or its paragraphs; with marks on `?start_char=&end_char=`."""
    found = get_document_or_404(person(request), document_id)
    version = _version(found)
    row = _page_or_404(version, number)
    headings = list(version.headings.filter(start_char__gte=row.start_char, start_char__lt=row.end_char))
    drawn = _drawn(version, [row], headings, _span(request.GET, version))[row.pk]
    return render(request, "_page.html", {"document": found, "version": version, "page": row, **drawn})


def _page_or_404(version: DocumentVersion, number: int) -> Page:
    row = version.pages.filter(number=number).first()
    if row is None:
        raise Http404
    return row


@login_required
@require_GET
def page_image(request: HttpRequest, document_id: UUID, number: int) -> HttpResponseBase:
    """Return a page's image. The page names its version in the address, so it is kept for good."""
    from analysis.ingest.render import page_image as draw

    version = _version(get_document_or_404(person(request), document_id))
    etag = f'"{version.pk}-{version.parser_version}-{number}"'
    fresh = get_conditional_response(request, etag=etag)
    if fresh is not None and fresh.status_code == 304:
        return fresh
    try:
        image = draw(version, number).read_bytes()
    except LecternError as error:
        return HttpResponse(error.message, status=error.status, content_type="text/plain")
    response = HttpResponse(image, content_type="image/webp")
    response["ETag"] = etag
    response["Cache-Control"] = f"private, max-age={YEAR_SECONDS}, immutable"
    return response


@login_required
@require_GET
def document_find(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Return where `q` stands in the document's text, each place as a link with its surroundings."""
    found = get_document_or_404(person(request), document_id)
    request.workspace = found.workspace  # type: ignore[attr-defined]
    version = _version(found)
    query = request.GET.get("q", "")[:QUERY_LIMIT]
    text = version.read_text()
    pages = list(version.pages.values_list("start_char", "number"))
    starts = [start for start, _ in pages]
    matches = [
        {
            "span": span,
            "page_number": pages[page_at(starts, span.start_char)][1] if pages else 1,
            "before": text[max(0, span.start_char - SNIPPET_CHARACTERS) : span.start_char],
            "words": text[span.start_char : span.end_char],
            "after": text[span.end_char : span.end_char + SNIPPET_CHARACTERS],
        }
        for span in find(text, query)
    ]
    template = "_found.html" if request.headers.get("HX-Request") else "found.html"
    return render(request, template, {"document": found, "query": query, "matches": matches})


@login_required
@require_GET
def document_span(request: HttpRequest, document_id: UUID) -> JsonResponse:
    """Return a span's words, its citation, and on each of its pages the rectangles to highlight (fractions)."""
    found = get_document_or_404(person(request), document_id)
    version = _version(found)
    span = _span(request.GET, version)
    if span is None:
        return JsonResponse(
            {"error": {"code": "no_span", "message": gettext("This is no place in the text.")}}, status=422
        )
    pages = list(version.pages.filter(start_char__lt=span.end_char, end_char__gt=span.start_char))
    first = pages[0].number if pages else 1
    spoken = seconds_of(version.metadata.get("times", ()), span)
    return JsonResponse(
        {
            "start_char": span.start_char,
            "end_char": span.end_char,
            "text": version.read_text(span.start_char, span.end_char),
            "page_number": first,
            "citation": f"{found.name}, {place_words(first, spoken)}",
            "start_seconds": spoken[0] if spoken else None,
            "end_seconds": spoken[1] if spoken else None,
            "pages": [
                {
                    "number": page.number,
                    "rectangles": [[box.x0, box.y0, box.x1, box.y1] for box in page_rectangles(page, span)],
                }
                for page in pages
            ],
        }
    )


def _own(request: HttpRequest, document_id: UUID) -> Document:
    return get_document_or_404(person(request), document_id, role=Role.EDITOR)


def _back(request: HttpRequest, document: Document) -> HttpResponse:
    """Return to the document, or nothing for a script whose page is kept true by its stream."""
    return HttpResponse(status=204) if request.headers.get("HX-Request") else redirect("document", document.pk)


@login_required
@require_POST
def document_password(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Try an encrypted document again with a password."""
    found = _own(request, document_id)
    password = request.POST.get("password", "")
    try:
        if not password:
            raise UserError(gettext("Please enter the password."), code="password_required")
        document_retry(found, password=password)
    except LecternError as error:
        return refusal(request, error) or told(request, error, reverse("document", args=[found.pk]))
    return _back(request, found)


@login_required
@require_POST
def document_retry_view(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Read a failed document in again."""
    found = _own(request, document_id)
    try:
        document_retry(found)
    except LecternError as error:
        return refusal(request, error) or told(request, error, reverse("document", args=[found.pk]))
    return _back(request, found)


@login_required
@require_POST
def document_rename_view(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Give a document another name."""
    found = _own(request, document_id)
    try:
        document_rename(found, request.POST.get("name", ""))
    except LecternError as error:
        return refusal(request, error) or told(request, error, reverse("document", args=[found.pk]) + "?tab=details")
    return _back(request, found)


@login_required
@require_POST
def document_delete_view(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Delete a document and everything that was made of it."""
    found = _own(request, document_id)
    try:
        document_delete(found)
    except LecternError as error:
        return refusal(request, error) or told(request, error, reverse("document", args=[found.pk]))
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204)
    messages.success(request, gettext("Deleted “%(name)s”.") % {"name": found.name})
    return redirect("workspace", found.workspace.slug)


@login_required
@require_POST
def summarise(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Start a summary of the document."""
    from analysis.answer.ask import summary_ask

    found = get_document_or_404(person(request), document_id, role=Role.REVIEWER)
    member = member_of(person(request), found.workspace)
    remember_llm(request, request.POST.get("llm", ""))
    try:
        answer = summary_ask(document=found, user=person(request), llm=request.POST.get("llm", ""))
    except LecternError as error:
        return refusal(request, error) or told(request, error, reverse("document", args=[found.pk]))
    if not request.headers.get("HX-Request"):
        return redirect(reverse("document", args=[found.pk]) + "?tab=summary")
    return shown(request, answer, member, target="#summary", swap="innerHTML")
