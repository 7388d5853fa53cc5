"""Finding things: the text of all documents, and the palette that leads anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from analysis.answer.masked import masked_hits
from analysis.errors import UserError
from analysis.models import BY_WORDS_ALONE, Repository
from analysis.repository.lines import line_table
from analysis.types import Hit, Span
from analysis.views.highlight import Line, Part, lexer_for
from workspaces.access import documents_for, enter, memberships_for, person, repositories_for, searched_for
from workspaces.models import Member, Role
from workspaces.together.approvals import approved_answers

RESULTS = 20
APPROVED = 5
PALETTE_DOCUMENTS = 8
QUERY_MAX_CHARACTERS = 500
SNIPPET_CHARACTERS = 360
LEAD_CHARACTERS = 100
CODE_LINES = 10  # of a hit in a file that are shown
# Noncharacters of Unicode, taken out of the texts themselves: PostgreSQL puts the first two around found words; the
# third stands in for "<", since PostgreSQL takes what looks like a tag out of what it marks.
_START, _STOP, _LESS = "\ufdd0", "\ufdd1", "\ufdd2"
_SENT = str.maketrans({_START: "", _STOP: "", _LESS: "", "<": _LESS, "\0": ""})


@dataclass(frozen=True)
class Result:
    """A hit as the page shows it. url: the document opened at the span; snippet: HTML, found words marked.

    lines: of a file of a repository, those that match best, each numbered as in the file. repository: its name.
    """

    hit: Hit
    url: str
    snippet: SafeString
    lines: Sequence[Line] = ()
    repository: str = ""


@login_required
@require_GET
@never_cache
def search(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the passages of the workspace that answer `?q=` best, and the documents whose name has it."""
    from analysis.answer.retrieve.filters import search as search_with_filters
    from analysis.ingest.embedders import notice

    member = enter(request, slug)
    query = _asked(request)
    context = {"workspace": member.workspace, "query": query, "results": [], "named": []}
    if query:
        documents = searched_for(member)
        context["approved"] = approved_answers(member, query, limit=APPROVED)
        try:
            hits = search_with_filters(query, documents=documents, limit=RESULTS)
        except UserError as error:
            context["notice"] = error.message
        else:
            context["results"] = results_of(query, hits)
            context["notice"] = notice()
            context["behind"] = repositories_for(member).filter(BY_WORDS_ALONE).order_by("name")
        context["named"] = list(documents.filter(name__icontains=query)[:5])
    return render(request, "search.html", context)


@login_required
@require_GET
@never_cache
def palette(request: HttpRequest, slug: str) -> HttpResponse:
    """Return what `?q=` may mean, as options to choose from: things to do, documents, workspaces."""
    member = enter(request, slug)
    query = _asked(request)
    documents = documents_for(member)
    named = documents.filter(name__icontains=query) if query else documents
    repositories = repositories_for(member).filter(name__icontains=query)
    places = memberships_for(person(request)).exclude(workspace=member.workspace)
    context = {
        "query": query,
        "actions": actions_for(member, query),
        "documents": list(named.only("pk", "name")[:PALETTE_DOCUMENTS]),
        "repositories": list(repositories.select_related(None).only("pk", "name")[:PALETTE_DOCUMENTS]),
        "places": list(places.filter(workspace__name__icontains=query)[:PALETTE_DOCUMENTS]),
    }
    return render(request, "_palette_items.html", context)


@dataclass(frozen=True)
class Action:
    """Something the palette can do: a link with an icon's name."""

    label: str
    url: str
    icon: str


def actions_for(member: Member, query: str) -> list[Action]:
    """Return what the member can do that fits `query`: with words, ask or search for them; without, everything."""
    slug = member.workspace.slug
    home, ask = reverse("workspace", args=[slug]), reverse("ask", args=[slug])
    to_upload = Action(gettext("Add documents"), f"{home}?add=1", "upload")
    to_repository = Action(gettext("Add a repository"), reverse("repositories", args=[slug]), "code")
    to_settings = Action(gettext("Workspace settings"), reverse("workspace_settings", args=[slug]), "settings")
    may_ask, to_add = member.may(Role.REVIEWER), [to_upload, to_repository] if member.may(Role.EDITOR) else []
    if query:
        asked = Action(gettext("Ask: %(query)s") % {"query": query}, f"{ask}?{urlencode({'text': query})}", "ask")
        found = f"{reverse('search', args=[slug])}?{urlencode({'q': query})}"
        searched = Action(gettext("Search for: %(query)s") % {"query": query}, found, "search")
        others = [each for each in [*to_add, to_settings] if query.lower() in each.label.lower()]
        return [*([asked] if may_ask else []), searched, *others]
    to_home = Action(gettext("Go to %(name)s") % {"name": member.workspace.name}, home, "document")
    asked = Action(gettext("Ask the whole workspace"), ask, "ask")
    return [to_home, *([asked] if may_ask else []), *to_add, to_settings]


