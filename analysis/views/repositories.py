"""How repositories come in, get new versions and other rules, are tried again, and go."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from analysis.errors import LecternError, UserError
from analysis.ingest.repository import (
    repository_add,
    repository_change,
    repository_change_rules,
    repository_delete,
    repository_retry,
    snapshot_add,
)
from analysis.ingest.unpack.rules import PathRules, Rules
from analysis.models import Disposition, Origin, Repository, Snapshot
from analysis.repository.tree import FileNode, files_of
from analysis.views.forms import chosen_folder
from analysis.views.question import told
from analysis.views.trees import LABELS
from workspaces.access import enter, get_repository_or_404, person, repositories_for
from workspaces.models import Member, Role

KIB = 1024
EFFECT_LISTED = 12
# What people may ask to be read after all; the others cannot be read as text.
READABLE = frozenset(
    {
        Disposition.IGNORED,
        Disposition.EXCLUDED,
        Disposition.VENDORED,
        Disposition.GENERATED,
        Disposition.MINIFIED,
        Disposition.LOCK,
        Disposition.TOO_LARGE,
    }
)


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def repositories(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the form that adds a repository; on POST add it, from an archive or from a git address.

    For a script (HX-Request) that sends an archive the answer is a list item, as for documents.
    """
    member = enter(request, slug, role=Role.EDITOR)
    if request.method == "GET":
        return _add_page(request, member)
    try:
        repository = _added(request, member)
    except UserError as error:
        if request.headers.get("HX-Request"):
            return render(request, "_repository_received.html", {"error": error}, status=error.status)
        return _add_page(request, member, error)
    if request.headers.get("HX-Request"):
        return render(request, "_repository_received.html", {"repository": repository})
    return redirect("repository", repository.pk)


def _added(request: HttpRequest, member: Member) -> Repository:
    """Return what the form adds: a new repository, or a new version of the one that a dropped folder is of."""
    archive, origin = request.FILES.get("archive"), _origin(request)
    name = request.POST.get("name", "").strip()
    if archive and origin is Origin.FOLDER:
        known = repositories_for(member).filter(name=name, url="", snapshots__origin=Origin.FOLDER).first()
        if known:
            snapshot_add(repository=known, user=person(request), archive=archive, origin=origin)
            return known
    return repository_add(
        workspace=member.workspace,
        user=person(request),
        name=name,
        archive=archive,
        url="" if archive else request.POST.get("url", "").strip(),
        ref=request.POST.get("ref", "").strip(),
        credential=request.POST.get("credential", ""),
        origin=origin,
        folder=chosen_folder(request.POST, member),
    )


def _origin(request: HttpRequest) -> Origin:
    return Origin.FOLDER if request.POST.get("origin") == Origin.FOLDER else Origin.ARCHIVE


def _add_page(request: HttpRequest, member: Member, error: LecternError | None = None) -> HttpResponse:
    context = {
        "workspace": member.workspace,
        "error": error.message if error else "",
        "given": request.POST,
        "upload_max_bytes": settings.UPLOAD_MAX_BYTES,
    }
    return render(request, "repository_add.html", context, status=error.status if error else 200)


def _own(request: HttpRequest, repository_id: UUID) -> Repository:
    return get_repository_or_404(person(request), repository_id, role=Role.EDITOR)


@login_required
@require_POST
def repository_version(request: HttpRequest, repository_id: UUID) -> HttpResponse:
    """Add a version: of what the server has now, or of the archive that is sent."""
    found = _own(request, repository_id)
    archive = request.FILES.get("archive")
    page = reverse("repository_settings", args=[found.pk])
    try:
        snapshot_add(repository=found, user=person(request), archive=archive, ref=request.POST.get("ref", "").strip())
    except LecternError as error:
        return told(request, error, page)
    messages.success(request, gettext("The new version is being read in. Until it is, everything stays as it is."))
    return redirect("repository", found.pk)


@login_required
@require_POST
def repository_retry_view(request: HttpRequest, repository_id: UUID) -> HttpResponse:
    """Have the newest version, which has failed, read in again."""
    found = _own(request, repository_id)
    try:
        repository_retry(found)
    except LecternError as error:
        return told(request, error, reverse("repository", args=[found.pk]))
    return redirect("repository", found.pk)


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def repository_delete_view(request: HttpRequest, repository_id: UUID) -> HttpResponse:
    """Ask whether the repository is to be deleted; on POST delete it."""
    found = _own(request, repository_id)
    enter(request, found.workspace.slug)
    if request.method == "GET":
        context = {
            "repository": found,
            "workspace": found.workspace,
            "version_count": found.snapshots.count(),
            "question_count": found.questions.count(),
        }
        return render(request, "repository_delete.html", context)
    repository_delete(found)
    messages.success(request, gettext("Deleted “%(name)s”.") % {"name": found.name})
    return redirect("workspace", found.workspace.slug)


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def repository_settings(request: HttpRequest, repository_id: UUID) -> HttpResponse:
    """Return what can be set about a repository; on POST set the part that the form names."""
    found = _own(request, repository_id)
    enter(request, found.workspace.slug)
    error = None
    if request.method == "POST":
        try:
            sentence = (
                _set_source(request, found) if request.POST.get("part") == "source" else _set_rules(request, found)
            )
        except LecternError as refused:
            error = refused
        else:
            messages.success(request, sentence)
            return redirect("repository_settings", found.pk)
    return _settings_page(request, found, error)


