"""Which files of a repository are read, and why the others are not: first by path, then by what is in them.

The names of reasons are those of `analysis.models.Disposition`, which the child process cannot load.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any, Self

from pathspec import GitIgnoreSpec

from analysis.errors import UserError
from analysis.ingest.parse.kind import is_text
from analysis.ingest.unpack import messages

DEFAULT_MOST_BYTES = 2**20
# Above this a single file would keep a parser busy for minutes.
LARGEST_MOST_BYTES = 16 * 2**20
MOST_PATTERNS, MOST_PATTERN_CHARACTERS = 500, 500
GIT_RULES, OWN_RULES = ".gitignore", ".lecternignore"

# Never part of a snapshot: what version control and operating systems keep beside the files.
NO_PART = frozenset([".git", ".hg", ".svn", ".bzr", "__MACOSX", ".DS_Store", "Thumbs.db"])
_VENDORED = frozenset(
    """node_modules bower_components jspm_packages vendor vendors _vendor third_party third-party thirdparty 3rdparty
    site-packages dist-packages pods carthage godeps .venv venv virtualenv .tox .nox .eggs .yarn .gradle .bundle
    __pypackages__""".split()
)
_LOCKS = frozenset(
    """package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb deno.lock poetry.lock uv.lock
    pdm.lock pipfile.lock pixi.lock cargo.lock gemfile.lock composer.lock go.sum go.work.sum mix.lock pubspec.lock
    podfile.lock cartfile.resolved package.resolved packages.lock.json paket.lock gradle.lockfile flake.lock conan.lock
    .terraform.lock.hcl chart.lock""".split()
)
_GENERATED_NAME = re.compile(
    r"(_pb2(_grpc)?\.pyi?|\.pb(\.gw)?\.go|_grpc\.pb\.go|\.pb\.(cc|h|swift)|\.g\.(dart|cs|i\.cs)|\.freezed\.dart"
    r"|\.designer\.(cs|vb)|[._]generated\.\w+|^zz_generated\..*)$",
    re.I,
)
_MINIFIED_NAME = re.compile(r"[.-]min\.(js|mjs|cjs|css)$|\.(js|css|mjs)\.map$", re.I)
# Formats whose lines people do not break: a long line says nothing about who wrote it.
_PROSE = frozenset(".md .markdown .mdown .rst .txt .adoc .org .tex .po .pot .ipynb .csv .tsv".split())
_MINIFIED_FROM_BYTES = 4_000
_MINIFIED_LINE_BYTES = 300
_HEADER_LINES = 30
_COMMENT = re.compile(r"^\s*(#|//|/\*|\*|<!--|--|;|%|\"|'|REM\b|\(\*)", re.I)
_SAYS_GENERATED = re.compile(
    r"@generated\b|\bcode generated\b|\b(?:auto|automatically|machine)[ -]?generated\b"
    r"|^\W*(?:this (?:file|code|module) (?:is|was|has been) |file )?(?:auto)?generated"
    r" (?:by|from|with|using|automatically)\b",
    re.I,
)
# A framework writes migrations once; from then on they are source, read and changed by people.
_MIGRATIONS = re.compile(r"(^|/)(migrations?|db/migrate|alembic/versions)/", re.I)
_LARGE_FILE_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True)
class Rules:
    """What people have set for a repository beyond the defaults, in the patterns of .gitignore.

    include: read although a default or a rule of the repository leaves it out. exclude: not read; it wins over include.
    most_bytes: the largest file that is read.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    most_bytes: int = DEFAULT_MOST_BYTES

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """Return the rules that `fields` holds, as `as_json` gave them; raises UserError bad_rules."""
        unknown = set(fields) - {"include", "exclude", "most_bytes"}
        if unknown:
            raise UserError(messages.unknown_rules(unknown), code="bad_rules")
        most_bytes = fields.get("most_bytes", DEFAULT_MOST_BYTES)
        if not isinstance(most_bytes, int) or isinstance(most_bytes, bool) or not 0 < most_bytes <= LARGEST_MOST_BYTES:
            raise UserError(messages.BAD_SIZE.format(LARGEST_MOST_BYTES >> 20), code="bad_rules")
        return cls(_patterns(fields.get("include", ())), _patterns(fields.get("exclude", ())), most_bytes)

    def as_json(self) -> dict[str, Any]:
        """Return the rules as they are kept."""
        return asdict(self) | {"include": list(self.include), "exclude": list(self.exclude)}