def results_of(query: str, hits: list[Hit]) -> list[Result]:
    """Return the hits with a link to their place and their best words, marked, or their best lines, coloured."""
    hits = masked_hits(hits)
    names = _repository_names(hits)
    prose = [hit for hit in hits if not hit.repository_id]
    marked = dict(zip(map(id, prose), snippets(query, [hit.text for hit in prose]), strict=True))
    return [
        Result(hit, _place(hit), marked[id(hit)])
        if id(hit) in marked
        else Result(hit, _lines_place(hit), mark_safe(""), code_lines(hit), names.get(hit.repository_id, ""))
        for hit in hits
    ]


def _repository_names(hits: Sequence[Hit]) -> dict[str, str]:
    ids = {hit.repository_id for hit in hits if hit.repository_id}
    rows = Repository.objects.filter(pk__in=ids).values_list("pk", "name") if ids else ()
    return {str(pk): name for pk, name in rows}


def code_lines(hit: Hit) -> list[Line]:
    """Return the lines of a hit that match best, coloured and numbered as in their file, at most CODE_LINES."""
    table = line_table(hit.text)
    core = hit.core or Span(hit.start_char, hit.end_char)
    first, last = table.lines_of(max(0, core.start_char - hit.start_char), max(1, core.end_char - hit.start_char))
    last = min(last, first + CODE_LINES - 1)
    part = Part(hit.text, table.span_of(first, last), lexer_for(hit.document_name, ""), 0)
    drawn = part.lines(table, [], lambda name, start: "")
    return [replace(line, number=line.number + hit.start_line - 1) for line in drawn]


def _lines_place(hit: Hit) -> str:
    address = reverse("code_file", args=[hit.repository_id, hit.document_name])
    return f"{address}?{urlencode({'lines': hit.lines})}#L{hit.start_line}"


def snippets(query: str, texts: list[str]) -> list[SafeString]:
    """Return of each text the part around the query's first word in it, as safe HTML with all such words in <mark>.

    Word forms count as found ("terminate" in "termination"): PostgreSQL, which did the search, does the marking too.
    """
    # OR instead of AND, as retrieval does: a passage need not have every word.
    sql = """
        SELECT ts_headline('english', passage.text, query, %s)
        FROM unnest(%s::text[]) WITH ORDINALITY AS passage(text, n),
             CAST(replace(plainto_tsquery('english', %s)::text, '&', '|') AS tsquery) AS query
        ORDER BY passage.n
    """
    options = f"HighlightAll=true, StartSel={_START}, StopSel={_STOP}"
    with connection.cursor() as cursor:
        cursor.execute(sql, [options, [" ".join(text.translate(_SENT).split()) for text in texts], query])
        return [_as_html(_cut(marked)) for (marked,) in cursor.fetchall()]


def _cut(marked: str) -> str:
    """Return about SNIPPET_CHARACTERS of the text, from a little before its first mark, cut between words."""
    first = max(marked.find(_START), 0)
    start = 0 if first <= LEAD_CHARACTERS else marked.find(" ", first - LEAD_CHARACTERS, first) + 1 or first
    end = start + SNIPPET_CHARACTERS
    if end < len(marked):
        end = max(marked.rfind(" ", start, end), marked.find(_STOP, start) + 1)
        end = end if end > start else start + SNIPPET_CHARACTERS  # a script without spaces
    cut = marked[start:end]
    closed = cut + _STOP if cut.count(_START) > cut.count(_STOP) else cut
    return ("… " if start else "") + closed + (" …" if end < len(marked) else "")


def _as_html(marked: str) -> SafeString:
    html = escape(marked.replace(_LESS, "<")).replace(_START, "<mark>").replace(_STOP, "</mark>")
    return mark_safe(html)  # noqa: S308  # escaped above; the marks are ours


def _place(hit: Hit) -> str:
    span = urlencode({"start_char": hit.start_char, "end_char": hit.end_char})
    return f"{reverse('document', args=[hit.document_id])}?{span}"


def _asked(request: HttpRequest) -> str:
    return request.GET.get("q", "").replace("\0", "").strip()[:QUERY_MAX_CHARACTERS]
