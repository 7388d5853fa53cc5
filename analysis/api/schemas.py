"""What goes in and out, as the OpenAPI schema states it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field

from analysis.types import Aim, Extent, Mode

DOCUMENT_IDS_MAX = 1000


def _storable(text: str) -> str:
    """Return `text`; raises ValueError for characters that PostgreSQL cannot keep."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("The text holds characters that are not valid Unicode text")
    return text


Text = Annotated[str, AfterValidator(_storable)]
DocumentIds = Annotated[list[UUID], Field(max_length=DOCUMENT_IDS_MAX)]
FolderId = Annotated[int, Field(ge=1, le=2**63 - 1)]
FolderIds = Annotated[list[FolderId], Field(max_length=DOCUMENT_IDS_MAX)]
RepositoryIds = Annotated[list[UUID], Field(max_length=DOCUMENT_IDS_MAX)]


class ErrorDetail(Schema):
    code: str
    message: str


class ErrorOut(Schema):
    error: ErrorDetail


RoleName = Literal["owner", "admin", "editor", "reviewer", "viewer"]


class WorkspaceOut(Schema):
    slug: str
    name: str
    role: RoleName


class WorkspaceFactsOut(WorkspaceOut):
    personal: bool
    keep_reasoning: bool
    created_at: datetime
    archived_at: datetime | None


class WorkspaceIn(Schema):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[Text, Field(min_length=1, max_length=120)]


class WorkspaceChangeIn(Schema):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[Text, Field(min_length=1, max_length=120)] | None = None
    keep_reasoning: bool | None = None
    archived: bool | None = None


class MemberOut(Schema):
    id: int
    email: str
    name: str
    role: RoleName
    guest: bool
    joined_at: datetime


class MemberPage(Schema):
    items: list[MemberOut]
    count: int


class MemberChangeIn(Schema):
    model_config = ConfigDict(extra="forbid")

    role: RoleName


class InviteOut(Schema):
    id: int
    email: str
    role: RoleName
    guest: bool
    folder_ids: list[int]
    invited_by: str
    expires_at: datetime


class InvitedOut(InviteOut):
    link: str | None


class InvitePage(Schema):
    items: list[InviteOut]
    count: int


