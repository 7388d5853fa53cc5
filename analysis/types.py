"""What the stages hand to each other. Frozen, plain, and free of Django.

Offsets are half-open and count characters of a document version's canonical text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag, StrEnum
from typing import Any, NamedTuple

# Between the headings of a heading path, outermost first; of source code the file's path and its symbols.
PATH_SEPARATOR = " > "


class Span(NamedTuple):
    """`text[start_char:end_char]`."""

    start_char: int
    end_char: int


class PageSource(StrEnum):
    """Where a page's text came from."""

    TEXT = "text"  # the file's own characters
    OCR = "ocr"  # read from the page image
    BLANK = "blank"  # nothing on it to read
    UNREADABLE = "unreadable"  # something is on it, and it could not be read


@dataclass(frozen=True)
class ParsedPage:
    """One page: its span and, for paged formats, where each character stands.

    width, height: in points as displayed (after rotation); 0 for a format without pages of its own.
    boxes: `analysis.ingest.boxes.encode` of float[n, 4], one row per character of the span; None without an image.
    """

    number: int
    start_char: int
    end_char: int
    source: PageSource = PageSource.TEXT
    width: float = 0.0
    height: float = 0.0
    boxes: bytes | None = None


@dataclass(frozen=True)
class ParsedHeading:
    """A heading and the section it opens.

    level: 1 is the outermost. label: the section number as printed ("4.2", "Article IV"), "" if none.
    start_char, end_char: the heading's own words. section_end_char: where the next heading of its level or above is.
    """

    level: int
    label: str
    title: str
    start_char: int
    end_char: int
    section_end_char: int


@dataclass(frozen=True)
class TableCell:
    """A cell with words in it, and its place in the table's grid; rows and columns count from 0.

    row_span, column_span: how many it reaches over. header: it names what stands under it, or beside it. A position of
    the grid without a cell is empty.
    """

    row: int
    column: int
    row_span: int
    column_span: int
    start_char: int
    end_char: int
    header: bool = False


@dataclass(frozen=True)
class ParsedTable:
    """A table: its span, row by row, and its cells in the order of the text.

    caption: the line before it that says what it shows and in which units; None if there is none.
    confidence: in [0, 1]; 1 where the file states rows and columns or lines close them, below where they were guessed.
    headers: what stands over each column of the table that this one goes on from, on the page before; empty if it is
    no such part.
    """

    start_char: int
    end_char: int
    row_count: int
    column_count: int
    cells: tuple[TableCell, ...]
    caption: Span | None = None
    confidence: float = 1.0
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Warning:
    """Something a reader must know about how a document was read. `page_number` is None for the whole document."""

    code: str
    message: str
    page_number: int | None = None


@dataclass(frozen=True)
class ParsedSymbol:
    """A definition in source code. `text[start_char:end_char]` holds its decorators and its doc comment too.

    kind: module, class, interface, struct, enum, trait, function, method, constructor, property, field, constant,
    type, macro, table, rule, key or section. path: the name with those of what it stands in ("Session.request").
    signature: its head on one line. name_*: the name alone. parent: the index of the symbol that it stands in, None
    at the top. doc: its doc comment or docstring.
    """

    kind: str
    name: str
    path: str
    signature: str
    start_char: int
    end_char: int
    name_start_char: int
    name_end_char: int
    parent: int | None = None
    doc: Span | None = None


@dataclass(frozen=True)
class ParsedImport:
    """A statement that brings in other code. module: as it is written ("..adapters", "./foo", "github.com/x/y").

    names: what is taken from it, none for all of it.
    """

    module: str
    names: tuple[str, ...]
    start_char: int
    end_char: int


@dataclass(frozen=True)
class ParsedSecret:
    """A key, token or password in a file: `text[start_char:end_char]`. kind: what it opens, in words."""

    kind: str
    start_char: int
    end_char: int


