"""A repository's pages beside its code: what it is, its folders, what is found in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from analysis.answer import masked
from analysis.answer.ask import repository_summary_ask
from analysis.errors import LecternError
from analysis.models import Disposition, Repository, Secret
from analysis.repository.lines import line_tables
from analysis.repository.modules import Module, module_map
from analysis.repository.running import Fact, facts_of
from analysis.repository.symbols import find_symbols
from analysis.repository.tree import FileNode, Folder, file_at, folder_at
from analysis.types import Span
from analysis.views.choices import remember_llm
from analysis.views.code import crumbs_of
from analysis.views.diagram import diagram_of
from analysis.views.pages import QUERY_LIMIT, find
from analysis.views.question import refusal, shown, told
from analysis.views.rooms import Visit, coming, room, visit
from analysis.views.snapshots import Share, shares, snapshot_progress
from analysis.views.trees import LABELS, DrawnTree
from workspaces.access import enter, get_repository_or_404, member_of, person
from workspaces.models import Role

FILES_FOUND, SYMBOLS_FOUND, LINES_FOUND = 30, 30, 200
UNREAD_LISTED = 100
FACTS_LISTED = 8
MAIN_ROLES = frozenset({"", "runtime"})  # of a dependency that the program itself has
LINE_CHARACTERS = 200


@login_required
@require_GET
@never_cache
def repository(request: HttpRequest, repository_id: UUID) -> HttpResponse:
    """Return the repository's page: what it is, or how far reading it in has come, or why that failed."""
    found = get_repository_or_404(person(request), repository_id)
    if not found.snapshots.filter(symbols_at__isnull=False).exists():
        return _not_ready(request, found)
    seen = visit(request, repository_id)
    context = overview(seen) | details(seen) | (known_of(seen) if "facts" in request.GET else {})
    return room(request, seen, "_repository_overview.html", context)


@login_required
@require_GET
@never_cache
def repository_facts(request: HttpRequest, repository_id: UUID) -> HttpResponse:
    """Return what the repository says of itself and how it hangs together, for the overview that shows it already.

    The first time, every import of the snapshot is resolved for it, which takes a second or two of a large one.
    """
    return render(request, "_repository_facts.html", known_of(visit(request, repository_id)))


def known_of(seen: Visit) -> dict[str, Any]:
    """Return the facts of the snapshot, each with its lines, and its modules as a diagram."""
    facts = facts_of(seen.snapshot)
    modules = module_map(seen.snapshot)
    diagram = diagram_of(modules)
    groups = [
        (gettext("Starts at"), facts.entry_points),
        *_commands(facts.commands),
        (gettext("Licence"), facts.licences),
    ]
    dependencies = [fact for fact in facts.dependencies if fact.role in MAIN_ROLES] or list(facts.dependencies)
    groups.append((gettext("Needs"), dependencies))
    return {
        "known": True,
        "facts_groups": [
            (title, [_with_url(seen, fact) for fact in rows[:FACTS_LISTED]], max(0, len(rows) - FACTS_LISTED))
            for title, rows in groups
            if rows
        ],
        "diagram": diagram,
        "cycles": modules.cycles,
        "boxes": [(box, _module_url(seen, box.module)) for box in diagram.boxes] if diagram else [],
    }


def _commands(commands: Sequence[Fact]) -> list[tuple[str, list[Fact]]]:
    """Return the commands by what they are for, in the order in which one needs them; each command once."""
    titles = {
        "install": gettext("Install"),
        "run": pgettext("command", "Run"),
        "test": gettext("Test"),
        "build": gettext("Build"),
        "check": gettext("Check"),
    }
    found: dict[str, dict[str, Fact]] = {role: {} for role in titles}
    for fact in commands:
        found.get(fact.role, {}).setdefault(fact.words, fact)
    return [(title, list(found[role].values())) for role, title in titles.items()]


def _with_url(seen: Visit, fact: Fact) -> tuple[Fact, str]:
    return fact, seen.file_url(fact.path, (fact.start_line, fact.end_line))


