"""The answer card: a question with one of its answers, as the document page, the ask page and the permalink draw it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import floor, log10
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.utils.safestring import SafeString

from analysis import progress
from analysis.answer.payload import answer_payload
from analysis.answer.render import render_answer, render_text
from analysis.models import Answer, AnswerStatus, Document, Purpose, Question
from analysis.types import Mode
from analysis.views.fold import NOT_BEGUN, LiveAnswer
from workspaces.models import Member, Role

MODES = [
    (Mode.AUTO, "Automatic", "Whole when it fits and is quick, else passages"),
    (Mode.WHOLE, "Whole", "The language model reads every word"),
    (Mode.PASSAGES, "Passages", "The passages that match the question best"),
]


@dataclass(frozen=True)
class Strip:
    """The reading strip of a document: which of its pages the model saw. Ranges are (first, count), from 1."""

    document: Document
    pages: int
    read: list[tuple[int, int]]
    cited: list[int]


@dataclass(frozen=True)
class Card:
    """What `_answer.html` draws."""

    answer: Answer
    may_edit: bool

    @property
    def question(self) -> Question:
        return self.answer.question

    @property
    def is_summary(self) -> bool:
        return self.question.purpose == Purpose.SUMMARY

    @cached_property
    def payload(self) -> dict[str, Any]:
        return answer_payload(self.answer)

    @cached_property
    def documents(self) -> list[Document]:
        return list(self.question.documents.select_related("version").order_by("uploaded_at", "pk"))

    @cached_property
    def versions(self) -> list[Answer]:
        """The question's answers, oldest first, without their texts."""
        return list(self.question.answers.only("id", "number", "status", "mode", "llm", "created_at", "question_id"))

    @cached_property
    def live(self) -> LiveAnswer:
        """What the events say so far, so that the page shows it before its script has connected."""
        live = LiveAnswer(self.answer.pk, before=self._before_it_begins())
        live.take(progress.replay(progress.answer_stream(self.answer.pk)))
        return live

    def _before_it_begins(self) -> str:
        if self.answer.status != AnswerStatus.WAITING:
            return NOT_BEGUN
        waited_for = [each.name for each in self.documents if each.version is None or not each.version.ready]
        return f"Waiting for {', '.join(waited_for)} to be read in" if waited_for else NOT_BEGUN

    @cached_property
    def html(self) -> SafeString:
        """The finished text with its citations; the plain text of an answer that was never checked."""
        return render_answer(self.payload) if self.payload["sentences"] else render_text(self.answer.text)

    @property
    def unsupported(self) -> int:
        return sum(1 for sentence in self.payload["sentences"] if sentence["supported"] is False)

    @property
    def copy_text(self) -> str:
        """The answer as plain text: numbered citations in place, their quotes below."""
        return plain_text(self.payload)

    @property
    def receipt(self) -> list[str]:
        """The receipt's line, piece by piece."""
        usage, coverage = self.payload["usage"], self.payload["coverage"]
        sent = coverage["tokens_sent"] or usage["prompt_tokens"]
        cached = coverage["tokens_cached"] or usage["cached_tokens"]
        pieces = [str(self.payload["mode"] or "")]
        if sent:
            pieces.append(f"{sent:,} tokens" + (f", {cached / sent:.0%} cached".replace("%", " %") if cached else ""))
        pieces += [usage["llm"], dollars(usage["cost_usd"])]
        if usage["seconds_to_first_token"]:
            pieces.append(f"first word {duration(usage['seconds_to_first_token'])}")
        if usage["seconds"]:
            pieces.append(duration(usage["seconds"]))
        return [piece for piece in pieces if piece]

    @property
    def read_words(self) -> str:
        """What was read, in words."""
        coverage = self.payload["coverage"]
        total, read = coverage["characters_total"], coverage["characters_read"]
        if not total:
            return ""
        share = "all" if read >= total else f"{read / total:.0%}".replace("%", " %")
        return f"{read:,} of {total:,} characters ({share})"

    @property
    def pages_words(self) -> str:
        return range_words(self.payload["coverage"]["pages_read"])

    @property
    def skipped_words(self) -> str:
        return range_words(self.payload["coverage"]["pages_skipped"])

    @property
    def unreadable_words(self) -> str:
        return range_words(self.payload["coverage"].get("pages_unreadable") or [])

    @property
    def document_rows(self) -> list[dict[str, Any]]:
        """What was read of each of several documents."""
        rows = self.payload["coverage"].get("documents") or []
        if len(rows) < 2:
            return []
        return [
            {"name": row["document_name"], "read": range_words(row["pages_read"]), "pages": row["pages_total"]}
            for row in rows
        ]

    @property
    def passages(self) -> list[dict[str, Any]]:
        names = {str(document.pk): document.name for document in self.documents}
        sent = self.payload["coverage"].get("passages") or []
        return [passage | {"name": names.get(str(passage["document_id"]), "")} for passage in sent]

    @property
    def strip(self) -> Strip | None:
        """The strip of the one document that was asked about."""
        if len(self.documents) != 1 or self.documents[0].version is None:
            return None
        version = self.documents[0].version
        cited = {page["page_number"] for citation in self.payload["citations"] for page in citation["pages"]}
        read = page_ranges(self.payload["coverage"]["pages_read"])
        return Strip(self.documents[0], version.page_count, read, sorted(cited)) if version.page_count > 1 else None


