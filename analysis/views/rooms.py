"""A repository's room: what each of its pages shows around the middle pane, for one person and one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from analysis.models import IngestStatus, Purpose, Question, Repository, Snapshot, SnapshotFile
from analysis.repository.tree import Folder, parents_of, tree_of
from analysis.types import lines_in_words
from analysis.views.cards import Card, card_for, newest_answer, with_status
from analysis.views.choices import ask_choices
from analysis.views.trees import DrawnTree
from workspaces.access import enter, get_repository_or_404, person, questions_for
from workspaces.models import Member, Role

LISTED_QUESTIONS = 30
TABS = [
    *(("summary", gettext_lazy("Summary")), ("ask", gettext_lazy("Ask")), ("comments", gettext_lazy("Comments"))),
    *(("symbols", gettext_lazy("Symbols")), ("details", gettext_lazy("Details"))),
]


@dataclass(frozen=True)
class Visit:
    """Somebody looks at a repository as it was at `snapshot`.

    at: what an address needs to name the snapshot, "" for the current one.
    """

    repository: Repository
    snapshot: Snapshot
    member: Member
    at: str = ""

    @property
    def may_ask(self) -> bool:
        return self.member.may(Role.REVIEWER)

    @property
    def may_edit(self) -> bool:
        return self.member.may(Role.EDITOR)

    @cached_property
    def tree(self) -> Folder:
        return tree_of(self.snapshot)

    def url(self, kind: str = "", path: str = "", **query: str) -> str:
        """Return the address of a page of the repository; kind: "file", "folder" or another of its rooms."""
        asked = {"at": self.at, **query} if self.at else query
        base = reverse("repository", args=[self.repository.pk]) + (f"{kind}/" if kind else "") + quote(path)
        return f"{base}?{urlencode(asked)}" if asked else base

    def file_url(self, path: str, lines: tuple[int, int] | None = None) -> str:
        """Return the address of a file, its lines marked and in view if any are given."""
        if lines is None:
            return self.url("file", path)
        return f"{self.url('file', path, lines=lines_in_words(*lines))}#L{lines[0]}"


def visit(request: HttpRequest, repository_id: UUID, *, path: str = "") -> Visit:
    """Return who looks at which snapshot. Raises Http404 for what is out of sight, and where nothing can be seen yet.

    The query's `at` is the number of a snapshot; `version` that of a document version, for the newest snapshot in which
    the file at `path` is that version; without either it is the current snapshot, or the first one to be read in.
    """
    repository = get_repository_or_404(person(request), repository_id)
    member = enter(request, repository.workspace.slug)
    chosen = _chosen(repository, request, path)
    snapshot = chosen or repository.snapshot or _first_to_see(repository)
    if snapshot is None or snapshot.symbols_at is None:
        raise Http404
    return Visit(repository, snapshot, member, str(snapshot.number) if snapshot.pk != repository.snapshot_id else "")


def _chosen(repository: Repository, request: HttpRequest, path: str) -> Snapshot | None:
    at, version = number_in(request, "at"), number_in(request, "version")
    if version is not None and path:
        files = SnapshotFile.objects.filter(snapshot__repository=repository, path=path, version__number=version)
        row = files.select_related("snapshot").order_by("-snapshot__number").first()
        return _or_404(row.snapshot if row else None)
    return _or_404(repository.snapshots.filter(number=at).first()) if at is not None else None


def _or_404(snapshot: Snapshot | None) -> Snapshot:
    if snapshot is None:
        raise Http404
    return snapshot


def _first_to_see(repository: Repository) -> Snapshot | None:
    return repository.snapshots.filter(symbols_at__isnull=False).last()


def number_in(request: HttpRequest, name: str) -> int | None:
    """Return a number from the query, None where it has none."""
    given = request.GET.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 9 else None


@dataclass(frozen=True)
class Scope:
    """What a question can be about: the whole repository, a folder or a file."""

    path: str
    label: str


def scopes_of(visit: Visit, path: str) -> list[Scope]:
    """Return what is around `path`, from all of the repository to the file itself."""
    inner = [above for above in reversed(list(parents_of(path))) if above] + ([path] if path else [])
    return [
        Scope("", gettext("All of %(name)s") % {"name": visit.repository.name}),
        *(Scope(each, each) for each in inner),
    ]


def room(request: HttpRequest, visit: Visit, middle: str, context: dict[str, Any], *, path: str = "") -> HttpResponse:
    """Return a page of the repository with template `middle` in its middle pane.

    For a script that is on another page of the same room (HX-Request) only what differs comes, each in its place.
    """
    around = {
        "visit": visit,
        "repository": visit.repository,
        "workspace": visit.repository.workspace,
        "snapshot": visit.snapshot,
        "middle": middle,
        "path": path,
        "may_ask": visit.may_ask,
        "may_edit": visit.may_edit,
        "scopes": scopes_of(visit, path),
        **_summary(visit, path),
        **ask_choices(request, code=True),
    }
    if request.headers.get("HX-Request"):
        response = render(request, "_repository_visit.html", around | context)
    else:
        response = render(request, "repository.html", around | _whole(request, visit, path) | context)
    response["Vary"] = "HX-Request, Cookie"
    return response


def _whole(request: HttpRequest, visit: Visit, path: str) -> dict[str, Any]:
    """Return what stands around every page of the room and does not change from one to the next."""
    about = questions_for(visit.member).filter(repositories=visit.repository)
    asked = list(with_status(about.filter(purpose=Purpose.QUESTION))[:LISTED_QUESTIONS])
    chosen = request.GET.get("question", "")
    opened = next((each for each in asked if str(each.pk) == chosen), asked[0] if asked else None)
    tab = request.GET.get("tab") or ("ask" if asked else "summary")
    snapshots = list(visit.repository.snapshots.order_by("-number"))
    return {
        "tree": DrawnTree(visit, path).html(visit.tree),
        "snapshots": [each for each in snapshots if each.symbols_at],
        "coming": coming(snapshots),
        "asked": asked,
        "opened": _card(opened, visit.member),
        "documents": [],
        "repositories": [visit.repository],
        "tab": tab if tab in dict(TABS) else "summary",
        "tabs": TABS,
    }


def coming(snapshots: Sequence[Snapshot]) -> Snapshot | None:
    """Return the newest snapshot where it is not ready: under way, or failed. snapshots: newest first."""
    newest = snapshots[0] if snapshots else None
    return newest if newest and newest.status != IngestStatus.READY else None


def _summary(visit: Visit, path: str) -> dict[str, Any]:
    about = questions_for(visit.member).filter(repositories=visit.repository, purpose=Purpose.SUMMARY, path=path)
    return {"summary": _card(about.first(), visit.member)}


def _card(question: Question | None, member: Member) -> Card | None:
    answer = newest_answer(question) if question else None
    return card_for(answer, member) if answer else None
