"""The Terms tab: what a document defines and refers to, and what a careful reader would look into; and their cards."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from analysis.models import CrossReference, DefinedTerm, Document, DocumentVersion, UndefinedTerm
from analysis.types import Aim, Span
from workspaces.access import get_document_or_404, person

CARD_CHARACTERS = 700
LISTED_CHARACTERS = 240
MOST_CARD_DEFINITIONS = 3


@dataclass(frozen=True)
class Place:
    """A place in the text, as the list and the cards show it. more: there is more of it than `words`."""

    span: Span
    words: str
    page_number: int
    more: bool = False


@dataclass(frozen=True)
class Entry:
    """A line of the list. kind: term, undefined or broken. uses: how often it stands in the text."""

    name: str
    kind: str
    places: Sequence[Place]
    uses: int

    @property
    def twice(self) -> bool:
        return self.kind == "term" and len(self.places) > 1

    @property
    def unused(self) -> bool:
        return self.kind == "term" and self.uses == 0


SHOWN: dict[str, tuple[str | Promise, Callable[[Entry], bool]]] = {
    "all": (gettext_lazy("All terms"), lambda entry: entry.kind == "term"),
    "twice": (gettext_lazy("Defined twice"), lambda entry: entry.twice),
    "unused": (gettext_lazy("Never used"), lambda entry: entry.unused),
    "undefined": (gettext_lazy("Not defined"), lambda entry: entry.kind == "undefined"),
    "broken": (gettext_lazy("Broken references"), lambda entry: entry.kind == "broken"),
}


@login_required
@require_GET
def document_terms(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Return the document's terms and broken references; `?show=` names the list, `?q=` is looked for in names."""
    found, version = _opened(request, document_id)
    entries = Reading(version).entries()
    show = request.GET.get("show", "all")
    show = show if show in SHOWN else "all"
    query = " ".join(request.GET.get("q", "").lower().split())
    context = {
        "document": found,
        "lists": [(name, words, sum(map(test, entries))) for name, (words, test) in SHOWN.items()],
        "show": show,
        "query": query,
        "entries": [entry for entry in entries if SHOWN[show][1](entry) and query in entry.name.lower()],
        "references": CrossReference.objects.filter(version=version).count(),
    }
    return render(request, "_terms.html" if request.headers.get("HX-Request") else "terms.html", context)


@login_required
@require_GET
def term_card(request: HttpRequest, document_id: UUID, start_char: int) -> HttpResponse:
    """Return the card of the term that is defined at `start_char`: its definitions."""
    found, version = _opened(request, document_id)
    named = get_object_or_404(DefinedTerm, version=version, start_char=start_char)
    rows = DefinedTerm.objects.filter(version=version, key=named.key)
    places = Reading(version, CARD_CHARACTERS).definitions(rows)
    context = {"document": found, "name": named.term, "places": places[:MOST_CARD_DEFINITIONS]}
    return render(request, "_card.html", context | {"count": len(places), "uses": named.uses, "is_term": True})


@login_required
@require_GET
def reference_card(request: HttpRequest, document_id: UUID, start_char: int) -> HttpResponse:
    """Return the card of the reference at `start_char`: how the part that it leads to begins."""
    found, version = _opened(request, document_id)
    row = get_object_or_404(CrossReference, version=version, start_char=start_char)
    places = []
    if row.target_start_char is not None and row.target_end_char is not None:
        places = [Reading(version, CARD_CHARACTERS).place(Span(row.target_start_char, row.target_end_char))]
    return render(request, "_card.html", {"document": found, "name": row.label, "places": places, "count": len(places)})


def _opened(request: HttpRequest, document_id: UUID) -> tuple[Document, DocumentVersion]:
    found = get_document_or_404(person(request), document_id)
    request.workspace = found.workspace  # type: ignore[attr-defined]
    if found.version is None:
        raise Http404
    return found, found.version


class Reading:
    """A version's text, read for places of it. characters: the most that is shown of a place."""

    def __init__(self, version: DocumentVersion, characters: int = LISTED_CHARACTERS) -> None:
        self.version, self.characters = version, characters
        pages = list(version.pages.order_by("start_char").values_list("start_char", "number"))
        self._starts, self._numbers = [start for start, _ in pages], [number for _, number in pages]

    def place(self, span: Span) -> Place:
        """Return the place, its words cut after `characters`."""
        text = self.version.read_text(span.start_char, min(span.end_char, span.start_char + self.characters))
        return self._place(span, text)

    def _place(self, span: Span, text: str) -> Place:
        at = bisect_right(self._starts, span.start_char)
        page_number = self._numbers[at - 1] if at else 1
        return Place(span, " ".join(text.split()), page_number, span.end_char > span.start_char + self.characters)

    def definitions(self, rows: Iterable[DefinedTerm]) -> list[Place]:
        """Return where a term is defined; places that only point there count when there is no other."""
        rows = list(rows)
        telling = [row for row in rows if not row.points] or rows
        return [self.place(span) for span in sorted({_definition(row) for row in telling})]

    def entries(self) -> list[Entry]:
        """Return the version's terms in the order of the alphabet, what is not defined, and broken references."""
        text = self.version.read_text()
        return [*self._terms(text), *self._undefined(text), *self._broken(text)]

    def _terms(self, text: str) -> Iterable[Entry]:
        rows: dict[str, list[DefinedTerm]] = {}
        for row in self.version.terms.all():
            rows.setdefault(row.key, []).append(row)
        for own in sorted(rows.values(), key=lambda own: own[0].term.casefold()):
            telling = [row for row in own if not row.points] or own
            yield Entry(own[0].term, "term", self._at(text, sorted({_definition(row) for row in telling})), own[0].uses)

    def _undefined(self, text: str) -> Iterable[Entry]:
        for row in sorted(self.version.undefined_terms.all(), key=lambda row: -row.uses):
            yield Entry(row.term, "undefined", self._at(text, [_around(text, row)]), row.uses)

    def _broken(self, text: str) -> Iterable[Entry]:
        rows: dict[str, list[CrossReference]] = {}
        for row in self.version.references.filter(aim=Aim.NOWHERE):
            rows.setdefault(row.label, []).append(row)
        for label, own in rows.items():
            yield Entry(label, "broken", self._at(text, [_around(text, own[0])]), len(own))

    def _at(self, text: str, spans: Iterable[Span]) -> list[Place]:
        return [self._place(span, text[slice(*span)][: self.characters]) for span in spans]


def _definition(row: DefinedTerm) -> Span:
    return Span(row.definition_start_char, row.definition_end_char)


def _around(text: str, row: UndefinedTerm | CrossReference) -> Span:
    """Return the row's words with the line or sentence around them, no further than eighty characters."""
    before = text[max(0, row.start_char - 80) : row.start_char]
    after = text[row.end_char : row.end_char + 80]
    start = max(before.rfind("\n"), before.rfind(". ") + 1) + 1
    stops = [at for at in (after.find("\n"), after.find(". ") + 1) if at > 0]
    return Span(row.start_char - len(before[start:]), row.end_char + min([*stops, len(after)]))