@dataclass(frozen=True)
class ParsedCode:
    """What a source file says about itself.

    syntax: the language by its name in syntaxes.toml, "" for prose and for what has no grammar. symbols: in the order
    of the text, a symbol before those that stand in it. uses: for each identifier that is not a definition's own
    name, where it starts, in order. cells: of a notebook, each a span.
    """

    syntax: str = ""
    symbols: tuple[ParsedSymbol, ...] = ()
    uses: dict[str, tuple[int, ...]] = field(default_factory=dict)
    imports: tuple[ParsedImport, ...] = ()
    secrets: tuple[ParsedSecret, ...] = ()
    cells: tuple[Span, ...] = ()


@dataclass(frozen=True)
class ParsedDocument:
    """What parsing makes of a file: one canonical text, and spans into it.

    kind: pdf, docx, html, markdown, text, email, code. metadata: title, author, dates as the file states them,
    tracked changes and how they were settled, form fields, outline. Pages cover the text in order and do not overlap.
    code: what is known of a file of a repository; None for documents.
    """

    kind: str
    text: str
    pages: list[ParsedPage]
    headings: list[ParsedHeading]
    metadata: dict[str, Any] = field(default_factory=dict)
    warnings: list[Warning] = field(default_factory=list)
    tables: list[ParsedTable] = field(default_factory=list)
    code: ParsedCode | None = None


@dataclass(frozen=True)
class Party:
    """A party to a contract. name: `text[start_char:end_char]`. roles: the short names it gets ("Supplier", "Acme")."""

    name: str
    roles: tuple[str, ...]
    start_char: int
    end_char: int


@dataclass(frozen=True)
class Identity:
    """What a document calls itself. title: `text[start_char:end_char]`, "" if none was found."""

    title: str = ""
    start_char: int = 0
    end_char: int = 0
    parties: tuple[Party, ...] = ()


@dataclass(frozen=True)
class DefinedTerm:
    """A term where it is defined. start_char, end_char: its words inside the quotation marks.

    definition_*: the whole definition, sub-clauses included, or the clause that is given a name. points: nothing is
    said but where the definition is ("has the meaning set forth in Section 4.2"). uses: how often the term is used
    beside its definitions, in whatever form.
    """

    term: str
    start_char: int
    end_char: int
    definition_start_char: int
    definition_end_char: int
    points: bool = False
    uses: int = 0


@dataclass(frozen=True)
class UndefinedTerm:
    """A capitalised phrase that is used as a term and defined nowhere. start_char, end_char: its first use."""

    term: str
    start_char: int
    end_char: int
    uses: int


class Aim(StrEnum):
    """Where a cross-reference leads."""

    HERE = "here"  # to a place in this document
    ELSEWHERE = "elsewhere"  # to another agreement, or to a law
    NOWHERE = "nowhere"  # to a place that this document should have and has not


@dataclass(frozen=True)
class CrossReference:
    """Words that refer to a part of a document: "Section 4.2(b)", of "Sections 3 and 4" one for each.

    label: the part as it is called in full ("Section 4"). target_*: its span; None unless it is in this document.
    """

    start_char: int
    end_char: int
    label: str
    aim: Aim
    target_start_char: int | None = None
    target_end_char: int | None = None


@dataclass(frozen=True)
class Understanding:
    """What a document says about itself. language: the ISO 639-1 code of what most of it is in, "" if unknown."""

    language: str = ""
    identity: Identity = field(default_factory=Identity)
    terms: tuple[DefinedTerm, ...] = ()
    undefined_terms: tuple[UndefinedTerm, ...] = ()
    references: tuple[CrossReference, ...] = ()


@dataclass(frozen=True)
class ChunkSpan:
    """A piece of canonical text made for retrieval. token_count: by the embedder's own tokenizer."""

    ordinal: int
    start_char: int
    end_char: int
    heading_path: str
    token_count: int


class Standing(IntFlag):
    """Where in a document a term stands that may name the document."""

    BODY = 0
    OPENING = 1  # its first lines, which name the parties, the place and the date
    IDENTITY = 2  # its title, or the name or short name of a party


