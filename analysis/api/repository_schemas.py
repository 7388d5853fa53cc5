"""What goes in and out about code bases, as the OpenAPI schema states it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

from analysis.api.schemas import ErrorDetail, FolderId, Text
from analysis.models import Disposition, Origin
from analysis.repository.changed_symbols import SymbolChangeKind
from analysis.repository.changes import ChangeKind
from analysis.repository.running import FactKind
from analysis.repository.symbols import Nearness

Status = Literal["queued", "ingesting", "ready", "failed"]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class RulesIn(Schema):
    """What is read beyond the defaults, in the patterns of .gitignore. exclude wins over include.

    most_bytes: the largest file that is read.
    """

    model_config = ConfigDict(extra="forbid")

    include: list[Text] = []
    exclude: list[Text] = []
    most_bytes: int | None = None


class RepositoryIn(Schema):
    """A repository on a git server. ref: a branch, tag or commit; by default the server's own. token: for it."""

    model_config = ConfigDict(extra="forbid")

    url: Text
    ref: Text = ""
    token: Text = ""
    name: Text = ""
    folder_id: FolderId | None = None
    rules: RulesIn | None = None


class RepositoryChangeIn(Schema):
    """What is to be different; a field that is left out stays. token: never given out again; "" forgets it.

    rules: makes a new version of the same files.
    """

    model_config = ConfigDict(extra="forbid")

    name: Text | None = None
    url: Text | None = None
    ref: Text | None = None
    token: Text | None = None
    rules: RulesIn | None = None


class SnapshotIn(Schema):
    """What to fetch. ref: by default the repository's."""

    model_config = ConfigDict(extra="forbid")

    ref: Text = ""


class RepositorySummaryIn(Schema):
    """path: the folder or file that is summed up; "" for the whole repository."""

    model_config = ConfigDict(extra="forbid")

    path: Text = ""
    llm: Text = ""


class ChangesIn(Schema):
    """from, to: numbers of versions, the older first; by default the one before the current, and the current."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_: Number | None = Field(None, alias="from")
    to: Number | None = None
    llm: Text = ""


class SnapshotWarningOut(Schema):
    model_config = ConfigDict(extra="allow")

    code: str
    message: str
    path: str | None = None


class ByMeaningOut(Schema):
    """How many of a version's passages search by meaning reaches; waits_for: what keeps it from going on."""

    done: int
    total: int
    waits_for: str | None


class SnapshotOut(Schema):
    """A version of a repository. label: the beginning of its commit, else its number.

    stage: fetch, unpack, parse or index, of stage_done of stage_total files, or embed, of passages. browsable: its tree
    and its symbols can be read, although it may not be searchable yet. by_meaning: of a ready version, how far search
    by meaning has come; null once it reaches all, at vectors_at.
    """

    number: int
    label: str
    origin: Origin
    commit: str
    ref: str
    message: str
    committed_at: datetime | None
    status: Status
    stage: str | None
    stage_done: int
    stage_total: int
    progress: float
    browsable: bool
    files: int
    lines: int
    size_bytes: int
    tokens: int
    by_meaning: ByMeaningOut | None
    warnings: list[SnapshotWarningOut]
    error: ErrorDetail | None
    created_at: datetime
    ready_at: datetime | None
    vectors_at: datetime | None


class SnapshotPage(Schema):
    items: list[SnapshotOut]
    count: int


class RulesOut(Schema):
    include: list[str]
    exclude: list[str]
    most_bytes: int


class RepositoryOut(Schema):
    """A repository. status: of its newest version. snapshot: the version that is searched, null before the first is
    ready. has_token: one is kept; it is never given out."""

    id: UUID
    name: str
    workspace: str
    url: str
    ref: str
    has_token: bool
    folder_id: int | None
    rules: RulesOut
    status: Status
    snapshot: SnapshotOut | None
    newest: SnapshotOut | None
    added_at: datetime


class RepositoryPage(Schema):
    items: list[RepositoryOut]
    count: int


class FolderSumsOut(Schema):
    """file_count and size_bytes are of all files below, line_count and tokens of those that are read."""

    path: str
    name: str
    file_count: int
    read_count: int
    line_count: int
    size_bytes: int
    tokens: int
    dispositions: dict[Disposition, int]


class TreeFileOut(Schema):
    """disposition: `read`, or why the file is not. document_id: null unless it is read."""

    path: str
    name: str
    disposition: Disposition
    size_bytes: int
    line_count: int
    tokens: int
    syntax: str
    document_id: UUID | None


