"""A repository's tree as HTML: folders that open, files with their lines, and why a file is not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from analysis.models import Disposition
from analysis.repository.tree import FileNode, Folder
from analysis.views.figures import counted
from workspaces.language import lowered

if TYPE_CHECKING:
    from analysis.views.rooms import Visit

# A repository up to this many files is drawn at once; of a larger one, what a folder holds comes when it is opened.
AT_ONCE_FILES = 150
# However deep a path is, no more folders than this are drawn open inside each other.
OPEN_DEPTH = 24
LABELS = dict(Disposition.choices)


class DrawnTree:
    """Draws folders of one visit. path: the file or folder that is shown; what it stands in is open."""

    def __init__(self, visit: Visit, path: str = "") -> None:
        self.visit = visit
        self.path = path
        self._all = visit.tree.file_count <= AT_ONCE_FILES

    def html(self, folder: Folder, depth: int = 0) -> SafeString:
        """Return what is in the folder as a list: its folders, then its files."""
        folders = [(self._folder(each, depth),) for each in folder.folders]
        return format_html(
            '<ul class="tree">{}{}</ul>',
            format_html_join("", "{}", folders),
            format_html_join("", "{}", ((self._file(each),) for each in folder.files)),
        )

    def _folder(self, folder: Folder, depth: int) -> SafeString:
        around = f"{self.path}/".startswith(f"{folder.path}/")
        drawn = depth < OPEN_DEPTH and (around or self._all)
        return format_html(
            '<li><a class="tree-folder{unread}" href="{url}" data-visit data-path="{path}"{current} title="{title}">'
            '{name}</a><details data-folder="{path}"{open}><summary aria-label="{inside_of}">'
            '<span class="tree-size numbers">{size}</span></summary>{inside}</details></li>',
            path=folder.path,
            open=mark_safe(" open") if around and drawn else "",
            unread="" if folder.read_count else " unread",
            url=self.visit.url("folder", folder.path),
            current=self._current(folder.path),
            title=_folder_words(folder),
            name=folder.name,
            inside_of=gettext("What is in %(name)s") % {"name": folder.name},
            size=short(folder.line_count) if folder.read_count else "",
            inside=self.html(folder, depth + 1) if drawn else self._later(folder),
        )

    def _later(self, folder: Folder) -> SafeString:
        return format_html(
            '<div class="tree-later" hx-get="{}" hx-trigger="toggle from:closest details once" hx-swap="outerHTML">'
            "</div>",
            self.visit.url("tree", folder.path),
        )

    def _file(self, file: FileNode) -> SafeString:
        return format_html(
            '<li><a class="tree-file{unread}" href="{url}" data-visit data-path="{path}"{current} title="{title}">'
            '<span>{name}</span></a><span class="tree-size numbers">{size}</span></li>',
            unread="" if file.read else " unread",
            url=self.visit.file_url(file.path),
            path=file.path,
            current=self._current(file.path),
            title=file_words(file),
            name=file.name,
            size=short(file.line_count) if file.read else "",
        )

    def _current(self, path: str) -> SafeString:
        return mark_safe(' aria-current="page"') if path == self.path else mark_safe("")


def short(count: int) -> str:
    """Return a count in at most four signs: "812", "4.2k", "31k", "1.2M"."""
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + unit if count < 10 * size else f"{count // size}{unit}"
    return str(count)


def file_words(file: FileNode) -> str:
    """Return what there is to know of a file at a glance."""
    if not file.read:
        return gettext("Not read: %(why)s. %(size)s") % {
            "why": lowered(LABELS[file.disposition]),
            "size": filesizeformat(file.size_bytes),
        }
    return f"{counted(file.line_count, 'line')}, {counted(file.tokens, 'token')}"


def _folder_words(folder: Folder) -> str:
    words = gettext("%(lines)s in %(files)s, %(tokens)s") % {
        "lines": counted(folder.line_count, "line"),
        "files": counted(folder.read_count, "file"),
        "tokens": counted(folder.tokens, "token"),
    }
    unread = folder.file_count - folder.read_count
    return (
        (gettext("%(words)s; %(files)s not read") % {"words": words, "files": counted(unread, "file")})
        if unread
        else words
    )
