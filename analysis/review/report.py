"""A review as it is shown: each clause found or absent at a threshold, with quotes, values and what was worked out.

Nothing here reads the document again: a threshold moves what is shown, not what is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis.ingest.index import page_at
from analysis.models import ClauseFindingRow, ClauseReview, Document, DocumentVersion, ReviewStatus
from analysis.review.checklist import Checklist, Clause, built_in
from analysis.review.values.durations import after

LEAST_THRESHOLD, MOST_THRESHOLD = 0.02, 0.95
EXPIRY = "expiration-date"
STARTS = ("effective-date", "agreement-date")


@dataclass(frozen=True)
class Place:
    """A place of a clause that was found. shown: its value for people, "" if it has none."""

    row: ClauseFindingRow
    quote: str
    page_number: int

    @property
    def percent(self) -> int:
        return round(100 * self.row.probability)

    @property
    def shown(self) -> str:
        return shown_value(self.row.value)

    @property
    def stated(self) -> str:
        """The value for people where the quote is not already just that."""
        return "" if self.shown == " ".join(self.quote.split()) else self.shown


@dataclass(frozen=True)
class WorkedOut:
    """A date that follows from two places: where the contract starts, and how long it lasts."""

    day: str
    start: Place
    length: Place


@dataclass(frozen=True)
class Entry:
    """A clause and its places, the most probable first; none when it is absent. best: of all that were kept."""

    clause: Clause
    places: list[Place]
    best: float
    worked_out: WorkedOut | None = None

    @property
    def found(self) -> bool:
        return bool(self.places)


def review_of(document: Document) -> ClauseReview | None:
    """Return the review of the document as it is now by the built-in checklist, if there is one."""
    rows = ClauseReview.objects.filter(version_id=document.version_id, checklist=built_in().id)
    return rows.select_related("version__document").first()


def entries(review: ClauseReview, threshold: float, checklist: Checklist | None = None) -> list[Entry]:
    """Return each clause of the checklist, in its order, as it stands at the threshold."""
    text, starts = review.version.read_text(), _page_starts(review.version)
    places: dict[str, list[Place]] = {}
    best: dict[str, float] = {}
    for row in review.findings.all():
        best[row.clause] = max(best.get(row.clause, 0.0), row.probability)
        if row.probability >= threshold:
            place = Place(row, text[row.start_char : row.end_char], page_at(starts, row.start_char))
            places.setdefault(row.clause, []).append(place)
    return [
        Entry(
            clause,
            places.get(clause.id, []),
            best.get(clause.id, 0.0),
            worked_out(places) if clause.id == EXPIRY else None,
        )
        for clause in (checklist or built_in()).clauses
    ]


def worked_out(places: dict[str, list[Place]]) -> WorkedOut | None:
    """Return the day on which the contract ends, where it states a length and a start and no such day."""
    lengths = [place for place in places.get(EXPIRY, []) if place.row.value]
    starts = [place for name in STARTS for place in places.get(name, []) if place.row.value]
    if not lengths or not starts or lengths[0].row.value["kind"] != "duration":
        return None
    day = after(starts[0].row.value["normal"], lengths[0].row.value["normal"])
    return WorkedOut(day, starts[0], lengths[0]) if day else None


def shown_value(value: dict[str, Any]) -> str:
    """Return the value in words: "30 business days", "Delaware, United States", "1,000,000 USD"."""
    if not value:
        return ""
    normal, note = value["normal"], value["note"]
    if value["kind"] == "duration":
        unit = {"D": "day", "W": "week", "M": "month", "Y": "year"}[normal[-1]]
        number = int(normal[1:-1])
        return f"{number} {note or unit + ('' if number == 1 else 's')}"
    if value["kind"] == "jurisdiction":
        return str(note)
    if value["kind"] == "amount":
        number, _, currency = normal.partition(" ")
        return f"{int(number):,} {currency}" if number.isdigit() else str(normal)
    return f"{normal} ({note})" if note else str(normal)


def review_payload(review: ClauseReview, threshold: float) -> dict[str, Any]:
    """Return the review as the HTTP interface and the exports state it."""
    listed = entries(review, threshold) if review.status == ReviewStatus.DONE else []
    failed = {"code": review.error_code, "message": review.error_message} if review.error_code else None
    return {
        "id": str(review.pk),
        "document_id": str(review.version.document_id),
        "document_name": review.version.document.name,
        "status": review.status,
        "threshold": threshold,
        "clauses": [_entry(entry) for entry in listed],
        "receipt": review.receipt,
        "error": failed,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    end = entry.worked_out
    return {
        "id": entry.clause.id,
        "title": entry.clause.title,
        "found": entry.found,
        "probability": entry.best,
        "places": [_place(place) for place in entry.places],
        "worked_out": {"value": end.day, "from": [_place(end.start), _place(end.length)]} if end else None,
    }


def _place(place: Place) -> dict[str, Any]:
    row = place.row
    return {
        "start_char": row.start_char,
        "end_char": row.end_char,
        "page_number": place.page_number,
        "quote": place.quote,
        "probability": row.probability,
        "value": row.value or None,
    }


def _page_starts(version: DocumentVersion) -> list[int]:
    return list(version.pages.order_by("number").values_list("start_char", flat=True))
