"""The workspace's table of documents: what is asked for in the query string, and the rows as they are shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import PurePath
from urllib.parse import urlencode

from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.expressions import OrderBy
from django.db.models.functions import JSONObject, Lower
from django.http import QueryDict
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy

from analysis.answer.readings import under_way
from analysis.errors import UserError
from analysis.ingest.parse.signatures import PICTURE, PICTURE_ENDINGS, RECORDING, RECORDING_ENDINGS
from analysis.llm.catalogue import LLM
from analysis.llm.registry import llm_get
from analysis.models import Document, DocumentVersion, IngestStatus, Question, Reading, ReadingStatus

ROWS_PER_PAGE = 50
KINDS = {
    "pdf": "PDF",
    "docx": gettext_lazy("Word"),
    "html": "HTML",
    "markdown": gettext_lazy("Markdown"),
    "text": gettext_lazy("Text"),
    "email": "E-mail",
    "picture": gettext_lazy("Picture"),
    "recording": gettext_lazy("Recording"),
}
SORTS: dict[str, F | Lower] = {
    "name": Lower("name"),
    "kind": F("version__kind"),
    "pages": F("version__page_count"),
    "tokens": F("version__tokens"),
    "added": F("uploaded_at"),
    "asked": F("asked_at"),
}
NEWEST_FIRST = "-added"
# The filters, each with its name for people and the statuses it stands for.
STATUSES = {
    "": (gettext_lazy("All"), tuple(IngestStatus.values)),
    "ready": (gettext_lazy("Ready"), (IngestStatus.READY,)),
    "reading": (gettext_lazy("Being read"), (IngestStatus.QUEUED, IngestStatus.INGESTING)),
    "failed": (gettext_lazy("Failed"), (IngestStatus.FAILED,)),
}
# Where on the whole way each stage stands, in thousandths; embedding is by far the longest.
STAGES = {
    "parse": (0, 200),
    "ocr": (0, 200),
    "vision": (0, 200),
    "audio": (0, 200),
    "understand": (200, 205),
    "chunk": (205, 220),
    "embed": (220, 970),
    "index": (970, 1000),
}
# What each stage is called, and how it is counted where it can be.
STAGE_WORDS = {
    "parse": (gettext_lazy("Reading"), gettext_lazy("Reading page")),
    "ocr": (gettext_lazy("Reading scanned pages"), gettext_lazy("Reading scanned page")),
    "vision": (gettext_lazy("Reading page images"), gettext_lazy("Reading page image")),
    "audio": (gettext_lazy("Listening"), gettext_lazy("Listening to minute")),
    "understand": (gettext_lazy("Finding out what it is"), ""),
    "chunk": (gettext_lazy("Dividing into passages"), ""),
    "embed": (gettext_lazy("Embedding"), gettext_lazy("Embedding passage")),
    "index": (gettext_lazy("Adding to the index"), ""),
}


@dataclass(frozen=True)
class Wanted:
    """What the reader wants to see. sort: a key of SORTS, with "-" before it for descending; status: of STATUSES.

    folder: the id of one, None for the top.
    """

    name: str = ""
    folder: int | None = None
    status: str = ""
    sort: str = NEWEST_FIRST
    page: int = 1

    @classmethod
    def from_query(cls, query: QueryDict) -> Wanted:
        """Return what the query string asks for; what it does not understand is as if it were not there."""
        status, sort, page = query.get("status", ""), query.get("sort", ""), query.get("page", "")
        folder = query.get("folder", "")
        return cls(
            name=query.get("name", "").replace("\0", "").strip()[:255],
            folder=int(folder) if folder.isascii() and folder.isdigit() and len(folder) < 19 else None,
            status=status if status in STATUSES else "",
            sort=sort if sort.removeprefix("-") in SORTS else NEWEST_FIRST,
            page=int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
        )

    def query(self) -> str:
        """Return the query string that asks for this, "" for the plain table."""
        given = {"folder": self.folder, "name": self.name, "status": self.status, "sort": self.sort, "page": self.page}
        plain = {"folder": None, "name": "", "status": "", "sort": NEWEST_FIRST, "page": 1}
        return urlencode({key: value for key, value in given.items() if value != plain[key]})

    @property
    def filtered(self) -> bool:
        """Whether it is looked for something, which may lie in any folder below."""
        return bool(self.name or self.status)

    def toggled(self, key: str) -> Wanted:
        """Return the same, sorted by `key`: ascending first, the other way if it is sorted by it already."""
        return replace(self, sort=f"-{key}" if self.sort == key else key, page=1)


@dataclass(frozen=True)
class Column:
    """A column's head: `query` sorts by it, `sorted` is "ascending", "descending" or ""."""

    key: str
    label: str
    query: str
    sorted: str
    number: bool = False


