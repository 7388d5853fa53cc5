"""Finding things: the text of all documents, and the palette that leads anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from analysis.errors import UserError
from analysis.types import Hit
from workspaces.access import documents_for, enter, memberships_for, person, searched_for
from workspaces.models import Member, Role

RESULTS = 20
PALETTE_DOCUMENTS = 8
QUERY_MAX_CHARACTERS = 500
SNIPPET_CHARACTERS = 360
LEAD_CHARACTERS = 100
# Noncharacters of Unicode, taken out of the texts themselves: PostgreSQL puts the first two around found words; the
# third stands in for "<", since PostgreSQL takes what looks like a tag out of what it marks.
_START, _STOP, _LESS = "\ufdd0", "\ufdd1", "\ufdd2"
_SENT = str.maketrans({_START: "", _STOP: "", _LESS: "", "<": _LESS, "\0": ""})


@dataclass(frozen=True)
class Result:
    """A hit as the page shows it. url: the document opened at the span; snippet: HTML, found words marked."""

    hit: Hit
    url: str
    snippet: SafeString


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
        try:
            hits = search_with_filters(query, documents=documents, limit=RESULTS)
        except UserError as error:
            context["notice"] = error.message
        else:
            context["results"] = results_of(query, hits)
            context["notice"] = notice()
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
    places = memberships_for(person(request)).exclude(workspace=member.workspace)
    context = {
        "query": query,
        "actions": actions_for(member, query),
        "documents": list(named.only("pk", "name")[:PALETTE_DOCUMENTS]),
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
    to_upload = Action("Add documents", f"{home}?add=1", "upload")
    to_settings = Action("Workspace settings", reverse("workspace_settings", args=[slug]), "settings")
    may_edit = member.may(Role.EDITOR)
    if query:
        asked = Action(f"Ask: {query}", f"{ask}?{urlencode({'text': query})}", "ask")
        found = f"{reverse('search', args=[slug])}?{urlencode({'q': query})}"
        searched = Action(f"Search for: {query}", found, "search")
        others = [each for each in [to_upload, to_settings] if query.lower() in each.label.lower()]
        return [*([asked] if may_edit else []), searched, *(others if may_edit else others[1:])]
    to_home = Action(f"Go to {member.workspace.name}", home, "document")
    return [to_home, *([Action("Ask the whole workspace", ask, "ask"), to_upload] if may_edit else []), to_settings]


def results_of(query: str, hits: list[Hit]) -> list[Result]:
    """Return the hits with a link to their place and their best words, marked."""
    return [
        Result(hit, _place(hit), snippet)
        for hit, snippet in zip(hits, snippets(query, [hit.text for hit in hits]), strict=True)
    ]


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