class InviteIn(Schema):
    """email: "" for a link, which is in the answer and nowhere else."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[Text, Field(max_length=254)] = ""
    role: RoleName = "viewer"
    days: Annotated[int, Field(ge=1, le=90)] = 7
    note: Annotated[Text, Field(max_length=500)] = ""
    guest: bool = False
    folder_ids: FolderIds = []


class WarningOut(Schema):
    code: str
    message: str
    page_number: int | None = None


class DocumentOut(Schema):
    """A document. progress: 0 to 1 over all stages; stage_done of stage_total: pages or chunks of the stage.

    repository_id, path: of a file of a repository. folder_id: where it lies, null at the top.
    """

    id: UUID
    name: str
    workspace: str
    status: Literal["queued", "ingesting", "ready", "failed"]
    stage: str | None
    stage_done: int
    stage_total: int
    progress: float
    kind: str | None
    repository_id: UUID | None
    path: str | None
    folder_id: int | None
    size_bytes: int
    pages: int
    characters: int
    tokens: int
    warnings: list[WarningOut]
    error: ErrorDetail | None
    uploaded_at: datetime


class DocumentPage(Schema):
    items: list[DocumentOut]
    count: int


class UploadedOut(Schema):
    """One file of an upload: the document it became, or why it was not taken."""

    id: UUID | None = None
    name: str
    status: str
    duplicate: bool = False
    error: ErrorDetail | None = None


class TextOut(Schema):
    text: str
    start_char: int
    end_char: int


class DefinitionOut(Schema):
    """A place that defines a term. points: it only says where the definition is."""

    term: str
    term_start_char: int
    term_end_char: int
    start_char: int
    end_char: int
    points: bool


class TermOut(Schema):
    """A defined term. uses: how often it stands in the text, in whatever form, its definitions not counted."""

    term: str
    uses: int
    definitions: list[DefinitionOut]


class UndefinedTermOut(Schema):
    """A phrase that is used as a term and not defined. start_char, end_char: its first use."""

    term: str
    uses: int
    start_char: int
    end_char: int


class TermsOut(Schema):
    terms: list[TermOut]
    undefined: list[UndefinedTermOut]


class ReferenceOut(Schema):
    """Words that refer to a part of a document. target_*: null unless aim is `here`."""

    label: str
    aim: Aim
    start_char: int
    end_char: int
    target_start_char: int | None
    target_end_char: int | None


class ReferencePage(Schema):
    items: list[ReferenceOut]
    count: int


class TableOut(Schema):
    """A table. confidence: 1 where the file states rows and columns, below where they were seen on the page."""

    number: int
    page_number: int
    start_char: int
    end_char: int
    rows: int
    columns: int
    caption: str
    confidence: float


class TablePage(Schema):
    items: list[TableOut]
    count: int


class CellOut(Schema):
    """A cell with words; rows and columns count from 0. header: it names what stands under it or beside it."""

    row: int
    column: int
    row_span: int
    column_span: int
    start_char: int
    end_char: int
    header: bool
    text: str


class WholeTableOut(TableOut):
    """headers: of the columns, where the table goes on from the page before and has none itself; else empty."""

    cells: list[CellOut]
    headers: list[str]


class HitOut(Schema):
    """A passage. repository_id, path, start_line, end_line: of a file of a repository; null and 0 for documents."""

    document_id: UUID
    document_name: str
    start_char: int
    end_char: int
    page_number: int
    heading_path: str
    text: str
    score: float
    repository_id: UUID | None
    path: str | None
    start_line: int
    end_line: int


class LLMOut(Schema):
    """A language model. vision: it can read page images."""

    id: str
    name: str
    family: str
    window_tokens: int
    max_output_tokens: int
    price_in_usd_per_million: float
    price_cached_usd_per_million: float
    price_out_usd_per_million: float
    self_hosted: bool
    vision: bool
    default: bool


class PlanIn(Schema):
    """A question and what it is put to. path: the folder or file of the one repository that it is about.

    folder_ids: documents and repositories in these folders of the workspace, and in those below them.
    """

    model_config = ConfigDict(extra="forbid")

    text: Text
    document_ids: DocumentIds = []
    repository_ids: RepositoryIds = []
    folder_ids: FolderIds = []
    path: Annotated[Text, Field(max_length=1000)] = ""
    mode: Mode = Mode.AUTO
    llm: Text = ""


class QuestionIn(PlanIn):
    """A question. Neither document_ids nor repository_ids nor folder_ids: put to all of the workspace that you see.

    parent_id: what it follows up. shared: whether others see it, as far as they see what it is put to.

    llms: two or more to answer it side by side, in place of llm.
    """

    parent_id: UUID | None = None
    shared: bool = True
    llms: Annotated[list[Text], Field(max_length=20)] = []


class AgainIn(Schema):
    model_config = ConfigDict(extra="forbid")

    mode: Mode = Mode.AUTO
    llm: Text = ""


class SummaryIn(Schema):
    model_config = ConfigDict(extra="forbid")

    llm: Text = ""


class PackedFileOut(Schema):
    """A file of a repository in a plan of mode `packed`. tokens: what it takes in that extent."""

    document_id: UUID
    path: str
    extent: Extent
    tokens: int
    why: str


class PlanOut(Schema):
    """How the documents will be read; expected_seconds is to the first word. files: of mode `packed`, in order."""

    model_config = ConfigDict(extra="allow")

    mode: str
    requested: str
    why: str
    llm: str
    document_ids: list[str]
    document_tokens: int
    prompt_tokens: int
    cached_tokens: int
    window_tokens: int
    output_tokens: int
    expected_seconds: float
    cost_usd_cold: float
    cost_usd_cached: float
    exact: bool
    parts: int
    parts_cached: int
    files: list[PackedFileOut] = []


class AskedAnswerOut(Schema):
    """An answer that will be written. plan: null while the documents are still being read in."""

    answer_id: UUID
    number: int
    llm: str
    status: str
    plan: PlanOut | None


class AskedOut(AskedAnswerOut):
    """A question that was taken, with its first answer. answers: one for each language model that was asked."""

    id: UUID
    answers: list[AskedAnswerOut]


class StoppedOut(Schema):
    id: UUID
    answer_id: UUID
    status: str


class SentenceOut(Schema):
    """A sentence of the answer. supported: null where there is nothing to support. citations: indices."""

    text: str
    start_char: int
    end_char: int
    supported: bool | None
    reason: str
    citations: list[int]


class MarkOut(Schema):
    page_number: int
    rectangles: list[list[float]]


class CitationOut(Schema):
    """A checked place: quote is `text[start_char:end_char]` of the document. rectangles: [x0, y0, x1, y1].

    place: as it is cited, "page 3" or, of a recording, "12:34". start_seconds, end_seconds: when it is spoken there.
    """

    document_id: UUID
    document_name: str
    version: int
    start_char: int
    end_char: int
    quote: str
    page_number: int
    place: str
    rectangles: list[list[float]]
    pages: list[MarkOut]
    start_seconds: float | None
    end_seconds: float | None
    score: float
    path: str | None
    start_line: int
    end_line: int
    repository_id: UUID | None
    snapshot: int | None
    commit: str | None
    stale: bool


class FindingOut(Schema):
    """A place that a sweep found: quote is `text[start_char:end_char]` of the document. index: which of its part."""

    document_id: UUID
    document_name: str
    start_char: int
    end_char: int
    quote: str
    page_number: int
    place: str
    note: str
    part: int
    index: int


class PartsOut(Schema):
    """How many parts of a sweep are settled, read or failed."""

    done: int
    total: int


class CoverageOut(Schema):
    """What was read. complete: every character of every document was, so that what was not found is not there.

    pages_*: [first, last] ranges of the one document, if it is one; `documents` has them for each, in `pages` by how
    they were read. parts: of a sweep.
    """

    model_config = ConfigDict(extra="allow")

    characters_total: int
    characters_read: int
    pages_read: list[list[int]]
    pages_skipped: list[list[int]]
    tokens_sent: int
    tokens_cached: int
    complete: bool


class UsageOut(Schema):
    """What an answer took. completion_tokens includes reasoning_tokens; saved_usd: by the endpoint's cache."""

    model_config = ConfigDict(extra="allow")

    llm: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cost_usd: float
    saved_usd: float
    seconds_to_first_token: float
    seconds: float