@dataclass(frozen=True)
class Filter:
    """A choice above the table and how many documents it would show."""

    key: str
    label: str
    query: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Progress:
    """How far reading in has come. permille: of the whole way, None while nothing has begun."""

    words: str
    permille: int | None = None


@dataclass(frozen=True)
class Row:
    """A document as the table shows it.

    progress: of reading in, then of reading ahead. window_percent: the share of the LLM's window that it fills; None if
    unknown.
    """

    document: Document
    version: DocumentVersion
    kind: str
    progress: Progress | None
    window_percent: int | None
    read_once: bool
    asked_at: datetime | None

    @property
    def state(self) -> tuple[str, str, bool, bool]:
        """Return what the row is drawn anew for; its progress alone moves in place."""
        return (self.version.status, self.document.name, self.read_once, self.progress is not None)

    @property
    def wants_password(self) -> bool:
        return self.version.error_code in {"password_required", "password_wrong"}


class Listing:
    """One page of the table, in two queries whatever the number of documents: the counts, and the rows."""

    def __init__(self, documents: QuerySet[Document], wanted: Wanted) -> None:
        self.wanted = wanted
        self.llm = default_llm()
        self._named = documents.filter(name__icontains=wanted.name) if wanted.name else documents

    @cached_property
    def _counts(self) -> dict[str, int]:
        counts = self._named.order_by().values_list("version__status").annotate(n=Count("pk"))
        return {str(status): n for status, n in counts}

    def count(self, status: str) -> int:
        """Return how many documents the filter `status` shows."""
        return sum(self._counts.get(each, 0) for each in STATUSES[status][1])

    @cached_property
    def page(self) -> Page[Document]:
        statuses = STATUSES[self.wanted.status][1]
        rows = self._named.filter(version__status__in=statuses) if self.wanted.status else self._named
        paginator = Paginator(_annotated(rows, self.llm).order_by(*_order(self.wanted.sort)), ROWS_PER_PAGE)
        paginator.count = self.count(self.wanted.status)  # known already; the paginator would count again
        return paginator.get_page(self.wanted.page)

    @cached_property
    def rows(self) -> list[Row]:
        return [make_row(document, self.llm) for document in self.page]

    @cached_property
    def empty(self) -> bool:
        """Return whether the workspace has no document at all, whatever the filters."""
        return not self.wanted.name and not self.count("")

    @property
    def filters(self) -> list[Filter]:
        wanted = self.wanted
        return [
            Filter(key, str(label), replace(wanted, status=key, page=1).query(), self.count(key), key == wanted.status)
            for key, (label, _) in STATUSES.items()
        ]

    @property
    def columns(self) -> list[Column]:
        window = (gettext("of %(tokens)s window") % {"tokens": short_count(self.llm.window_tokens)}) if self.llm else ""
        heads = [
            ("name", gettext("Name")),
            ("kind", gettext("Kind")),
            ("pages", gettext("Pages")),
            ("tokens", gettext("Tokens")),
        ]
        return [
            *(self._column(key, label) for key, label in heads),
            *([Column("window", window, "", "", number=True)] if window else []),
            self._column("added", gettext("Added")),
            self._column("asked", gettext("Last asked")),
        ]

    def _column(self, key: str, label: str) -> Column:
        direction = {key: "ascending", f"-{key}": "descending"}.get(self.wanted.sort, "")
        return Column(key, label, self.wanted.toggled(key).query(), direction, number=key in {"pages", "tokens"})

    @property
    def previous_query(self) -> str | None:
        return self._page_query(-1) if self.page.has_previous() else None

    @property
    def next_query(self) -> str | None:
        return self._page_query(1) if self.page.has_next() else None

    def _page_query(self, step: int) -> str:
        return replace(self.wanted, page=self.page.number + step).query()


def default_llm() -> LLM | None:
    """Return the LLM that windows are measured by; None while there is none."""
    try:
        return llm_get()
    except UserError:
        return None


def short_count(tokens: int) -> str:
    """Return "32k" for 32,768 and "1M" for 1,048,576, as windows are spoken of."""
    if tokens >= 1_000_000:
        return f"{tokens / 2**20:.0f}M" if tokens % 2**20 == 0 else f"{tokens / 1e6:.1f}M".replace(".0M", "M")
    return f"{tokens // 1024}k" if tokens % 1024 == 0 else f"{tokens // 1000}k"


