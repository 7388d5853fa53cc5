"""What the words of a page lean on: uses of defined terms and references to sections, as links with a card each."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from analysis.ingest.understand.uses import TermIndex
from analysis.models import CrossReference, DefinedTerm, DocumentVersion
from analysis.types import Aim, Span


@dataclass(frozen=True)
class Lean:
    """Words of a page that lean on another place. kind: term, reference or broken. target: None for a broken one.

    name_char: where what the card tells of stands, which names it in the card's address.
    """

    start_char: int
    end_char: int
    kind: str
    name_char: int
    target: Span | None


@dataclass(frozen=True)
class Piece:
    """Words of a paragraph or line that are drawn alike. marked: the reader was led to them."""

    text: str
    marked: bool = False
    lean: Lean | None = None
    document_id: object = None

    @property
    def html(self) -> SafeString:
        words = format_html('<mark class="shown">{}</mark>', self.text) if self.marked else format_html("{}", self.text)
        return _link(self.lean, self.document_id, words) if self.lean else words


def _link(lean: Lean, document_id: object, words: SafeString) -> SafeString:
    """Return the words as a link to what they lean on. Tab passes it by: there may be hundreds on a page."""
    name = "term_card" if lean.kind == "term" else "reference_card"
    card = reverse(name, args=[document_id, lean.name_char])
    if lean.target is None:
        return format_html('<a class="lean lean-broken" tabindex="-1" data-card="{}">{}</a>', card, words)
    start, end = lean.target
    return format_html(
        '<a class="lean lean-{}" tabindex="-1" draggable="false" href="?start_char={}&amp;end_char={}" data-span '
        'data-heading data-document="{}" data-start="{}" data-end="{}" data-card="{}">{}</a>',
        lean.kind, start, end, document_id, start, end, card, words,
    )  # fmt: skip


class Leans:
    """The leans of a version, found page by page. Its terms are loaded once, with the first page that asks."""

    def __init__(self, version: DocumentVersion) -> None:
        self.version = version

    def on(self, span: Span, text: str) -> list[Lean]:
        """Return what leans in `text`, which is the version's at `span`, in order and without overlap."""
        found: list[Lean] = []
        for lean in sorted([*self._references(span), *self._uses(span, text)], key=lambda one: one.start_char):
            if not found or lean.start_char >= found[-1].end_char:
                found.append(lean)
        return found

    @cached_property
    def _terms(self) -> dict[str, DefinedTerm]:
        """The terms by key: of several definitions the first that says more than where the definition is."""
        terms: dict[str, DefinedTerm] = {}
        for row in sorted(DefinedTerm.objects.filter(version=self.version), key=lambda row: row.points):
            terms.setdefault(row.key, row)
        return terms

    @cached_property
    def _index(self) -> TermIndex:
        return TermIndex(row.term for row in self._terms.values())

    def _uses(self, span: Span, text: str) -> Iterator[Lean]:
        defining = DefinedTerm.objects.filter(version=self.version, start_char__range=span)
        places = set(defining.values_list("end_char", flat=True)) if self._terms else set[int]()
        for use in self._index.uses(text):
            row = self._terms.get(use.key)
            end = span.start_char + use.end_char
            if row is not None and end not in places:
                target = Span(row.definition_start_char, row.definition_end_char)
                yield Lean(span.start_char + use.start_char, end, "term", row.start_char, target)

    def _references(self, span: Span) -> Iterator[Lean]:
        rows = CrossReference.objects.filter(version=self.version, start_char__range=span).exclude(aim=Aim.ELSEWHERE)
        for row in rows:
            if row.target_start_char is None or row.target_end_char is None:
                yield Lean(row.start_char, row.end_char, "broken", row.start_char, None)
            else:
                target = Span(row.target_start_char, row.target_end_char)
                yield Lean(row.start_char, row.end_char, "reference", row.start_char, target)


def cut(text: str, span: Span, mark: Span | None, leans: Sequence[Lean], document_id: object) -> list[Piece]:
    """Return `text`, which is the document's at `span`, in pieces that are drawn alike.

    leans: in order and without overlap; those beside the span are let be.
    """
    low = bisect_right(leans, span.start_char, key=lambda lean: lean.end_char)
    own = leans[low : bisect_left(leans, span.end_char, key=lambda lean: lean.start_char)]
    bounds = [span, *(Span(lean.start_char, lean.end_char) for lean in own), *([mark] if mark else [])]
    edges = sorted({min(max(at, span.start_char), span.end_char) for bound in bounds for at in bound})
    return [
        Piece(
            text[start - span.start_char : end - span.start_char],
            mark is not None and mark.start_char <= start < mark.end_char,
            _lean_at(own, start),
            document_id,
        )
        for start, end in pairwise(edges)
    ]


def _lean_at(leans: Sequence[Lean], char: int) -> Lean | None:
    at = bisect_right(leans, char, key=lambda lean: lean.start_char) - 1
    return leans[at] if at >= 0 and leans[at].end_char > char else None