def _module_url(seen: Visit, module: Module) -> str:
    if not module.folder:
        return seen.file_url(module.path)
    return seen.url("folder", module.path) if module.path else seen.url()


def _not_ready(request: HttpRequest, found: Repository) -> HttpResponse:
    member = enter(request, found.workspace.slug)
    newest = coming(list(found.snapshots.order_by("-number")[:1]))
    context = {
        "repository": found,
        "workspace": found.workspace,
        "coming": newest,
        "progress": snapshot_progress(newest) if newest else None,
        "may_edit": member.may(Role.EDITOR),
    }
    return render(request, "repository_coming.html", context)


def languages(folder: Folder) -> list[Share]:
    """Return the languages of what is read in the folder, by their lines."""
    lines: Counter[str] = Counter()
    for file in folder.walk():
        if file.read and file.line_count:
            lines[file.syntax or "text"] += file.line_count
    return shares(lines)


def overview(seen: Visit) -> dict[str, Any]:
    """Return what the overview shows of the snapshot."""
    return {
        "folder": seen.tree,
        "entries": entries(seen, seen.tree),
        "languages": languages(seen.tree),
        "unread": unread(seen),
    }


@dataclass(frozen=True)
class Entry:
    """A folder or a file in a listing."""

    name: str
    url: str
    path: str
    is_folder: bool
    lines: int
    tokens: int
    files: int
    why: str = ""


def entries(seen: Visit, folder: Folder) -> list[Entry]:
    """Return what the folder holds: folders, then files, each with its size or with why it is not read."""
    folders = [
        Entry(each.name, seen.url("folder", each.path), each.path, True, each.line_count, each.tokens, each.file_count)
        for each in folder.folders
    ]
    files = [
        Entry(
            each.name,
            seen.file_url(each.path),
            each.path,
            False,
            each.line_count,
            each.tokens,
            1,
            "" if each.read else str(LABELS[each.disposition]),
        )
        for each in folder.files
    ]
    return folders + files


@dataclass(frozen=True)
class Unread:
    """The files that are not read for one reason; paths: the first of them."""

    why: str
    count: int
    paths: list[str]


def unread(seen: Visit) -> list[Unread]:
    """Return what is not read, by reason, the commonest first."""
    paths: dict[Disposition, list[str]] = {}
    for file in seen.tree.walk():
        if not file.read:
            paths.setdefault(file.disposition, []).append(file.path)
    found = [Unread(str(LABELS[why]), len(those), those[:UNREAD_LISTED]) for why, those in paths.items()]
    return sorted(found, key=lambda each: -each.count)


def details(seen: Visit) -> dict[str, Any]:
    """Return what the Details tab shows of the snapshot."""
    secrets = Secret.objects.filter(version__snapshot_files__snapshot=seen.snapshot)
    rows = secrets.order_by("version__document__path", "start_char")
    found = rows.values_list("version__document__path", "kind", "start_char")
    return {
        "secrets": [
            {"path": path, "kind": kind, "url": f"{seen.url('file', path, start_char=str(start))}"}
            for path, kind, start in found
        ]
    }


@login_required
@require_POST
def repository_summarise(request: HttpRequest, repository_id: UUID) -> HttpResponse:
    """Start a summary of the repository, or of its folder or file at `path`."""
    found = get_repository_or_404(person(request), repository_id, role=Role.REVIEWER)
    member = member_of(person(request), found.workspace)
    path, llm = request.POST.get("path", ""), request.POST.get("llm", "")
    remember_llm(request, llm)
    try:
        answer = repository_summary_ask(repository=found, user=person(request), path=path, llm=llm)
    except LecternError as error:
        return refusal(request, error) or told(request, error, reverse("repository", args=[found.pk]))
    return shown(request, answer, member, target="#summary", swap="innerHTML")


@login_required
@require_GET
@never_cache
def repository_folder(request: HttpRequest, repository_id: UUID, path: str) -> HttpResponse:
    """Return a folder of the repository: what it holds, and its summary beside it."""
    seen = visit(request, repository_id)
    path = path.strip("/")
    folder = _folder_or_404(seen, path)
    context = {
        "folder": folder,
        "entries": entries(seen, folder),
        "crumbs": crumbs_of(seen, path),
        "languages": languages(folder),
    }
    return room(request, seen, "_repository_folder.html", context | details(seen), path=path)


