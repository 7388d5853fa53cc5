"""The code viewer: a file of a repository with its lines, what it defines, and where its names lead."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import escape
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from analysis.answer import masked
from analysis.answer.render import render_text
from analysis.models import Document, DocumentVersion, Secret, SnapshotFile, Symbol
from analysis.repository.lines import LineTable, line_tables
from analysis.repository.symbols import FileReferences, Reference, definitions, outline, references
from analysis.repository.tree import FileNode, file_at
from analysis.types import Span, lines_in_words
from analysis.views.highlight import MIXED, Line, Linked, Mark, Part, known_only, lexer_for
from analysis.views.notebooks import SYNTAX as NOTEBOOK
from analysis.views.notebooks import Cell, cells_of, in_cell, pieces_of
from analysis.views.rooms import Visit, number_in, room, visit
from analysis.views.trees import LABELS, file_words
from workspaces.together.threads import Talk

CHUNK_LINES = 200
LINE_EM = 1.5
LINES_MAX = 2_000  # that an address may mark
DEFINITIONS_LISTED = 20
USE_CHARACTERS = 200  # of a line, before and after the name
RENDERED_CHARACTERS = 400_000  # of Markdown that is shown as it reads
_LINES = re.compile(r"(\d{1,8})(?:-(\d{1,8}))?")


@dataclass(frozen=True)
class Chunk:
    """Some lines of a file. lines: drawn now; [] where they are fetched when they come into view."""

    first_line: int
    last_line: int
    lines: Sequence[Line]

    @property
    def height(self) -> str:
        """What its lines take on the page, in their own font: LINE_EM is the line height of static/code.css."""
        return f"{(self.last_line - self.first_line + 1) * LINE_EM:g}em"


class Source:
    """A file that is read, as the viewer draws it. open_secrets: show what they are instead of dots."""

    def __init__(self, visit: Visit, file: FileNode, *, open_secrets: bool = False) -> None:
        assert file.version_id is not None, "a file that is read has a version"  # noqa: S101
        self.visit = visit
        self.file = file
        self.version = DocumentVersion.objects.select_related("document").get(pk=file.version_id)
        self.table: LineTable = line_tables([file.version_id])[file.version_id]
        rows = Secret.objects.filter(version=self.version).values_list("start_char", "end_char", "kind")
        self.secrets = [Mark(*row) for row in rows]
        text = self.version.read_text()
        spans = [Span(mark.start_char, mark.end_char) for mark in self.secrets]
        self.text = text if open_secrets else masked.mask(text, 0, spans)
        self.open_secrets = open_secrets
        self.cells = cells_of(self.text) if file.syntax == NOTEBOOK else []

    def chunk(self, first_line: int) -> Chunk:
        """Return the chunk that begins with `first_line`, its lines drawn."""
        last = min(first_line + CHUNK_LINES - 1, self.table.count)
        return Chunk(first_line, last, self._lines(self.table.span_of(first_line, last), self.secrets, self._linked))

    def plain_lines(self, first_line: int, last_line: int, marks: Sequence[Mark] = ()) -> list[Line]:
        """Return lines without links, `marks` on them beside the secrets; where both are, the secret."""
        own = [mark for mark in marks if not any(_meet(mark, secret) for secret in self.secrets)]
        both = sorted([*own, *self.secrets], key=lambda mark: mark.start_char)
        return self._lines(self.table.span_of(first_line, last_line), both, lambda names: lambda name, start: "")

    def _lines(self, span: Span, marks: Sequence[Mark], linked: Callable[[set[str]], Linked]) -> list[Line]:
        """Return the lines of the span, each drawn. linked: how those of some names are linked."""
        if not self.cells:
            part = Part(self.text, span, lexer_for(self.file.path, self.file.syntax), self._starts_at(span))
            return part.lines(self.table, marks, linked(part.names))
        parts = [(cell, self._of_cell(cell, piece)) for cell, piece in pieces_of(self.cells, span)]
        links = linked(set().union(*(part.names for _, part in parts)))
        return [line for cell, part in parts for line in in_cell(cell, part.lines(self.table, marks, links))]

    def _of_cell(self, cell: Cell, piece: Span) -> Part:
        language = self.version.metadata.get("language", "python") if cell.kind == "code" else cell.kind
        return Part(self.text, piece, lexer_for("", language), cell.span.start_char)

    def chunks(self, around: int) -> list[Chunk]:
        """Return all of the file in chunks, those around line `around` drawn."""
        drawn = (around - 1) // CHUNK_LINES
        return [
            self.chunk(first)
            if drawn <= number <= drawn + 1
            else Chunk(first, min(first + CHUNK_LINES - 1, self.table.count), [])
            for number, first in enumerate(range(1, self.table.count + 1, CHUNK_LINES))
        ]

    def _starts_at(self, span: Span) -> int:
        """Return where a lexer may begin: at the top-level symbol that the lines begin in, at the top without one."""
        if self.file.syntax in MIXED:
            return 0
        symbols = Symbol.objects.filter(version=self.version, parent=None, start_char__lte=span.start_char)
        start = symbols.order_by("-start_char").values_list("start_char", flat=True).first()
        return self.table.span_of(line := self.table.line_of(start or 0), line).start_char

    def _linked(self, names: set[str]) -> Linked:
        """Return how those of `names` are linked that the snapshot defines."""
        symbols = Symbol.objects.filter(version__snapshot_files__snapshot=self.visit.snapshot, name__in=names)
        known = set(symbols.order_by().values_list("name", flat=True).distinct())
        base = reverse("repository", args=[self.visit.repository.pk]) + "names/"
        tail = f"&amp;at={self.visit.at}" if self.visit.at else ""

        def attributes(name: str, start: int) -> str:
            return f'href="{base}{escape(quote(name))}/?from={self.version.pk}.{start}{tail}"'

        return known_only(known, attributes)


def _meet(one: Mark, other: Mark) -> bool:
    return one.start_char < other.end_char and other.start_char < one.end_char


def lines_in(request: HttpRequest, table: LineTable) -> tuple[int, int] | None:
    """Return the lines that the query names, by number or by characters; None if it names none of the file's."""
    given = _LINES.fullmatch(request.GET.get("lines", ""))
    if given:
        first = int(given[1])
        last = max(first, int(given[2] or first))
        return (first, min(last, table.count, first + LINES_MAX)) if 1 <= first <= table.count else None
    start, end = number_in(request, "start_char"), number_in(request, "end_char")
    if start is None or start >= table.characters:
        return None
    return table.lines_of(start, min(end or start + 1, table.characters))