@dataclass(frozen=True)
class Hit:
    """A retrieved passage. score: higher is better; comparable within one search only.

    repository_id, start_line, end_line: of a file of a repository, lines counted from 1, both inside; else "" and 0.
    core: of such a file, the lines in the passage that match best, few enough to be quoted; None of a document.
    """

    document_id: str
    document_name: str
    version_id: int
    start_char: int
    end_char: int
    page_number: int
    text: str
    score: float
    heading_path: str = ""
    repository_id: str = ""
    start_line: int = 0
    end_line: int = 0
    core: Span | None = None

    @property
    def lines(self) -> str:
        """Return the lines of a file as people write them, "12-40" or "12"; "" of a document."""
        return lines_in_words(self.start_line, self.end_line)

    @property
    def symbol(self) -> str:
        """Return the definition that the passage is of, "Session > request(self, method)"; "" if it is of none."""
        return self.heading_path.partition(PATH_SEPARATOR)[2] if self.start_line else ""


def lines_in_words(start_line: int, end_line: int) -> str:
    """Return lines as they are cited: "12-18", of one line "12"; "" where there are none."""
    return "" if not start_line else str(start_line) if end_line <= start_line else f"{start_line}-{end_line}"


@dataclass(frozen=True)
class Rectangle:
    """A box on a page, as fractions of its width and height, origin top left."""

    x0: float
    y0: float
    x1: float
    y1: float


class Extent(StrEnum):
    """How much of a file is put before the model."""

    WHOLE = "whole"
    SKELETON = "skeleton"  # signatures and doc comments
    OUT = "out"


@dataclass(frozen=True)
class PackedFile:
    """A file in a plan that packs a repository. tokens: what it takes in that extent; why: in a few words."""

    document_id: str
    path: str
    extent: Extent
    tokens: int
    why: str = ""


class Mode(StrEnum):
    """How the documents are read for an answer."""

    AUTO = "auto"
    WHOLE = "whole"
    PACKED = "packed"  # of repositories: whole files where it matters, skeletons of the others
    PASSAGES = "passages"
    SWEEP = "sweep"


@dataclass(frozen=True)
class ReadingPlan:
    """What answering will take, known before it runs.

    mode is never AUTO: `why` says in a sentence how it was chosen. prompt_tokens counts documents, history and
    question; cached_tokens is how many of them the model server is expected to have read already. expected_seconds is
    to the first word, from speeds measured on this endpoint. exact: the count came from the LLM's own tokenizer.
    files: of mode PACKED, every file in the order of the prompt. file_count: how many of the documents are files of
    repositories.
    """

    mode: Mode
    requested: Mode
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
    exact: bool = True
    parts: int = 1
    parts_cached: int = 0
    files: list[PackedFile] = field(default_factory=list)
    file_count: int = 0


class Priority(IntEnum):
    """Who goes first at a model server that is ours to share out: the lower number."""

    PERSON = 0  # somebody waits for the first word
    SWEEP = 1  # sweeps and summaries, which take minutes and show how far they are
    AHEAD = 2  # reading ahead of the first question


class CallPurpose(StrEnum):
    """What a call to a language model was for, as the ledger has it."""

    QUESTION = "question"
    SUMMARY = "summary"
    PART = "part"  # one part of a sweep
    REDUCE = "reduce"  # findings of a sweep combined
    READING = "reading"  # a document read ahead
    VISION = "vision"  # a page image read
    AUDIO = "audio"  # a recording transcribed
    TEST = "test"  # an endpoint tried out


@dataclass(frozen=True)
class Account:
    """Whom a call to a language model is for, and what for: every call has one, so that none is missing in the ledger.

    document_id: of the one document that was read; None when there were several or none.
    """

    purpose: CallPurpose
    workspace_id: int | None = None
    user_id: int | None = None
    answer_id: str | None = None
    document_id: str | None = None


@dataclass(frozen=True)
class Media:
    """A picture or a recording inside a message. mime: "image/png", "audio/wav"."""

    mime: str
    data: bytes


