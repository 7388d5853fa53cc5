"""The answer card: a question with one of its answers, as the document page, the ask page and the permalink draw it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop

from analysis import progress
from analysis.answer.payload import answer_payload
from analysis.answer.render import render_answer, render_text
from analysis.models import Answer, AnswerStatus, Document, Purpose, Question, Repository
from analysis.views.choices import Choice, llm_choices
from analysis.views.figures import counted
from analysis.views.fold import NOT_BEGUN, LiveAnswer
from analysis.views.found import found_items, named
from analysis.views.receipts import Receipt, receipt_line, receipt_of
from analysis.views.thinking import Thinking
from workspaces.models import Folder, Member, Role
from workspaces.together.news import name_of
from workspaces.together.sharing import may_unshare
from workspaces.together.threads import Talk

FOUND_AT_ONCE = 8  # a longer list of findings is folded under a finished answer

# How an answer stands, as lists of questions say it: `{{ each.answer_status|translated }}`.
STANDS = (
    gettext_noop("waiting"),
    gettext_noop("queued"),
    gettext_noop("running"),
    gettext_noop("stopped"),
    gettext_noop("failed"),
)


@dataclass(frozen=True)
class Card:
    """What `_answer.html` draws."""

    answer: Answer
    member: Member

    @property
    def may_ask(self) -> bool:
        return self.member.may(Role.REVIEWER)

    @property
    def may_see_prompt(self) -> bool:
        return self.member.holds(Role.EDITOR)

    @property
    def question(self) -> Question:
        return self.answer.question

    @property
    def is_summary(self) -> bool:
        """Whether Lectern put the question itself: a summary, or what changed."""
        return self.question.purpose != Purpose.QUESTION

    @property
    def heading(self) -> str:
        """What the card is called on a page of its own."""
        return {Purpose.SUMMARY: gettext("Summary"), Purpose.CHANGES: gettext("What changed")}.get(
            Purpose(self.question.purpose), self.question.text
        )

    @property
    def may_approve(self) -> bool:
        return self.may_ask and bool(self.answer.text) and not self.answer.open

    @property
    def approver(self) -> str:
        """Who stands by the answer."""
        return name_of(self.answer.approved_by)

    @property
    def may_share(self) -> bool:
        return not self.question.shared and self.question.asker_id == self.member.user_id

    @cached_property
    def may_unshare(self) -> bool:
        return self.question.shared and may_unshare(self.question, self.member.user)

    @cached_property
    def talk(self) -> Talk:
        """What was said about the question and its answers."""
        return Talk(self.question, self.member)

    @cached_property
    def payload(self) -> dict[str, Any]:
        return answer_payload(self.answer)

    @cached_property
    def documents(self) -> list[Document]:
        return list(self.question.documents.select_related("version").order_by("uploaded_at", "pk"))

    @cached_property
    def repositories(self) -> list[Repository]:
        return list(self.question.repositories.order_by("added_at", "pk"))

    @cached_property
    def folders(self) -> list[Folder]:
        """The folders that the question was put to, without those in them."""
        found = list(self.question.folders.order_by("name"))
        return [each for each in found if each.parent_id not in {folder.pk for folder in found}]

    @property
    def put_to(self) -> str:
        """What the question was put to, in a few words, where its page does not say."""
        if self.question.across_workspace:
            return gettext("the whole workspace")
        names = [gettext("the folder %(name)s") % {"name": each.name} for each in self.folders]
        names += [each.name for each in self.repositories]
        if self.question.path:
            names = [f"{name}/{self.question.path}" for name in names]
        count = len(self.documents)
        if count > 1 or (count and names):
            names.append(counted(count, "document"))
        return ", ".join(names)

    @cached_property
    def versions(self) -> list[Answer]:
        """The question's answers, oldest first, without their texts."""
        return list(self.question.answers.only("id", "number", "status", "mode", "llm", "created_at", "question_id"))

    @cached_property
    def llms(self) -> list[Choice]:
        """The language models that it can be asked of again."""
        return llm_choices(self.question.workspace_id) if self.may_ask else []

    @property
    def compared(self) -> bool:
        """Whether several language models have answered, so that they can be seen side by side."""
        return len({version.llm for version in self.versions}) > 1

    @cached_property
    def live(self) -> LiveAnswer:
        """What the events say so far, so that the page shows it before its script has connected."""
        live = LiveAnswer(self.answer.pk, before=self._before_it_begins())
        live.take(progress.replay(progress.answer_stream(self.answer.pk)))
        return live

    def _before_it_begins(self) -> str:
        if self.answer.status != AnswerStatus.WAITING:
            return str(NOT_BEGUN)
        waited_for = [each.name for each in self.documents if each.version is None or not each.version.ready]
        return (
            gettext("Waiting for %(names)s to be read in") % {"names": ", ".join(waited_for)}
            if waited_for
            else str(NOT_BEGUN)
        )

    @cached_property
    def html(self) -> SafeString:
        """The finished text with its citations; the plain text of an answer that was never checked."""
        return render_answer(self.payload) if self.payload["sentences"] else render_text(self.answer.text)

    @property
    def thinking(self) -> SafeString:
        """What the language model thought aloud, folded; "" when nothing was, or nothing was kept."""
        thinking = Thinking(self.answer.pk, self.answer.reasoning)
        thinking.over = True
        return thinking.html

    @property
    def found(self) -> SafeString:
        """What a finished sweep has found, as list items."""
        findings = self.payload["findings"]
        return found_items(self.answer.pk, findings, named(findings))

    @property
    def found_at_once(self) -> bool:
        return len(self.payload["findings"]) <= FOUND_AT_ONCE

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
        return receipt_line(self.payload)

    @cached_property
    def coverage(self) -> Receipt:
        """The receipt: what was read, how, and what that took."""
        return receipt_of(self.payload, {str(document.pk): document.name for document in self.documents})


