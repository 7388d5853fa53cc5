"""`manage.py clauses SLUG --document ID`: the clauses of a document, found and absent, in the terminal."""

from __future__ import annotations

import json as as_json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from django.http import Http404
from tqdm import tqdm

from analysis import progress
from analysis.api.documents import chosen_documents
from analysis.management.answering import one_line
from analysis.management.command import LecternCommand, acting_member
from analysis.models import ClauseReview, ReviewStatus
from analysis.review.report import Entry, entries, review_payload
from analysis.review.run import review_ask
from workspaces.models import Role


class Command(LecternCommand):
    """A line for each clause that was found, with its places, then those that are absent and what was read."""

    help = "Find the clauses of a document by the built-in checklist."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take SLUG, --document, --threshold, --user and --json."""
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("--document", metavar="ID", type=UUID, required=True)
        parser.add_argument("--threshold", type=float, help="least probability, 0 to 1 (the workspace's)")
        parser.add_argument("--user", metavar="EMAIL", default="", help="who asks (the workspace's first owner)")
        parser.add_argument("--json", action="store_true", help="print the result as JSON instead")

    def run(self, *, slug: str, document: UUID, threshold: float | None, user: str, json: bool, **_: Any) -> None:
        """Have the document gone through, and show what was found."""
        member = acting_member(slug, user, role=Role.REVIEWER)
        try:
            (chosen,) = chosen_documents(member, [document])
        except Http404:
            raise CommandError(f"This document is not in {slug!r}.") from None
        review = _followed(review_ask(document=chosen, user=member.user))
        least = member.workspace.clause_threshold if threshold is None else threshold
        if json:
            self.stdout.write(as_json.dumps(review_payload(review, least), ensure_ascii=False, indent=1))
        else:
            self.stdout.write("\n".join(_lines(review, entries(review, least))))


def _followed(review: ClauseReview) -> ClauseReview:
    """Show how far the review is until it is over; return it then. Raises CommandError when it fails."""
    with tqdm(desc="clauses", disable=None, leave=False) as bar:
        for event in progress.listen(progress.review_stream(review.pk)):
            bar.total, bar.n = event.data.get("total"), event.data.get("done", 0)
            bar.set_description_str(event.data.get("message", "clauses"))
    finished = ClauseReview.objects.select_related("version__document").get(pk=review.pk)
    if finished.status == ReviewStatus.FAILED:
        raise CommandError(finished.error_message)
    return finished


def _lines(review: ClauseReview, listed: list[Entry]) -> list[str]:
    lines: list[str] = []
    for entry in listed:
        if not entry.found:
            continue
        lines.append(entry.clause.title)
        if entry.worked_out:
            lines.append(f"    {entry.worked_out.day}, worked out from {entry.worked_out.length.shown} after the start")
        for place in entry.places:
            stated = f"{place.stated}: " if place.stated else ""
            lines.append(f"    {stated}“{one_line(place.quote)}” (page {place.page_number}, {place.percent} %)")
    absent = ", ".join(entry.clause.title for entry in listed if not entry.found)
    return [*lines, "", f"Absent: {absent}.", f"{review.receipt['sentences']:,} sentences were looked at."]