@dataclass(frozen=True)
class Message:
    """One chat message: role is system, user or assistant. `content[:prefix_chars]` is what other questions share.

    media: stands before the text.
    """

    role: str
    content: str
    prefix_chars: int = 0
    media: tuple[Media, ...] = ()


@dataclass(frozen=True)
class Source:
    """Text that was put before the model: a whole document or a passage of one, with its place."""

    document_id: str
    document_name: str
    version_id: int
    start_char: int
    end_char: int
    text: str


@dataclass(frozen=True)
class Shape:
    """What a completion has to be: one JSON object.

    name: letters, digits and underscores; some endpoints want one. schema: JSON Schema of an object; every property is
    required and no other is allowed, which is what all endpoints take.
    """

    name: str
    schema: dict[str, Any]


@dataclass(frozen=True)
class Prompt:
    """Messages in cache order (system, documents, history, question) and the sources they contain.

    shape: what the completion is held to, as far as the endpoint can (analysis/llm/shapes.py reads it); None for prose.
    The messages ask for it in words besides, since not every endpoint can, and some models write it only when asked.
    """

    messages: list[Message]
    sources: list[Source]
    max_output_tokens: int
    shape: Shape | None = None


@dataclass(frozen=True)
class Usage:
    """What one call to an LLM took; tokens as the server reported them.

    cache_written_tokens: of the prompt's, put into an explicit cache. estimated: some were counted here, for want of a
    report. completion_tokens hold reasoning_tokens.
    """

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    seconds_to_first_token: float = 0.0
    seconds: float = 0.0
    finish_reason: str = ""
    cache_written_tokens: int = 0
    estimated: bool = False


@dataclass(frozen=True)
class Token:
    """A piece of a streamed completion. kind: text, reasoning, prefill (`done` of `total` tokens are read) or end."""

    kind: str
    text: str = ""
    done: int = 0
    total: int = 0
    usage: Usage | None = None


@dataclass(frozen=True)
class Citation:
    """A checked place in a source. Its quote is `text[start_char:end_char]`; score is in [0, 1]."""

    version_id: int
    start_char: int
    end_char: int
    score: float


@dataclass(frozen=True)
class Finding:
    """What a sweep found in one part: `text[start_char:end_char]` of the version, verified, never as the LLM wrote it.

    note: the LLM's own words on it, "" if none. score: in [0, 1], how well the LLM's quote agreed with the text.
    """

    start_char: int
    end_char: int
    note: str = ""
    score: float = 1.0


@dataclass(frozen=True)
class RelevantSpan:
    """A sentence and how probable it is, in [0, 1], that it answers a question or is a certain clause.

    Probabilities are calibrated (docs/quality.md) and so mean the same in every document.
    """

    start_char: int
    end_char: int
    probability: float


@dataclass(frozen=True)
class ClauseValue:
    """What a clause states, in one form: "2005-08-22", "P30D", "1000000 USD", "10 %", "US-DE".

    start_char, end_char: the words that state it. note: what the form leaves out, such as "business days", or explains.
    """

    kind: str
    normal: str
    start_char: int
    end_char: int
    note: str = ""


@dataclass(frozen=True)
class ClauseFinding:
    """A place that may be a clause of a checklist. value: what it states, None if nothing that could be read."""

    clause: str
    start_char: int
    end_char: int
    probability: float
    value: ClauseValue | None = None


@dataclass(frozen=True)
class SweptPart:
    """A part of a sweep, for the receipt. state: read, cached (read for an earlier sweep) or failed."""

    version_id: int
    start_char: int
    end_char: int
    state: str


@dataclass(frozen=True)
class CitedSentence:
    """One sentence of an answer, with its evidence.

    start_char, end_char: its place in the answer's text. supported None: nothing to support (a heading, a greeting).
    reason: why it is unsupported, in a few words; "" when it is supported.
    """

    start_char: int
    end_char: int
    supported: bool | None
    citations: list[Citation]
    reason: str = ""