def card_for(answer: Answer, member: Member) -> Card:
    """Return the card of `answer` for a member of its workspace."""
    return Card(answer, member)


def newest_answer(question: Question) -> Answer | None:
    """Return the answer that is shown unless an earlier one is chosen."""
    return (
        question.answers.select_related("question__workspace", "question__asker", "approved_by")
        .order_by("-number")
        .first()
    )


def with_status(questions: QuerySet[Question]) -> QuerySet[Question]:
    """Return the questions with `answer_id`, `answer_status` and `answer_count`, for lists of them."""
    shown = Answer.objects.filter(question=OuterRef("pk")).order_by("-number")
    return questions.select_related("asker").annotate(
        answer_id=Subquery(shown.values("pk")[:1]),
        answer_status=Subquery(shown.values("status")[:1]),
        answer_count=Count("answers"),
        approved=Exists(shown.filter(approved_at__isnull=False)),
    )


def plain_text(payload: dict[str, Any]) -> str:
    """Return the answer with [1] after each cited sentence and a line per citation below."""
    return "\n".join([marked_text(payload).strip(), "", *citation_lines(payload)]).strip()


def marked_text(payload: dict[str, Any]) -> str:
    """Return the answer with [1] after each cited sentence."""
    text, pieces, at = payload["answer"], [], 0
    for sentence in payload["sentences"]:
        marks = "".join(f" [{index + 1}]" for index in sentence["citations"])
        pieces += [text[at : sentence["end_char"]], marks]
        at = sentence["end_char"]
    return "".join([*pieces, text[at:]])


def citation_lines(payload: dict[str, Any]) -> list[str]:
    """Return a line per citation: its number, its place and its quote."""
    return [
        f"[{number}] {each['document_name']}, {each['place']}: “{' '.join(each['quote'].split())}”"
        for number, each in enumerate(payload["citations"], start=1)
    ]
