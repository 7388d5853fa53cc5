"""The facts of a snapshot, each with the file and the lines it stands on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from analysis.models import Snapshot, Symbol, VersionText
from analysis.repository.kept import once_ready
from analysis.repository.lines import line_tables
from analysis.repository.running import manifests, readme, scripts
from analysis.repository.running.stated import FactKind, Stated
from analysis.repository.texts import TEXTS_AT_ONCE, texts_of
from analysis.repository.tree import FileNode, aside, files_by_version, files_of

FACTS_MAX = 200  # of a kind
DEPTH_MAX = 3  # folders above a manifest: deeper ones are samples and fixtures
DATA = frozenset("json yaml toml xml markdown rst text ini csv diff notebook makefile dockerfile".split())
MAIN_SYNTAXES = ("go", "rust", "c", "cpp", "java", "kotlin", "csharp", "scala", "swift")

Finder = Callable[[str], Iterator[Stated]]
FINDERS: tuple[tuple[re.Pattern[str], Finder], ...] = tuple(
    (re.compile(rf"(?:^|/){pattern}$", re.IGNORECASE), finder)
    for pattern, finder in (
        (r"readme(?:\.\w+)?", readme.in_readme),
        (r"pyproject\.toml", manifests.in_pyproject),
        (r"setup\.cfg", manifests.in_setup_cfg),
        (r"setup\.py", manifests.in_setup_py),
        (r"requirements[-_/](?:dev\w*|tests?|testing|docs?|lint\w*|ci)\.txt", manifests.in_development_requirements),
        (r"requirements(?:[-_/]\w+)?\.txt", manifests.in_requirements),
        (r"package\.json", manifests.in_package_json),
        (r"cargo\.toml", manifests.in_cargo),
        (r"go\.mod", manifests.in_go_mod),
        (r"composer\.json", manifests.in_composer),
        (r"(?:gemfile|[^/]+\.gemspec)", manifests.in_gemfile),
        (r"pom\.xml", manifests.in_pom),
        (r"build\.gradle(?:\.kts)?", manifests.in_gradle),
        (r"(?:gnu)?makefile", scripts.in_makefile),
        (r"(?:[^/]+\.)?dockerfile", scripts.in_dockerfile),
        (r"procfile", scripts.in_procfile),
        (r"\.github/workflows/[^/]+\.ya?ml", scripts.in_workflow),
        (r"(?:licen[cs]e|copying|unlicense)(?:[.-][\w.-]+)?", scripts.in_licence),
    )
)


@dataclass(frozen=True)
class Fact:
    """A fact and where it stands: `text[start_char:end_char]` of the file. kind, role, words: see `Stated`."""

    kind: FactKind
    role: str
    words: str
    path: str
    document_id: UUID | None
    version_id: int
    start_char: int
    end_char: int
    start_line: int = 0
    end_line: int = 0


@dataclass(frozen=True)
class Language:
    """How much of a snapshot is in a language. share: of all lines of source code, from 0 to 1."""

    syntax: str
    file_count: int
    line_count: int
    share: float


@dataclass(frozen=True)
class Facts:
    """What a snapshot says of itself. Facts of the outermost files come first."""

    languages: tuple[Language, ...] = ()
    entry_points: tuple[Fact, ...] = ()
    commands: tuple[Fact, ...] = ()
    dependencies: tuple[Fact, ...] = ()
    licences: tuple[Fact, ...] = ()


@once_ready
def facts_of(snapshot: Snapshot) -> Facts:
    """Return what the files of the snapshot say of it, in a constant number of queries."""
    found = sorted(_found(snapshot), key=_outermost_first)
    tables = line_tables(fact.version_id for fact in found)
    placed: dict[FactKind, list[Fact]] = {kind: [] for kind in FactKind}
    for fact in found:
        if len(placed[fact.kind]) < FACTS_MAX:
            start, end = tables[fact.version_id].lines_of(fact.start_char, fact.end_char)
            placed[fact.kind].append(replace(fact, start_line=start, end_line=end))
    return Facts(
        tuple(languages_of(files_of(snapshot))),
        tuple(placed[FactKind.ENTRY]),
        tuple(placed[FactKind.COMMAND]),
        tuple(placed[FactKind.DEPENDENCY]),
        tuple(placed[FactKind.LICENCE]),
    )


def _outermost_first(fact: Fact) -> tuple[bool, int, str, int]:
    return aside(fact.path), fact.path.count("/"), fact.path, fact.start_char


def languages_of(files: Iterable[FileNode]) -> list[Language]:
    """Return the languages of the files that are read, the one with most lines first; data and prose are none."""
    lines: Counter[str] = Counter()
    counted: Counter[str] = Counter()
    for file in files:
        if file.read and file.syntax and file.syntax not in DATA:
            lines[file.syntax] += file.line_count
            counted[file.syntax] += 1
    total = lines.total() or 1
    ranked = sorted(lines, key=lambda syntax: (-lines[syntax], syntax))
    return [Language(syntax, counted[syntax], lines[syntax], round(lines[syntax] / total, 4)) for syntax in ranked]


def _found(snapshot: Snapshot) -> Iterator[Fact]:
    files = files_by_version(snapshot)
    named = {file.version_id: finder for file in files.values() if (finder := _finder(file.path))}
    for file, text in texts_of(file for version, file in files.items() if version in named):
        yield from (_fact(stated, file) for stated in named[file.version_id](text))
    yield from _python_mains(files)
    yield from _main_functions(files)


def _finder(path: str) -> Finder | None:
    if path.count("/") > DEPTH_MAX or aside(path):
        return None
    return next((finder for pattern, finder in FINDERS if pattern.search(path)), None)


def _python_mains(files: Mapping[int, FileNode]) -> Iterator[Fact]:
    """Yield the Python files that do something when they are run."""
    python = [version for version, file in files.items() if file.syntax == "python"]
    rows = VersionText.objects.filter(version__in=python, text__contains="__main__").values_list("version_id", "text")
    for version, text in rows.iterator(chunk_size=TEXTS_AT_ONCE):
        yield from (_fact(stated, files[version]) for stated in scripts.in_python(text))


def _main_functions(files: Mapping[int, FileNode]) -> Iterator[Fact]:
    """Yield the functions that other languages start with."""
    versions = [version for version, file in files.items() if file.syntax in MAIN_SYNTAXES]
    rows = Symbol.objects.filter(version__in=versions, name__in=("main", "Main"), kind__in=("function", "method"))
    for version, words, start, end in rows.values_list("version_id", "signature", "name_start_char", "name_end_char"):
        yield _fact(Stated(FactKind.ENTRY, "main function", words, start, end), files[version])


def _fact(stated: Stated, file: FileNode) -> Fact:
    place = stated.start_char, stated.end_char
    return Fact(stated.kind, stated.role, stated.words, file.path, file.document_id, file.version_id or 0, *place)
