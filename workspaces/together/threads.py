"""Comments as a page shows them: in threads, each with what its reader may do with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Substr
from django.urls import reverse
from django.utils.safestring import SafeString

from analysis.models import Document, Page, Question
from analysis.repository.lines import LineTable, line_tables
from analysis.types import Span, lines_in_words
from workspaces.models import Comment, Member, Role
from workspaces.together.mentions import as_html

QUOTE_CHARACTERS = 300


@dataclass(frozen=True)
class Remark:
    """A comment for one reader. quote: the beginning of the words it is about; page_number: where they stand.

    lines: of a file of a repository, those it is about.
    """

    comment: Comment
    member: Member
    quote: str = ""
    page_number: int | None = None
    lines: str = ""
    replies: list[Remark] = field(default_factory=list)

    @property
    def html(self) -> SafeString:
        return as_html(self.comment.text, self.comment.mentioned.all())

    @property
    def gone(self) -> bool:
        """Whether it was deleted and is here for its replies alone."""
        return not self.comment.text

    @property
    def is_own(self) -> bool:
        return self.comment.author_id == self.member.user_id

    @property
    def may_delete(self) -> bool:
        return self.is_own or self.member.may(Role.ADMIN)

    @property
    def may_comment(self) -> bool:
        return self.member.may(Role.REVIEWER)

    @property
    def on_other_version(self) -> bool:
        """Whether the words it is about are of a version that is not the current one any more."""
        document = self.comment.document
        return bool(document and self.comment.version_id and self.comment.version_id != document.version_id)


@dataclass(frozen=True)
class Talk:
    """All that was said about a document, or about a question and its answers."""

    subject: Document | Question
    member: Member

    @property
    def id(self) -> object:
        return self.subject.pk

    @property
    def on_document(self) -> bool:
        return isinstance(self.subject, Document)

    @property
    def may_comment(self) -> bool:
        return self.member.may(Role.REVIEWER)

    @property
    def url(self) -> str:
        """Where it is shown alone, and a new comment is sent to."""
        return reverse("document_comments" if self.on_document else "question_comments", args=[self.subject.pk])

    @property
    def people_url(self) -> str:
        """Where a page asks whom it can mention."""
        return reverse("document_people" if self.on_document else "question_people", args=[self.subject.pk])

    @cached_property
    def remarks(self) -> list[Remark]:
        """The threads, oldest first, each the comment that began it."""
        return remarks(comments_on(self.subject), self.member)

    @property
    def open(self) -> list[Remark]:
        return [each for each in self.remarks if not each.comment.resolved_at]

    @property
    def resolved(self) -> list[Remark]:
        return [each for each in self.remarks if each.comment.resolved_at]

    @property
    def places(self) -> list[tuple[UUID, Span]]:
        """The places of a document's current version that open threads are about, by the thread's first comment."""
        return [
            (each.comment.pk, Span(each.comment.start_char, each.comment.end_char))
            for each in self.open
            if each.comment.start_char is not None and each.comment.end_char is not None and not each.on_other_version
        ]

    @cached_property
    def count(self) -> int:
        """How many comments there are, replies among them."""
        return sum((not each.gone) + len(each.replies) for each in self.remarks)


def comments_on(subject: Document | Question) -> QuerySet[Comment]:
    """Return the comments on a document, or on a question or any of its answers, oldest first."""
    on = Q(document=subject) if isinstance(subject, Document) else Q(question=subject) | Q(answer__question=subject)
    return Comment.objects.filter(on).order_by("created_at", "pk")


def remarks(comments: QuerySet[Comment], member: Member) -> list[Remark]:
    """Return the threads of `comments`, in their order, in as many queries whatever their number."""
    page = Page.objects.filter(version=OuterRef("version"), start_char__lte=OuterRef("start_char"))
    length = F("end_char") - F("start_char")
    rows = list(
        comments.select_related("author", "assignee", "resolved_by", "answer", "document", "version")
        .prefetch_related("mentioned")
        .annotate(
            quote=Substr("version__canonical__text", F("start_char") + 1, length),
            page_number=Subquery(page.order_by("-start_char", "-number").values("number")[:1]),
        )
    )
    files = {row.version_id for row in rows if row.version_id and row.document and row.document.repository_id}
    tables = line_tables(files) if files else {}
    made = {row.pk: _remark(row, member, tables) for row in rows}
    for row in rows:
        if row.parent_id in made:
            made[row.parent_id].replies.append(made[row.pk])
    return [made[row.pk] for row in rows if row.parent_id not in made]


def _remark(row: Comment, member: Member, tables: dict[int, LineTable]) -> Remark:
    """Return the comment for its reader. What a file holds is never quoted: a secret may be among it."""
    table = tables.get(row.version_id or 0)
    if table is not None and row.start_char is not None and row.end_char is not None:
        return Remark(row, member, lines=lines_in_words(*table.lines_of(row.start_char, row.end_char)))
    quote = " ".join((getattr(row, "quote", "") or "").split())
    cut = quote if len(quote) <= QUOTE_CHARACTERS else f"{quote[:QUOTE_CHARACTERS].rstrip()}…"
    return Remark(row, member, cut, getattr(row, "page_number", None))