def _patterns(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the lines that say something; raises UserError bad_rules for what is no pattern."""
    if isinstance(lines, str) or not all(isinstance(line, str) for line in lines):
        raise UserError(messages.BAD_PATTERNS, code="bad_rules")
    kept = tuple(line.strip() for line in lines if line.strip())
    if len(kept) > MOST_PATTERNS or any(len(line) > MOST_PATTERN_CHARACTERS for line in kept):
        raise UserError(messages.BAD_PATTERNS, code="bad_rules")
    for line in kept:
        _spec([line])
    return kept


def _spec(lines: Sequence[str]) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise UserError(messages.BAD_PATTERNS, code="bad_rules") from error


class PathRules:
    """What the paths of a snapshot's files decide. ignore_files: of each folder ("" for the top), its rules' lines."""

    def __init__(self, rules: Rules, ignore_files: Mapping[str, Sequence[str]]) -> None:
        self._include, self._exclude = _spec(rules.include), _spec(rules.exclude)
        self._ignored = {folder: _lenient(lines) for folder, lines in ignore_files.items()}
        self._folders: dict[str, bool] = {"": False}

    def included(self, path: str) -> bool:
        """Return whether people have asked for the file."""
        return self._include.match_file(path)

    def reason(self, path: str) -> str:
        """Return why the file is not read, "" if its path does not say."""
        if self._exclude.match_file(path):
            return "excluded"
        if self.included(path):
            return ""
        if self._is_ignored(path):
            return "ignored"
        return _usual_reason(path)

    def _is_ignored(self, path: str) -> bool:
        # As git has it: a file in a folder that is ignored cannot be taken back.
        folder = path.rpartition("/")[0]
        return self._folder_ignored(folder) or self._matched(path, path)

    def _folder_ignored(self, folder: str) -> bool:
        if folder not in self._folders:
            above = folder.rpartition("/")[0]
            self._folders[folder] = self._folder_ignored(above) or self._matched(folder, folder + "/")
        return self._folders[folder]

    def _matched(self, path: str, as_named: str) -> bool:
        """Return what the nearest rule says of the path; rules of deeper folders go before those above."""
        parents = [*map(str, PurePosixPath(path).parents)]
        for folder in ("" if parent == "." else parent for parent in parents):
            spec = self._ignored.get(folder)
            if spec is None:
                continue
            said = spec.check_file(as_named[len(folder) + 1 :] if folder else as_named).include
            if said is not None:
                return said
        return False


def _lenient(lines: Sequence[str]) -> GitIgnoreSpec:
    """Return the rules of a file in the repository, without the lines that are no patterns."""
    kept = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        kept.append(line)
    return GitIgnoreSpec.from_lines(kept)


def _usual_reason(path: str) -> str:
    *folders, name = path.lower().split("/")
    if not _VENDORED.isdisjoint(folders):
        return "vendored"
    if name in _LOCKS:
        return "lock"
    if _GENERATED_NAME.search(name):
        return "generated"
    return "minified" if _MINIFIED_NAME.search(name) else ""


def no_part(path: str) -> bool:
    """Return whether the path belongs to version control or the operating system, not to the repository."""
    return not NO_PART.isdisjoint(path.split("/"))


def content_reason(path: str, head: bytes, size_bytes: int, line_count: int, *, included: bool) -> str:
    """Return why a file is not read by what is in it, "" if nothing is against it.

    head: its first bytes. included: people have asked for it, so only what cannot be read as text is left out.
    """
    if not is_text(head) or head.startswith(_LARGE_FILE_POINTER):
        return "binary"
    if included:
        return ""
    if _is_generated(path, head.decode("utf-8", "replace")):
        return "generated"
    return "minified" if _is_minified(path, size_bytes, line_count) else ""


def is_large_file_pointer(head: bytes) -> bool:
    """Return whether the file only points to one that git LFS keeps elsewhere."""
    return head.startswith(_LARGE_FILE_POINTER)


def _is_generated(path: str, head: str) -> bool:
    if _MIGRATIONS.search(path):
        return False
    comments = [line for line in head.splitlines()[:_HEADER_LINES] if _COMMENT.match(line)]
    return any(_SAYS_GENERATED.search(_COMMENT.sub("", line, count=1)) for line in comments)


def _is_minified(path: str, size_bytes: int, line_count: int) -> bool:
    prose = PurePosixPath(path).suffix.lower() in _PROSE
    return not prose and size_bytes >= _MINIFIED_FROM_BYTES and size_bytes > _MINIFIED_LINE_BYTES * max(1, line_count)