def _settings_page(request: HttpRequest, found: Repository, error: LecternError | None) -> HttpResponse:
    rules = Rules.of(found.rules)
    context = {
        "repository": found,
        "workspace": found.workspace,
        "newest": found.snapshots.order_by("-number").first(),
        "exclude": request.POST.get("exclude", "\n".join(rules.exclude)),
        "include": request.POST.get("include", "\n".join(rules.include)),
        "most_kib": request.POST.get("most_kib", str(rules.most_bytes // KIB)),
        "error": error.message if error else "",
        "part": request.POST.get("part", ""),
    }
    return render(request, "repository_settings.html", context, status=error.status if error else 200)


def _set_source(request: HttpRequest, found: Repository) -> str:
    """Change name, address, branch and token; a token that is left empty stays. Return what was done."""
    token = request.POST.get("credential", "").strip()
    # None leaves the token as it is, unless the address moves to another server.
    credential = token or ("" if "forget" in request.POST else None)
    source = {"url": request.POST.get("url", ""), "ref": request.POST.get("ref", "")} if found.url else {}
    repository_change(found, name=request.POST.get("name", ""), credential=credential if found.url else None, **source)
    return gettext("Saved. It holds from the next version on.")


def _set_rules(request: HttpRequest, found: Repository) -> str:
    repository_change_rules(found, rules_in(request), person(request))
    return gettext("Saved. The files are read in anew under these rules; until then everything stays as it is.")


def rules_in(request: HttpRequest) -> Rules:
    """Return the rules that the form states; raises UserError bad_rules."""
    kib = request.POST.get("most_kib", "")
    return Rules.of(
        {
            "exclude": request.POST.get("exclude", "").splitlines(),
            "include": request.POST.get("include", "").splitlines(),
            "most_bytes": int(kib) * KIB if kib.isascii() and kib.isdigit() and len(kib) < 8 else 0,
        }
    )


@dataclass(frozen=True)
class Effect:
    """What rules would change: files that would no longer be read, and files that would be, with the first of them."""

    out: list[FileNode]
    into: list[FileNode]
    unchanged: int

    @property
    def out_first(self) -> list[FileNode]:
        return self.out[:EFFECT_LISTED]

    @property
    def into_first(self) -> list[FileNode]:
        return self.into[:EFFECT_LISTED]


def effect_of(rules: Rules, snapshot: Snapshot) -> Effect:
    """Return what `rules` would change about a snapshot, as far as paths and sizes tell."""
    by_path = PathRules(rules, {})
    out: list[FileNode] = []
    into: list[FileNode] = []
    unchanged = 0
    for file in files_of(snapshot):
        fits = file.size_bytes <= rules.most_bytes
        excluded = by_path.reason(file.path) == Disposition.EXCLUDED
        if file.read:
            reads = fits and not excluded
        else:
            reads = file.disposition in READABLE and fits and not excluded and _comes_back(file, by_path)
        if reads == file.read:
            unchanged += 1
        else:
            (into if reads else out).append(file)
    return Effect(out, into, unchanged)


def _comes_back(file: FileNode, by_path: PathRules) -> bool:
    """Return whether a file that was left out would be read: asked for, or no longer kept out by people's own rules."""
    if by_path.included(file.path):
        return True
    return file.disposition in {Disposition.EXCLUDED, Disposition.TOO_LARGE} and not by_path.reason(file.path)


@login_required
@require_POST
def repository_effect(request: HttpRequest, repository_id: UUID) -> HttpResponse:
    """Return what the rules in the form would change, in words."""
    found = _own(request, repository_id)
    context: dict[str, Any] = {"repository": found}
    snapshot = found.snapshots.filter(symbols_at__isnull=False).last()
    try:
        rules = rules_in(request)
    except UserError as error:
        return render(request, "_repository_effect.html", {"error": error.message})
    if snapshot is not None:
        context["effect"] = effect_of(rules, snapshot)
        context["left_out"] = Counter(LABELS[file.disposition] for file in files_of(snapshot) if not file.read)
    return render(request, "_repository_effect.html", context)