@login_required
@require_GET
@never_cache
def code_file(request: HttpRequest, repository_id: UUID, path: str) -> HttpResponse:
    """Return a file of the repository: its lines, or why it is not read."""
    seen = visit(request, repository_id, path=path)
    file = file_at(seen.snapshot, path)
    if file is None:
        raise Http404
    if not file.read:
        context = {"file": file, "why": LABELS[file.disposition], "crumbs": crumbs_of(seen, path)}
        return room(request, seen, "_code_unread.html", context, path=path)
    source = Source(seen, file, open_secrets="secrets" in request.GET and seen.may_edit)
    return room(request, seen, "_code.html", _drawn(request, source), path=path)


def _drawn(request: HttpRequest, source: Source) -> dict[str, Any]:
    shown = lines_in(request, source.table)
    markdown = source.version.kind == "markdown" and len(source.text) <= RENDERED_CHARACTERS
    return {
        "file": source.file,
        "file_words": file_words(source.file),
        "source": source,
        "crumbs": crumbs_of(source.visit, source.file.path),
        "shown": shown,
        "shown_words": lines_in_words(*shown) if shown else "",
        "chunks": source.chunks(shown[0] if shown else 1),
        "outline": outline(source.version),
        "outputs_left_out": any(warning["code"] == "notebook_outputs" for warning in source.version.warnings),
        "talk": Talk(source.version.document, source.visit.member),
        "lines_url": source.visit.url("lines", source.file.path),
        "can_render": markdown,
        "rendered": render_text(source.text) if markdown and "rendered" in request.GET else "",
    }


@dataclass(frozen=True)
class Crumb:
    """A part of a path that leads somewhere."""

    name: str
    url: str


def crumbs_of(visit: Visit, path: str) -> list[Crumb]:
    """Return the repository and the folders that `path` stands in, outermost first."""
    parts = path.split("/")[:-1]
    folders = [(name, "/".join(parts[: number + 1])) for number, name in enumerate(parts)]
    return [
        Crumb(visit.repository.name, visit.url()),
        *(Crumb(name, visit.url("folder", folder)) for name, folder in folders),
    ]


