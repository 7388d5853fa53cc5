"""The reading plan on the page: what asking will take, as the question stands in the box."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from analysis.answer.alternatives import Wanted, other_modes, plan_or_advise
from analysis.answer.plan import in_words
from analysis.errors import LecternError
from analysis.llm.catalogue import LLM
from analysis.llm.registry import llm_get
from analysis.models import Question
from analysis.types import Extent, Mode, PackedFile, ReadingPlan
from analysis.views.choices import MODES, PACKED
from analysis.views.figures import counted, dollars
from analysis.views.forms import Asked
from workspaces.access import enter, questions_for
from workspaces.models import Member

# Beyond this, cutting the text into parts for an estimate takes longer than one waits while typing.
OFFERED_TOKENS = 2_000_000
EXTENTS = {
    Extent.WHOLE: gettext_lazy("whole"),
    Extent.SKELETON: gettext_lazy("in outline"),
    Extent.OUT: gettext_lazy("left out"),
}
FILES_LISTED = 300
NAMES = {mode: name for mode, name, _ in [*MODES, PACKED]}


@dataclass(frozen=True)
class Planned:
    """What one language model will take, or why it cannot. name: "" where there is one only. others: in other modes.

    files: of one that packs, what it does with each file.
    """

    name: str
    line: str = ""
    why: str = ""
    error: str = ""
    others: tuple[tuple[Mode, str], ...] = ()
    files: tuple[tuple[str, str, list[PackedFile]], ...] = ()


@login_required
@require_POST
def plan(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the reading plan of the question as it stands in the box: a line, or one for each language model."""
    member = enter(request, slug)
    if not request.POST.get("text", "").strip():
        return HttpResponse("")
    try:
        asked = Asked.from_form(request.POST, member)
        wanted = Wanted(asked.scope(member), asked.text, _parent(request, member))
        here = member.workspace_id
        chosen = [llm_get(id, workspace_id=here) for id in dict.fromkeys(asked.llms) or [asked.llm]]
    except LecternError as error:
        return render(request, "_plan.html", {"plans": [Planned("", error=error.message)]})
    return render(
        request, "_plan.html", {"plans": [_planned(wanted, asked.mode, llm, len(chosen) > 1) for llm in chosen]}
    )


def _parent(request: HttpRequest, member: Member) -> Question | None:
    """Return the question that this one would follow up. Raises Http404 for one out of sight."""
    named = request.POST.get("parent", "")
    if not named:
        return None
    try:
        return questions_for(member).get(pk=named)
    except (Question.DoesNotExist, ValidationError):
        raise Http404 from None


def _planned(wanted: Wanted, mode: Mode, llm: LLM, one_of_several: bool) -> Planned:
    name = llm.name if one_of_several else ""
    try:
        reading = plan_or_advise(wanted, mode, llm)
    except LecternError as error:
        return Planned(name, error=error.message)
    first = wanted.parent is None and not one_of_several
    offers = first and reading.requested is Mode.AUTO and reading.document_tokens <= OFFERED_TOKENS
    others = other_modes(wanted, reading.mode, llm) if offers else []
    offered = tuple(
        (
            each.mode,
            gettext("%(mode)s · about %(time)s") % {"mode": NAMES[each.mode], "time": in_words(each.expected_seconds)},
        )
        for each in others
    )
    return Planned(name, plan_line(reading), reading.why, others=offered, files=planned_files(reading))


def planned_files(plan: ReadingPlan) -> tuple[tuple[str, str, list[PackedFile]], ...]:
    """Return what a plan that packs does with its files: for each extent that in words, and the first files."""
    by_extent = {extent: [file for file in plan.files if file.extent is extent] for extent in EXTENTS}
    return tuple(
        (str(extent), f"{intcomma(len(files))} {EXTENTS[extent]}", files[:FILES_LISTED])
        for extent, files in by_extent.items()
        if files
    )


def plan_line(plan: ReadingPlan) -> str:
    """Return a plan in a line: what is read, how much, how long it takes, for how much."""
    pieces = [_what_is_read(plan), _how_much(plan), _how_long(plan)]
    cost_usd = plan.cost_usd_cached if plan.parts_cached else plan.cost_usd_cold
    pieces += [gettext("up to %(cost)s") % {"cost": dollars(cost_usd)}] if cost_usd else []
    return " · ".join(pieces)


def _what_is_read(plan: ReadingPlan) -> str:
    if plan.mode is Mode.WHOLE and (len(plan.document_ids) > 1 or plan.file_count):
        return _whole(len(plan.document_ids) - plan.file_count, plan.file_count)
    if plan.mode is Mode.PACKED:
        whole = sum(file.extent is Extent.WHOLE for file in plan.files)
        return ngettext(
            "%(whole)s whole file, the others in outline", "%(whole)s whole files, the others in outline", whole
        ) % {"whole": intcomma(whole)}
    return {
        Mode.WHOLE: gettext("whole document"),
        Mode.PASSAGES: gettext("passages"),
        Mode.SWEEP: gettext("every part in turn"),
    }[plan.mode]


def _whole(documents: int, files: int) -> str:
    """Return "2 whole documents", "84 whole files", or both."""
    said = []
    if documents:
        words = ngettext("%(count)s whole document", "%(count)s whole documents", documents)
        said.append(words % {"count": intcomma(documents)})
    if files:
        said.append(ngettext("%(count)s whole file", "%(count)s whole files", files) % {"count": intcomma(files)})
    return ", ".join(said)


def _how_much(plan: ReadingPlan) -> str:
    if plan.mode is not Mode.SWEEP:
        words = gettext("%(tokens)s tokens") if plan.exact else gettext("about %(tokens)s tokens")
        return words % {"tokens": intcomma(plan.prompt_tokens)}
    parts = counted(plan.parts, "part")
    return (
        (gettext("%(parts)s, %(read)s already read") % {"parts": parts, "read": intcomma(plan.parts_cached)})
        if plan.parts_cached
        else parts
    )


def _how_long(plan: ReadingPlan) -> str:
    already = plan.mode is not Mode.SWEEP and plan.cached_tokens * 2 > plan.prompt_tokens
    words = gettext("about %(time)s (already read)") if already else gettext("about %(time)s")
    return words % {"time": in_words(plan.expected_seconds)}