class AnswerOut(Schema):
    """A question or summary with its latest answer. id: the question's."""

    id: UUID
    answer_id: UUID
    number: int
    purpose: Literal["question", "summary", "changes"]
    text: str
    document_ids: list[UUID]
    repository_ids: list[UUID]
    path: str
    across_workspace: bool
    parent_id: UUID | None
    status: Literal["waiting", "queued", "running", "done", "stopped", "failed"]
    stage: str | None
    mode: str | None
    mode_requested: str
    answer: str
    sentences: list[SentenceOut]
    citations: list[CitationOut]
    findings: list[FindingOut]
    parts: PartsOut | None
    reasoning: str
    coverage: CoverageOut
    usage: UsageOut
    plan: PlanOut | None
    error: ErrorDetail | None
    shared: bool
    approved_at: datetime | None
    approved_by: str | None
    created_at: datetime
    finished_at: datetime | None


class QuestionOut(Schema):
    id: UUID
    purpose: Literal["question", "summary", "changes"]
    text: str
    status: str
    asked_by: str | None
    document_ids: list[UUID]
    repository_ids: list[UUID]
    path: str
    across_workspace: bool
    shared: bool
    approved: bool
    created_at: datetime


class QuestionPage(Schema):
    items: list[QuestionOut]
    count: int


class UsageTotals(Schema):
    """Sums over calls. prompt_tokens includes cached_tokens, completion_tokens includes reasoning_tokens."""

    calls: int
    failed: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cost_usd: float
    saved_usd: float
    seconds: float


class UsageLine(UsageTotals):
    """key: the day, the person's or document's id, the language model, the purpose; null for several or none."""

    key: str | None
    label: str


class WorkspaceUsageOut(Schema):
    first_day: date
    last_day: date
    total: UsageTotals
    by_day: list[UsageLine]
    by_person: list[UsageLine]
    by_document: list[UsageLine]
    by_llm: list[UsageLine]
    by_purpose: list[UsageLine]


class ClauseValueOut(Schema):
    """What a clause states. normal: a date or duration in ISO 8601, "1000000 USD", "10 %", an ISO 3166 code, a name."""

    kind: str
    normal: str
    start_char: int
    end_char: int
    note: str


class ClausePlaceOut(Schema):
    """A place of a clause. probability: that it is the clause, calibrated."""

    start_char: int
    end_char: int
    page_number: int
    quote: str
    probability: float
    value: ClauseValueOut | None


class WorkedOutOut(Schema):
    """A date that no sentence states: it follows from the two places."""

    value: str
    from_: list[ClausePlaceOut] = Field(alias="from")


class ClauseOut(Schema):
    """A kind of clause. found: a place is at least as probable as the threshold. probability: of the best place."""

    id: str
    title: str
    found: bool
    probability: float
    places: list[ClausePlaceOut]
    worked_out: WorkedOutOut | None


class ClausesOut(Schema):
    """A document gone through by a checklist. receipt: what was read, which is what an absent clause rests on."""

    id: UUID | None
    document_id: UUID
    document_name: str
    status: Literal["none", "queued", "running", "done", "failed"]
    threshold: float
    clauses: list[ClauseOut]
    receipt: dict[str, object]
    error: ErrorDetail | None


class HookIn(Schema):
    """A web hook. events: the kinds that it is told of; none for all but the audit log, which has to be chosen."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Text, Field(min_length=1, max_length=120)]
    url: Text
    events: list[Text] = []


class HookOut(Schema):
    """A web hook. paused_at: since when nothing is sent; paused_because: why, where nobody has paused it."""

    id: int
    name: str
    url: str
    events: list[str]
    created_at: datetime
    paused_at: datetime | None
    paused_because: str


class NewHookOut(HookOut):
    secret: str


class DeliveryOut(Schema):
    """One event for one web hook. id: its `webhook-id`. status: of the last response; error: what went wrong."""

    id: UUID
    event: str
    payload: dict[str, object]
    state: Literal["waiting", "delivered", "failed"]
    attempts: int
    created_at: datetime
    next_at: datetime | None
    tried_at: datetime | None
    status: int | None
    error: str
    milliseconds: int | None


class DeliveryPage(Schema):
    items: list[DeliveryOut]
    count: int