def make_row(document: Document, llm: LLM | None) -> Row:
    """Return the row of a document that came out of `_annotated`."""
    version = document.version
    assert version is not None, "a document is stored with its version"  # noqa: S101
    ready = version.status == IngestStatus.READY
    return Row(
        document=document,
        version=version,
        kind=str(KINDS.get(version.kind) or _kind_by_name(document.name)),
        progress=read_ahead_of(version, getattr(document, "reading", None)) if ready else progress_of(version),
        window_percent=round(version.tokens * 100 / llm.window_tokens) if ready and llm else None,
        read_once=getattr(document, "read_once", False),
        asked_at=getattr(document, "asked_at", None),
    )


def _kind_by_name(name: str) -> str:
    """Return what the file's ending says, for a version that is not parsed yet."""
    ending = PurePath(name).suffix.lstrip(".").lower()
    kind = {"htm": "html", "md": "markdown", "txt": "text", "eml": "email"}.get(ending, ending)
    if f".{ending}" in PICTURE_ENDINGS | RECORDING_ENDINGS:
        kind = PICTURE if f".{ending}" in PICTURE_ENDINGS else RECORDING
    return str(KINDS.get(kind, ending.upper()[:8]))


def read_ahead_words(version: DocumentVersion, done: int, total: int) -> str:
    """Return how far the language model has come with the document: "read 18 of 30 pages"."""
    share = min(done / total, 1.0) if total else 0.0
    if version.page_count < 2:
        return gettext("read %(percent)s %%") % {"percent": round(100 * share)}
    return gettext("read %(read)s of %(pages)s pages") % {
        "read": intcomma(round(version.page_count * share)),
        "pages": intcomma(version.page_count),
    }


def read_ahead_of(version: DocumentVersion, reading: dict[str, int] | None) -> Progress | None:
    """Return how far reading ahead has come; reading: tokens done and total, None while there is none under way."""
    if not reading or not reading["total"]:
        return None
    done, total = reading["done"], reading["total"]
    words = capfirst(read_ahead_words(version, done, total))
    return Progress(gettext("%(words)s ahead of questions") % {"words": words}, round(1000 * min(done / total, 1.0)))


def progress_of(version: DocumentVersion) -> Progress | None:
    """Return where reading in stands, in words; None when it is over."""
    if version.status == IngestStatus.QUEUED:
        return Progress(gettext("Waiting to be read"))
    if version.status != IngestStatus.INGESTING:
        return None
    start, end = STAGES.get(version.stage, (0, 0))
    share = version.stage_done / version.stage_total if version.stage_total else 0.0
    return Progress(_stage_words(version), round(start + (end - start) * min(share, 1.0)))


def _stage_words(version: DocumentVersion) -> str:
    words, counted = STAGE_WORDS.get(version.stage, STAGE_WORDS["parse"])
    if not counted or not version.stage_total:
        return str(words)
    how_far = {"stage": counted, "done": version.stage_done, "total": version.stage_total}
    return gettext("%(stage)s %(done)s of %(total)s") % how_far


def _annotated(documents: QuerySet[Document], llm: LLM | None) -> QuerySet[Document]:
    """Return the documents with their version, when they were last asked about, and how far they were read ahead."""
    asked = Question.documents.through.objects.filter(document_id=OuterRef("pk")).order_by("-question__created_at")
    readings = Reading.objects.filter(version_id=OuterRef("version_id"), llm=llm.id if llm else "")
    now = readings.filter(under_way()).values(both=JSONObject(done="tokens_done", total="tokens_total"))
    last_asked = Subquery(asked.values("question__created_at")[:1])
    return (
        documents.filter(version__isnull=False)
        .select_related("version")
        .defer("version__metadata", "version__seconds")
        .annotate(
            asked_at=last_asked,
            read_once=Exists(readings.filter(status=ReadingStatus.READ)),
            reading=Subquery(now[:1]),
        )
    )


def _order(sort: str) -> list[OrderBy | str]:
    """Return the ORDER BY for `sort`. Ties go by the newest, so that pages never repeat or skip a row."""
    key = sort.removeprefix("-")
    # NULLS LAST only where something may be missing: with it PostgreSQL could not use the index on uploaded_at.
    ordered = OrderBy(SORTS[key], descending=sort.startswith("-"), nulls_last=True if key == "asked" else None)
    return [ordered, "-uploaded_at", "-pk"]


def rows_by_id(documents: QuerySet[Document], ids: set[str]) -> dict[str, Row]:
    """Return the rows of those of `ids` that are still there, in one query."""
    llm = default_llm()
    return {str(row.pk): make_row(row, llm) for row in _annotated(documents.filter(pk__in=ids), llm).order_by()}
