"""What a person chooses when asking: how the documents are read, and by which language model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy

from analysis.errors import LecternError
from analysis.llm.catalogue import LLM
from analysis.llm.registry import llms
from analysis.types import Mode

MODES = [
    (
        Mode.AUTO,
        gettext_lazy("Automatic"),
        gettext_lazy("Whole when it fits and is quick, else what suits the question"),
    ),
    (
        Mode.WHOLE,
        gettext_lazy("Whole"),
        gettext_lazy("The language model reads every word at once; waits until that is done"),
    ),
    (
        Mode.PACKED,
        gettext_lazy("Packed"),
        gettext_lazy("Of repositories: whole files where it matters, and the outline of the others"),
    ),
    (
        Mode.PASSAGES,
        gettext_lazy("Passages"),
        gettext_lazy("Only the passages that match the question best; answers at once"),
    ),
    (
        Mode.SWEEP,
        gettext_lazy("Every part"),
        gettext_lazy("Each part by itself, so that nothing is missed; takes longest"),
    ),
]
PACKED = (
    Mode.PACKED,
    gettext_lazy("Packed"),
    gettext_lazy("Whole files where it matters for the question, the others in outline"),
)
_REMEMBERED = "llm"  # in the session


@dataclass(frozen=True)
class Choice:
    """A language model to choose. label: its name, window and price, as they stand in a list."""

    id: str
    name: str
    label: str


def llm_choices(workspace_id: int | None) -> list[Choice]:
    """Return the language models that a workspace can choose from, the default first; none while no engine is up."""
    try:
        usable = llms(workspace_id)
        return [Choice(llm.id, llm.name, f"{llm.name} · {window_words(llm)} · {price_words(llm)}") for llm in usable]
    except LecternError:
        return []


def ask_choices(request: HttpRequest, *, code: bool = False) -> dict[str, Any]:
    """Return what the forms to ask with need: modes, language models, and the one that this person took last.

    code: the question can be put to repositories, which can be packed into a window.
    """
    workspace = getattr(request, "workspace", None)
    return {
        "modes": [*MODES[:2], PACKED, *MODES[2:]] if code else MODES,
        "llms": llm_choices(workspace.pk if workspace else None),
        "llm_chosen": request.session.get(_REMEMBERED, ""),
    }


def remember_llm(request: HttpRequest, llm: str) -> None:
    """Offer this person the language model first from now on, until they sign out."""
    if llm and request.session.get(_REMEMBERED) != llm:
        request.session[_REMEMBERED] = llm


def window_words(llm: LLM) -> str:
    """Return a window as it is advertised: "32k", "256k", "1M"."""
    tokens = llm.window_tokens
    if tokens >= 1_000_000:
        return f"{tokens / 1_000_000:.1f}".removesuffix(".0") + "M"
    return f"{tokens // 1024}k" if tokens >= 1024 else str(tokens)


def price_words(llm: LLM) -> str:
    """Return what it costs in a few words: "self-hosted", "free", "$0.60 in, $2.50 out per M"."""
    if not llm.price_in_usd_per_million and not llm.price_out_usd_per_million:
        return gettext("self-hosted") if llm.self_hosted else gettext("free")
    return gettext("$%(price_in_usd_per_million)s in, $%(price_out_usd_per_million)s out per M") % {
        "price_in_usd_per_million": f"{llm.price_in_usd_per_million:.2f}",
        "price_out_usd_per_million": f"{llm.price_out_usd_per_million:.2f}",
    }
