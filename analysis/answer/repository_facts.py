"""What Lectern states by itself in a repository's summary, since it is known exactly: from manifests and imports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from analysis.answer.code_places import place_in_words
from analysis.answer.masked import hider
from analysis.answer.stated import Line, code, masked_sources
from analysis.models import Disposition, DocumentVersion, Secret, Snapshot
from analysis.repository.modules import imports_of, module_map
from analysis.repository.running import Fact, facts_of
from analysis.repository.symbols import outline
from analysis.repository.symbols.finding import under
from analysis.repository.tree import FileNode, aside, files_by_version, files_of
from analysis.types import Span

_COMMANDS = ("run", "install", "test", "build", "check", "deploy", "other")
_LARGE_LINES = 1500
_NEIGHBOURS_MAX = 8


@dataclass(frozen=True)
class Place:
    """What a summary is of: a folder or file of a snapshot, "" for all of it."""

    snapshot: Snapshot
    path: str = ""

    def holds(self, path: str) -> bool:
        return under(path, self.path)

    @property
    def file(self) -> FileNode | None:
        """The file that it is; None for a folder."""
        return next((file for file in files_of(self.snapshot) if file.path == self.path), None)


def entry_points(place: Place) -> list[Line]:
    """Return where the program starts."""
    facts = _of(place, facts_of(place.snapshot).entry_points)
    return _lines(facts, lambda fact: f"{code(fact.words)} ({fact.role})")


def commands(place: Place) -> list[Line]:
    """Return what is typed to run it, install it, test it, in that order."""
    facts = _of(place, facts_of(place.snapshot).commands)
    ordered = sorted(facts, key=lambda fact: _COMMANDS.index(fact.role) if fact.role in _COMMANDS else len(_COMMANDS))
    return _lines(ordered, lambda fact: f"{fact.role.capitalize()}: {code(fact.words)}")


def dependencies(place: Place) -> list[Line]:
    """Return what it needs of others, as its manifests state it; what is only imported where none does."""
    facts = _of(place, facts_of(place.snapshot).dependencies)
    if facts:
        return _lines(facts, lambda fact: f"{code(fact.words)} ({fact.role})")
    imported = [
        (each.name, sum(place.holds(path) for path in each.files)) for each in imports_of(place.snapshot).dependencies
    ]
    return [Line(f"{code(name)}, imported by {_count(files, 'file')}") for name, files in imported if files]


def licences(place: Place) -> list[Line]:
    """Return under which licences it says it is."""
    return _lines(_of(place, facts_of(place.snapshot).licences), lambda fact: fact.words)


def modules(place: Place) -> list[Line]:
    """Return the biggest parts, with what each imports of the others."""
    found = module_map(place.snapshot, place.path, limit=12)
    targets = {each.path: [link.target for link in found.links if link.source == each.path] for each in found.modules}
    return [
        Line(
            f"{code(each.path or '.')}: {_count(each.file_count, 'file')}, {_count(each.line_count, 'line')}"
            + (f"; imports {', '.join(map(code, targets[each.path]))}" if targets[each.path] else "")
        )
        for each in sorted(found.modules, key=lambda each: -each.line_count)
    ]


def neighbours(place: Place) -> list[Line]:
    """Return which files outside import something of the place, and what it imports from outside."""
    graph = imports_of(place.snapshot)
    inside = [file.path for file in files_by_version(place.snapshot).values() if place.holds(file.path)]
    users = {user for path in inside for user in graph.importers(path) if not place.holds(user)}
    used = {target for path in inside for target in graph.targets.get(path, ()) if not place.holds(target)}
    return [
        Line(f"{words}: {_named(sorted(paths))}")
        for words, paths in (("Imported by", users), ("Imports", used))
        if paths
    ]


def oddities(place: Place) -> list[Line]:
    """Return what a reader should know that no file says: cycles, what is not read, secrets, very long files."""
    found = []
    for cycle in module_map(place.snapshot, place.path).cycles:
        found.append(f"These import each other: {', '.join(map(code, cycle))}.")
    files = [file for file in files_of(place.snapshot) if place.holds(file.path)]
    unread = [file for file in files if not file.read]
    if unread:
        kinds = ", ".join(f"{label.lower()} {count:,}" for label, count in _kinds(unread))
        found.append(f"{_count(len(unread), 'file')} not read in: {kinds}.")
    if secrets := _secret_files(place):
        found.append(f"What looks like keys, tokens or passwords is in {_named(secrets)}.")
    if large := [file.path for file in files if file.line_count > _LARGE_LINES and file.read]:
        found.append(f"Longer than {_LARGE_LINES:,} lines: {_named(large)}.")
    if not place.path and files and not any(file.read and aside(file.path) for file in files):
        found.append("There are no tests, examples or documentation among what was read in.")
    return [Line(words) for words in found]


def definitions(place: Place) -> list[Line]:
    """Return what a file defines at its top, with the line of each."""
    version = DocumentVersion.objects.filter(pk=place.file.version_id or 0).first() if place.file else None
    tops = [each for each in outline(version) if each.parent is None] if version else []
    sources = masked_sources(
        (str(each.document_id), each.file_path, each.version_id, Span(each.name_start_char, each.name_end_char))
        for each in tops
    )
    hidden = hider([version.pk] if version else [])
    return [
        Line(f"{code(hidden(each.signature or each.name))} ({each.kind}, line {each.line})", source)
        for each, source in zip(tops, sources, strict=True)
    ]


def _of(place: Place, facts: Iterable[Fact]) -> list[Fact]:
    return [fact for fact in facts if place.holds(fact.path)]


def _lines(facts: Sequence[Fact], words: Callable[[Fact], str]) -> list[Line]:
    sources = masked_sources(
        (str(fact.document_id), fact.path, fact.version_id, Span(fact.start_char, fact.end_char)) for fact in facts
    )
    hidden = hider(fact.version_id for fact in facts)
    return [
        Line(f"{hidden(words(fact))}, {code(place_in_words(fact.path, fact.start_line, fact.end_line))}", source)
        for fact, source in zip(facts, sources, strict=True)
    ]


def _secret_files(place: Place) -> list[str]:
    files = files_by_version(place.snapshot)
    versions = set(Secret.objects.filter(version__in=list(files)).values_list("version_id", flat=True))
    return sorted(files[version_id].path for version_id in versions if place.holds(files[version_id].path))


def _kinds(files: Sequence[FileNode]) -> list[tuple[str, int]]:
    counts = [(each, sum(file.disposition == each for file in files)) for each in Disposition]
    return [(str(each.label), count) for each, count in counts if count]


def _named(paths: Sequence[str]) -> str:
    more = len(paths) - _NEIGHBOURS_MAX
    return ", ".join(map(code, paths[:_NEIGHBOURS_MAX])) + (f" and {more:,} more" if more > 0 else "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