@login_required
@require_GET
@never_cache
def code_lines(request: HttpRequest, repository_id: UUID, path: str) -> HttpResponse:
    """Return the lines of a file from `?first=` on, as many as are fetched at once."""
    seen = visit(request, repository_id, path=path)
    file = file_at(seen.snapshot, path)
    if file is None or not file.read:
        raise Http404
    source = Source(seen, file, open_secrets="secrets" in request.GET and seen.may_edit)
    first = number_in(request, "first") or 1
    if (first - 1) % CHUNK_LINES or first > source.table.count:
        raise Http404
    return render(request, "_code_lines.html", {"lines": source.chunk(first).lines})


@login_required
@require_GET
@never_cache
def code_name(request: HttpRequest, repository_id: UUID, name: str) -> HttpResponse:
    """Return what a name means where it stands (`?from=VERSION.CHARACTER`): its definitions, and what uses it.

    For a script it is a card beside the name; `?uses` are the uses alone, for the tab beside the code.
    """
    seen = visit(request, repository_id)
    used = references(seen.snapshot, name)
    context = {
        "visit": seen,
        "repository": seen.repository,
        "workspace": seen.repository.workspace,
        "name": name,
        "found": [
            {"row": row, "url": seen.file_url(row.file_path, (row.start_line, row.start_line))}
            for row in definitions(seen.snapshot, name, _place(request, seen), limit=DEFINITIONS_LISTED)
        ],
        "used": _uses(seen, used),
        "use_count": sum(file.count for file in used),
        "uses_url": seen.url("names", f"{name}/", uses="1"),
    }
    if "uses" in request.GET and request.headers.get("HX-Request"):
        return render(request, "_code_uses.html", context)
    return render(request, "_code_name.html" if request.headers.get("HX-Request") else "code_name.html", context)


def _uses(seen: Visit, used: Sequence[FileReferences]) -> list[dict[str, Any]]:
    """Return the uses by file, each place with its line, in which secrets are covered, and its address."""
    hidden = _masked_texts([file.version_id for file in used if file.places])
    return [
        {
            "file": file,
            "places": [
                (place, _words(place, hidden.get(file.version_id)), seen.file_url(file.path, (place.line, place.line)))
                for place in file.places
            ],
        }
        for file in used
    ]


def _words(place: Reference, hidden: tuple[str, LineTable] | None) -> str:
    if hidden is None:
        return place.words.strip()
    text, table = hidden
    span = table.span_of(place.line, place.line)
    return text[max(span.start_char, place.start_char - USE_CHARACTERS) : span.end_char][: USE_CHARACTERS * 2].strip()


def _masked_texts(version_ids: Sequence[int]) -> dict[int, tuple[str, LineTable]]:
    """Return the texts with lines of those of the versions that hold secrets, these masked."""
    secretive = masked.secrets_of(version_ids)
    tables = line_tables(secretive)
    return {version_id: (text, tables[version_id]) for version_id, text in masked.texts(secretive).items()}


def _place(request: HttpRequest, seen: Visit) -> tuple[DocumentVersion, int] | None:
    version, _, char = request.GET.get("from", "").partition(".")
    if not (version.isdecimal() and char.isdecimal() and len(version) < 18 and len(char) < 10):
        return None
    files = SnapshotFile.objects.filter(snapshot=seen.snapshot, version=int(version)).select_related(
        "version__document"
    )
    row = files.first()
    return (row.version, int(char)) if row and row.version else None


def document_place(request: HttpRequest, document: Document) -> HttpResponseBase:
    """Lead from a document that is a file of a repository to the code viewer, to the place that the query names."""
    number = number_in(request, "version")
    files = SnapshotFile.objects.filter(document=document, version__isnull=False).select_related("snapshot")
    files = files.filter(version__number=number) if number is not None else files
    current = files.filter(snapshot=document.repository.snapshot_id if document.repository else None).first()
    file = current or files.order_by("-snapshot__number").first()
    if file is None or file.version_id is None or document.repository is None:
        raise Http404
    table = line_tables([file.version_id])[file.version_id]
    at = {} if current else {"at": str(file.snapshot.number)}
    lines = lines_in(request, table)
    query = at | ({"lines": lines_in_words(*lines)} if lines else {})
    query |= {name: request.GET[name] for name in ("question", "tab", "comment") if name in request.GET}
    address = reverse("code_file", args=[document.repository_id, file.path])
    # With a comment the address has an anchor of its own, which browsers keep where this names none.
    anchor = f"#L{lines[0]}" if lines and "comment" not in request.GET else ""
    return redirect(f"{address}?{urlencode(query)}{anchor}")
