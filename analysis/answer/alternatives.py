"""What else can be done with a question: the other ways to read, and the other language models that it fits."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext, gettext_lazy

from analysis.answer.material import Scope
from analysis.answer.plan import in_words, plan_reading
from analysis.errors import UserError
from analysis.llm.catalogue import LLM
from analysis.llm.registry import llms
from analysis.models import Question
from analysis.types import Mode, ReadingPlan

WAYS = {
    Mode.WHOLE: gettext_lazy("whole"),
    Mode.PACKED: gettext_lazy("packed"),
    Mode.PASSAGES: gettext_lazy("from passages"),
    Mode.SWEEP: gettext_lazy("part by part"),
}


@dataclass(frozen=True)
class Wanted:
    """A question that is to be put."""

    scope: Scope
    text: str
    parent: Question | None = None

    def plan(self, mode: Mode, llm: LLM) -> ReadingPlan:
        """Return how `llm` would read for it in `mode`; raises as `plan_reading`."""
        return plan_reading(scope=self.scope, text=self.text, mode=mode, llm=llm, parent=self.parent)

    def plan_if_possible(self, mode: Mode, llm: LLM) -> ReadingPlan | None:
        """Return how `llm` would read for it in `mode`; None if it cannot."""
        try:
            return self.plan(mode, llm)
        except UserError:
            return None


def plan_or_advise(wanted: Wanted, mode: Mode, llm: LLM) -> ReadingPlan:
    """Return the reading plan; where the question does not fit, the UserError says what can be done instead."""
    try:
        return wanted.plan(mode, llm)
    except UserError as error:
        if error.code != "does_not_fit":
            raise
        raise UserError(f"{error.message} {_advice(wanted, mode, llm)}".strip(), code=error.code) from error


def other_modes(wanted: Wanted, mode: Mode, llm: LLM) -> list[ReadingPlan]:
    """Return a plan for each other way in which `llm` can read, the quickest first."""
    plans = [(way, wanted.plan_if_possible(way, llm)) for way in WAYS if way is not mode]
    # What fits whole needs no packing: that plan is no other way.
    return sorted((plan for way, plan in plans if plan and plan.mode is way), key=lambda plan: plan.expected_seconds)


def _advice(wanted: Wanted, mode: Mode, llm: LLM) -> str:
    """Return what can be done instead of `mode` by `llm`, in a sentence or two; "" if nothing can."""
    ways = [
        gettext("%(way)s (about %(time)s)") % {"way": WAYS[plan.mode], "time": in_words(plan.expected_seconds)}
        for plan in other_modes(wanted, mode, llm)
    ]
    fit = [
        other.name
        for other in llms(wanted.scope.workspace.pk)
        if other.id != llm.id and wanted.plan_if_possible(mode, other)
    ]
    can = gettext("%(llm)s can read it %(way)s.")
    sentences = [can % {"llm": llm.name, "way": _listed(ways, gettext("or"))}] if ways else []
    if fit and mode in WAYS:
        sentences.append(can % {"llm": _listed(fit, gettext("and")), "way": WAYS[mode]})
    elif fit:
        sentences.append(gettext("%(llm)s can read it.") % {"llm": _listed(fit, gettext("and"))})
    return " ".join(sentences)


def _listed(words: list[str], last: str) -> str:
    """Return "a", "a or b", "a, b or c"."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