def _folder_or_404(seen: Visit, path: str) -> Folder:
    folder = folder_at(seen.tree, path)
    if folder is None:
        raise Http404
    return folder


@login_required
@require_GET
@never_cache
def repository_tree(request: HttpRequest, repository_id: UUID, path: str) -> HttpResponse:
    """Return what a folder holds as the tree draws it, when it is opened there."""
    seen = visit(request, repository_id)
    path = path.strip("/")
    folder = _folder_or_404(seen, path)
    return HttpResponse(DrawnTree(seen, path).html(folder))


@dataclass(frozen=True)
class FoundLine:
    """A line of the open file with the words that are looked for. html: the line, they marked."""

    number: int
    url: str
    html: SafeString


@login_required
@require_GET
@never_cache
def repository_find(request: HttpRequest, repository_id: UUID) -> HttpResponse:
    """Return the files, the symbols and, of the file at `?path=`, the lines that `?q=` may mean."""
    path = request.GET.get("path", "")
    seen = visit(request, repository_id)
    query = request.GET.get("q", "").replace("\0", "").strip()[:QUERY_LIMIT]
    context = {
        "visit": seen,
        "repository": seen.repository,
        "workspace": seen.repository.workspace,
        "query": query,
        "path": path,
        "files": [(file, seen.file_url(file.path)) for file in files_named(seen.tree, query)] if query else [],
        "symbols": [
            (row, seen.file_url(row.file_path, (row.start_line, row.start_line)))
            for row in (find_symbols(seen.snapshot, query, SYMBOLS_FOUND) if query else [])
        ],
        "lines": _lines_with(seen, path, query) if query and path else [],
    }
    partial = bool(request.headers.get("HX-Request"))
    return render(request, "_repository_found.html" if partial else "repository_found.html", context)


def files_named(tree: Folder, query: str) -> list[FileNode]:
    """Return the files whose path has the words of `query` in that order, those named so first, short paths first."""
    words = query.casefold().split()
    ranked = []
    for file in tree.walk():
        path, at = file.path.casefold(), 0
        for word in words:
            at = path.find(word, at)
            if at < 0:
                break
            at += len(word)
        if words and at >= 0:
            name = file.name.casefold()
            ranked.append((not name.startswith(words[-1]), words[-1] not in name, not file.read, len(path), path, file))
    return [each[-1] for each in sorted(ranked, key=lambda each: each[:-1])[:FILES_FOUND]]


def _lines_with(seen: Visit, path: str, query: str) -> list[FoundLine]:
    """Return the lines of the file at `path` with `query` in them, secrets covered."""
    file = file_at(seen.snapshot, path)
    if file is None or file.version_id is None:
        return []
    text = masked.read(file.version_id)
    table = line_tables([file.version_id])[file.version_id]
    lines: dict[int, list[Span]] = {}
    for span in find(text, query):
        lines.setdefault(table.line_of(span.start_char), []).append(span)
    return [
        FoundLine(number, seen.file_url(path, (number, number)), _marked(text, table.span_of(number, number), spans))
        for number, spans in list(lines.items())[:LINES_FOUND]
    ]


def _marked(text: str, line: Span, spans: list[Span]) -> SafeString:
    """Return a line as safe HTML with `spans` marked, from a little before the first of them."""
    at = start = max(line.start_char, spans[0].start_char - LINE_CHARACTERS // 3)
    end = min(line.end_char, start + LINE_CHARACTERS)
    html = ""
    for span in spans:
        if span.start_char >= end:
            break
        html += escape(text[at : span.start_char])
        html += f"<mark>{escape(text[span.start_char : min(span.end_char, end)])}</mark>"
        at = min(span.end_char, end)
    return mark_safe((html + escape(text[at:end])).strip())  # noqa: S308  # escaped above; the marks are ours
