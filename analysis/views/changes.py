"""What changed between two versions of a repository: files, symbols and lines, and what that comes to."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from analysis.answer.ask import changes_ask
from analysis.errors import LecternError
from analysis.models import Purpose, Snapshot
from analysis.repository.changed_symbols import SymbolChange, SymbolChangeKind, changed_symbols
from analysis.repository.changes import ChangeKind, FileChange, changed_files
from analysis.repository.tree import file_at
from analysis.views.cards import Card, card_for, newest_answer
from analysis.views.choices import ask_choices, remember_llm
from analysis.views.code import Source
from analysis.views.differences import difference
from analysis.views.question import refusal, shown, told
from analysis.views.rooms import Visit, number_in
from workspaces.access import enter, get_repository_or_404, member_of, person, questions_for
from workspaces.models import Role

OPEN_FILES, OPEN_LINES = 12, 400  # drawn without a click, and only if no longer than that
SYMBOLS_LISTED = 60
KINDS = {
    ChangeKind.ADDED: gettext_lazy("added"),
    ChangeKind.REMOVED: gettext_lazy("removed"),
    ChangeKind.CHANGED: gettext_lazy("changed"),
    ChangeKind.RENAMED: gettext_lazy("renamed"),
}
SIGNS = {ChangeKind.ADDED: "+", ChangeKind.REMOVED: "−", ChangeKind.CHANGED: "", ChangeKind.RENAMED: "→"}


@dataclass(frozen=True)
class Changed:
    """A file that changed, as the page lists it. opens: its lines are drawn as soon as it is in sight."""

    change: FileChange
    url: str
    opens: bool
    was: str = ""

    @property
    def sign(self) -> str:
        return SIGNS[self.change.kind]

    @property
    def kind(self) -> str:
        return str(KINDS[self.change.kind])

    @property
    def readable(self) -> bool:
        """Whether there are lines to show: a file that is not read has none."""
        sides = (self.change.old, self.change.new)
        return any(side and side.version_id for side in sides) and bool(self.change.added or self.change.removed)

    @property
    def anchor(self) -> str:
        return anchor_of(self.change.path)


def anchor_of(path: str) -> str:
    """Return the anchor of a file on the page: of a digest, since paths may differ only in what anchors leave out."""
    return f"file-{sha256(path.encode()).hexdigest()[:16]}"


@login_required
@require_GET
@never_cache
def compare_choose(request: HttpRequest, repository_id: UUID) -> HttpResponse:
    """Lead to the differences between the two versions that the query names; by default the newest two."""
    found = get_repository_or_404(person(request), repository_id)
    numbers = list(
        found.snapshots.filter(symbols_at__isnull=False).order_by("-number").values_list("number", flat=True)
    )
    new = number_in(request, "to") or (numbers[0] if numbers else 0)
    old = number_in(request, "from") or next((number for number in numbers if number < new), 0)
    if old not in numbers or new not in numbers or old == new:
        return redirect("repository", found.pk)
    return redirect("repository_compare", found.pk, min(old, new), max(old, new))


def _sides(request: HttpRequest, repository_id: UUID, old: int, new: int) -> tuple[Visit, Snapshot]:
    """Return a visit of the newer version, and the older version. Raises Http404 unless both can be seen."""
    found = get_repository_or_404(person(request), repository_id)
    member = enter(request, found.workspace.slug)
    rows = {each.number: each for each in found.snapshots.filter(number__in=[old, new], symbols_at__isnull=False)}
    if set(rows) != {old, new} or old == new:
        raise Http404
    return Visit(found, rows[new], member, str(new) if rows[new].pk != found.snapshot_id else ""), rows[old]


@login_required
@require_GET
@never_cache
def compare(request: HttpRequest, repository_id: UUID, old: int, new: int) -> HttpResponse:
    """Return what changed from one version of a repository to another."""
    seen, before = _sides(request, repository_id, old, new)
    changes = changed_files(before, seen.snapshot)
    symbols = changed_symbols(changes)
    split = request.GET.get("view") == "split"
    context = {
        "visit": seen,
        "repository": seen.repository,
        "workspace": seen.repository.workspace,
        "may_ask": seen.member.may(Role.REVIEWER),
        "before": before,
        "after": seen.snapshot,
        "snapshots": seen.repository.snapshots.filter(symbols_at__isnull=False).order_by("-number"),
        "files": _listed(seen, before, changes, split=split),
        "added": sum(change.added for change in changes),
        "removed": sum(change.removed for change in changes),
        "signatures": [(each, anchor_of(each.file_path)) for each in _named(symbols, SymbolChangeKind.SIGNATURE)],
        "come": _named(symbols, SymbolChangeKind.ADDED),
        "gone": _named(symbols, SymbolChangeKind.REMOVED),
        "split": split,
        "card": _why(seen, before),
        **ask_choices(request),
    }
    return render(request, "repository_compare.html", context)


@login_required
@require_POST
def compare_why(request: HttpRequest, repository_id: UUID, old: int, new: int) -> HttpResponse:
    """Have written what changed between two versions, and why it matters."""
    seen, before = _sides(request, repository_id, old, new)
    member = member_of(person(request), seen.repository.workspace, role=Role.REVIEWER)
    llm = request.POST.get("llm", "")
    remember_llm(request, llm)
    try:
        answer = changes_ask(old=before, new=seen.snapshot, user=person(request), llm=llm)
    except LecternError as error:
        page = reverse("repository_compare", args=[seen.repository.pk, old, new])
        return refusal(request, error) or told(request, error, page)
    return shown(request, answer, member, target="#why", swap="innerHTML")


def _why(seen: Visit, before: Snapshot) -> Card | None:
    """Return the card of what was written on these two versions, None where nothing was."""
    about = questions_for(seen.member).filter(purpose=Purpose.CHANGES, snapshot_from=before, snapshot_to=seen.snapshot)
    question = about.first()
    answer = newest_answer(question) if question else None
    return card_for(answer, seen.member) if answer else None


def _named(symbols: list[SymbolChange], kind: SymbolChangeKind) -> list[SymbolChange]:
    return [each for each in symbols if each.kind is kind][:SYMBOLS_LISTED]


def _listed(seen: Visit, before: Snapshot, changes: list[FileChange], *, split: bool) -> list[Changed]:
    listed, opened = [], 0
    for change in changes:
        short = 0 < change.added + change.removed <= OPEN_LINES
        opens = short and opened < OPEN_FILES
        opened += opens
        base = reverse("compare_file", args=[seen.repository.pk, before.number, seen.snapshot.number, change.path])
        was = change.old.path if change.kind is ChangeKind.RENAMED and change.old else ""
        listed.append(Changed(change, f"{base}?view=split" if split else base, opens, was))
    return listed


@login_required
@require_GET
@never_cache
def compare_file(request: HttpRequest, repository_id: UUID, old: int, new: int, path: str) -> HttpResponse:
    """Return the differences of one file; with `?old_line=&new_line=&count=` the lines that were left out there."""
    seen, before = _sides(request, repository_id, old, new)
    change = next((each for each in changed_files(before, seen.snapshot) if each.path == path), None)
    if change is None:
        raise Http404
    split = request.GET.get("view") == "split"
    context: dict[str, Any] = {
        "visit": seen,
        "repository": seen.repository,
        "workspace": seen.repository.workspace,
        "change": change,
        "url": reverse("compare_file", args=[seen.repository.pk, old, new, path]),
        "split": split,
        "before": before,
        "after": seen.snapshot,
    }
    if "count" in request.GET:
        return render(request, "_compare_lines.html", context | {"lines": _left_out(request, seen, path)})
    context["difference"] = difference(seen, change.old, change.new)
    partial = request.headers.get("HX-Request")
    return render(request, "_compare_file.html" if partial else "compare_file.html", context)


def _left_out(request: HttpRequest, seen: Visit, path: str) -> list[tuple[int, Any]]:
    """Return lines of the newer version that are alike in both, each with its number in the older one."""
    file = file_at(seen.snapshot, path)
    first, count = number_in(request, "new_line"), number_in(request, "count")
    old_line = number_in(request, "old_line")
    if file is None or not file.version_id or not first or not old_line or not count:
        raise Http404
    source = Source(seen, file)
    lines = source.plain_lines(first, min(first + count - 1, source.table.count))
    return [(old_line + line.number - first, line) for line in lines]