class TreeOut(FolderSumsOut):
    """A folder with what stands in it; of its folders only the sums. snapshot: the version's number."""

    snapshot: int
    folders: list[FolderSumsOut]
    files: list[TreeFileOut]


class SecretOut(Schema):
    """A key, token or password: `text[start_char:end_char]` of the file. Prompts have it masked."""

    kind: str
    line: int
    start_char: int
    end_char: int


class FileOut(Schema):
    """Lines of a file, start_line and end_line inside: `text[start_char:end_char]` of the document's version.

    secrets: those that begin on these lines.
    """

    path: str
    snapshot: int
    document_id: UUID
    syntax: str
    line_count: int
    start_line: int
    end_line: int
    start_char: int
    end_char: int
    text: str
    secrets: list[SecretOut]


class SymbolOut(Schema):
    """A definition. path: its file's; symbol: its name with those of what it stands in. line: that of its name.

    depth: in the outline of a file, how many symbols it stands in.
    """

    path: str
    document_id: UUID
    kind: str
    name: str
    symbol: str
    signature: str
    doc: str
    start_line: int
    end_line: int
    line: int
    start_char: int
    end_char: int
    depth: int


class DefinitionOfNameOut(SymbolOut):
    """nearness: to the place that was asked from; null if none was given."""

    nearness: Nearness | None


class UseOut(Schema):
    """A use of a name: `text[start_char:end_char]`. words: its line. symbol: what it stands in, "" at the top."""

    line: int
    start_char: int
    end_char: int
    words: str
    symbol: str


class FileUsesOut(Schema):
    """count: how many uses the file has; places: the first of them, as far as `limit` goes."""

    path: str
    document_id: UUID
    count: int
    places: list[UseOut]


class ReferencesOut(Schema):
    name: str
    count: int
    files: list[FileUsesOut]


class ModuleOut(Schema):
    """A folder with all below it, or a file. own: of a folder whose folders are listed too, only its own files.

    layer: 0 for what imports no other module, else one more than the highest that it imports. cycle: the number of the
    cycle it is in, 0 for none.
    """

    path: str
    folder: bool
    own: bool
    file_count: int
    line_count: int
    layer: int
    cycle: int


class LinkOut(Schema):
    """source imports target, in so many pairs of files."""

    source: str
    target: str
    imports: int


class DependencyOut(Schema):
    """Code of others, by the name it is imported under. file_count: how many files import it."""

    name: str
    file_count: int


class ModulesOut(Schema):
    """cycles: paths of modules that import each other."""

    modules: list[ModuleOut]
    links: list[LinkOut]
    cycles: list[list[str]]
    dependencies: list[DependencyOut]


class LanguageOut(Schema):
    """share: of all lines of source code, from 0 to 1."""

    syntax: str
    file_count: int
    line_count: int
    share: float


class FactOut(Schema):
    """A fact and the lines that state it. role: the kind of entry point, what a command is for, when it is needed."""

    kind: FactKind
    role: str
    words: str
    path: str
    document_id: UUID
    start_line: int
    end_line: int
    start_char: int
    end_char: int


class OverviewOut(Schema):
    """What the repository says of itself, each fact with its lines; no language model is asked."""

    snapshot: int
    languages: list[LanguageOut]
    entry_points: list[FactOut]
    commands: list[FactOut]
    dependencies: list[FactOut]
    licences: list[FactOut]


class DiffLineOut(Schema):
    """mark: " " in both, "-" before, "+" after. Lines count from 1."""

    mark: Literal[" ", "-", "+"]
    old_line: int | None
    new_line: int | None
    text: str


class HunkOut(Schema):
    old_line: int
    new_line: int
    lines: list[DiffLineOut]


class FileChangeOut(Schema):
    """A file that differs. old_path: where a renamed file was. similarity: how much of it stayed.

    hunks: only where `path` asked for the file.
    """

    kind: ChangeKind
    path: str
    old_path: str | None
    added: int
    removed: int
    similarity: float
    hunks: list[HunkOut] | None


class SymbolChangeOut(Schema):
    """A symbol that differs: added, removed, declared otherwise (`signature`) or filled otherwise (`body`)."""

    kind: SymbolChangeKind
    path: str
    symbol: str
    symbol_kind: str
    old_signature: str
    new_signature: str
    old_line: int | None
    new_line: int | None


class ChangesOut(Schema):
    """What lies between two versions."""

    model_config = ConfigDict(populate_by_name=True)

    from_: int = Field(alias="from")
    to: int
    added: int
    removed: int
    files: list[FileChangeOut]
    symbols: list[SymbolChangeOut]