def card_for(answer: Answer, member: Member) -> Card:
    """Return the card of `answer` for a member of its workspace."""
    return Card(answer, member.may(Role.EDITOR))


def newest_answer(question: Question) -> Answer | None:
    """Return the answer that is shown unless an earlier one is chosen."""
    return question.answers.select_related("question__workspace", "question__asker").order_by("-number").first()


def with_status(questions: QuerySet[Question]) -> QuerySet[Question]:
    """Return the questions with `answer_id`, `answer_status` and `answer_count`, for lists of them."""
    shown = Answer.objects.filter(question=OuterRef("pk")).order_by("-number")
    return questions.select_related("asker").annotate(
        answer_id=Subquery(shown.values("pk")[:1]),
        answer_status=Subquery(shown.values("status")[:1]),
        answer_count=Count("answers"),
    )


def page_ranges(pages: Iterable[Any]) -> list[tuple[int, int]]:
    """Return (first, count) for pages given as numbers or as [first, last]."""
    ranges: list[tuple[int, int]] = []
    for entry in pages:
        first, last = (entry[0], entry[-1]) if isinstance(entry, list | tuple) else (entry, entry)
        if ranges and sum(ranges[-1]) == first:
            ranges[-1] = (ranges[-1][0], ranges[-1][1] + last - first + 1)
        else:
            ranges.append((first, last - first + 1))
    return ranges


def range_words(pages: Iterable[Any]) -> str:
    """Return pages as they are printed on a receipt: "1-4, 7"."""
    words = [(first, first + count - 1) for first, count in page_ranges(pages)]
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in words)


def plain_text(payload: dict[str, Any]) -> str:
    """Return the answer with [1] after each cited sentence and a line per citation below."""
    text, pieces, at = payload["answer"], [], 0
    for sentence in payload["sentences"]:
        marks = "".join(f" [{index + 1}]" for index in sentence["citations"])
        pieces += [text[at : sentence["end_char"]], marks]
        at = sentence["end_char"]
    lines = [
        f"[{number}] {each['document_name']}, page {each['page_number']}: “{' '.join(each['quote'].split())}”"
        for number, each in enumerate(payload["citations"], start=1)
    ]
    return "\n".join(["".join([*pieces, text[at:]]).strip(), "", *lines]).strip()


def dollars(cost_usd: float) -> str:
    """Return a price as short as it can be said: "$0", "$0.0042", "$1.25"."""
    if cost_usd == 0:
        return "$0"
    return f"${cost_usd:.{max(2, 1 - floor(log10(cost_usd)))}f}"


def duration(seconds: float) -> str:
    """Return a time as it is spoken: "1.9 s", "48 s", "3 min 20 s"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
