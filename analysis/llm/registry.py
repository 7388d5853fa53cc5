"""The language models that can be used now: the configured endpoint's, and those that administrators have added."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils.translation import gettext

from analysis.errors import UserError
from analysis.llm.catalogue import BUNDLED, LLM, catalogue
from analysis.llm.endpoint import EndpointFacts, endpoint_facts
from analysis.models import Endpoint, ServedLLM
from config.env import env
from workspaces.models import Policy
from workspaces.policy import policy_of

# How long another process may go on with the rows as they were. They are kept in this process's memory and nowhere
# else, since they hold keys.
KEEP_SECONDS = 3.0
UNKNOWN_WINDOW_TOKENS = 8192
# The part of a row's `body` that is the model's and not its provider's: how it samples, whether its template thinks.
SAMPLING = {"temperature", "top_p", "top_k", "chat_template_kwargs"}
OVERRIDES = (
    "window_tokens",
    "max_output_tokens",
    "parallel",
    "price_in_usd_per_million",
    "price_cached_usd_per_million",
    "price_out_usd_per_million",
)

_rows: tuple[float, list[ServedLLM]] | None = None
_lock = Lock()


def llms(workspace_id: int | None = None) -> list[LLM]:
    """Return the language models that can be used now, the default first; in a workspace, those its policy allows.

    The default is the one that an administrator chose, else what the configured endpoint serves: the bundled model, or
    LECTERN_LLM_URL / LECTERN_LLM_MODEL. An id stands in the list once.
    """
    added = [(row.default, served_llm(row)) for row in _enabled_rows()]
    chosen = [llm for default, llm in added if default]
    others = [llm for default, llm in added if not default]
    unique: dict[str, LLM] = {}
    for llm in (*chosen, *configured_llms(), *others):
        unique.setdefault(llm.id, llm)
    usable = list(unique.values())
    return usable if workspace_id is None else allowed(usable, policy_of(workspace_id))


def allowed(usable: Iterable[LLM], policy: Policy) -> list[LLM]:
    """Return those of the language models that a workspace's policy allows."""
    named = set(policy.allowed_llms)
    return [
        llm for llm in usable if (not named or llm.id in named) and (llm.self_hosted or not policy.self_hosted_only)
    ]


def llm_get(id: str = "", *, workspace_id: int | None = None) -> LLM:
    """Return the usable language model `id`, the default for ""; in a workspace, of those that its policy allows.

    Raises UserError unknown_llm when it is not in the list, or when there is none at all.
    """
    usable = llms(workspace_id)
    if not usable and workspace_id is not None and llms():
        raise UserError(
            gettext("The policy of this workspace allows none of the language models here."), code="unknown_llm"
        )
    if not usable:
        raise UserError(
            gettext("No language model is set. Start the bundled one, or set LECTERN_LLM_URL."), code="unknown_llm"
        )
    found = next((llm for llm in usable if id in ("", llm.id)), None)
    if found is None:
        names = ", ".join(llm.id for llm in usable)
        raise UserError(
            gettext("There is no language model %(id)s here. You can use: %(names)s.")
            % {"id": repr(id[:120]), "names": names},
            code="unknown_llm",
        )
    return found


def vision_llm() -> LLM | None:
    """Return the language model that LECTERN_VISION_LLM names, None when that is empty or not here."""
    return _named(env.vision_llm)


def audio_llm() -> LLM | None:
    """Return the language model that LECTERN_AUDIO_LLM names, None when that is empty or not here."""
    return _named(env.audio_llm)


def configured_llms() -> list[LLM]:
    """Return what the environment sets: the endpoint's language model, or a hosted one by its name and a key."""
    if env.llm_url:
        return [_configured(endpoint_facts(env.llm_url, env.llm_key, model=env.llm_model))]
    row = catalogue().get(env.llm_model)
    return [replace(row, key=env.llm_key)] if row and row.base_url and env.llm_key else []


def served_llm(row: ServedLLM) -> LLM:
    """Return the language model that an administrator has added, from its row and its endpoint's alone.

    The server is not asked: one that is away must not hold up a page.
    """
    facts = catalogue().get(row.facts_id)
    base = facts or LLM(row.slug, row.model, "", window_tokens=UNKNOWN_WINDOW_TOKENS, max_output_tokens=8192)
    endpoint, dialect = row.endpoint, _dialect(row.endpoint, base)
    own: dict[str, Any] = {name: getattr(row, name) for name in OVERRIDES if getattr(row, name) is not None}
    own.setdefault("window_tokens", _window_tokens(endpoint, row, facts))
    if endpoint.self_hosted:
        own = {"price_in_usd_per_million": 0.0, "price_cached_usd_per_million": 0.0} | own
        own.setdefault("price_out_usd_per_million", 0.0)
    return within_window(
        replace(
            base,
            id=row.slug,
            name=row.name or (facts.name if facts else row.model),
            model=row.model,
            dialect=dialect,
            base_url=endpoint.base_url,
            key=endpoint.key,
            self_hosted=endpoint.self_hosted,
            cache="automatic" if base.cache == "slots" else base.cache,
            source=facts.source if facts else "as set here",
            comparison_only=False,
            body=base.body if dialect == base.dialect else {k: v for k, v in base.body.items() if k in SAMPLING},
            **own,
        )
    )


def within_window(llm: LLM) -> LLM:
    """Return the language model with everything that must fit its window cut to it."""
    return replace(
        llm,
        max_output_tokens=min(llm.max_output_tokens, llm.window_tokens // 2),
        answer_tokens=min(llm.answer_tokens, llm.window_tokens // 4, llm.max_output_tokens),
        reasoning_tokens=min(llm.reasoning_tokens, llm.window_tokens // 4),
        passage_tokens=min(llm.passage_tokens, llm.window_tokens // 2),
        part_tokens=min(llm.part_tokens, llm.window_tokens // 2),
    )


def _named(id: str) -> LLM | None:
    return next((llm for llm in llms() if id and llm.id == id), None)


def _enabled_rows() -> list[ServedLLM]:
    """Return the rows in use, asked of the database at most once in `KEEP_SECONDS`."""
    global _rows  # noqa: PLW0603  one small cache for the process
    with _lock:
        if _rows is None or time.monotonic() > _rows[0]:
            rows = ServedLLM.objects.filter(enabled=True, endpoint__enabled=True).select_related("endpoint")
            _rows = (time.monotonic() + KEEP_SECONDS, list(rows))
        return _rows[1]


@receiver([post_save, post_delete], sender=Endpoint)
@receiver([post_save, post_delete], sender=ServedLLM)
def forget_llms(**_: object) -> None:
    """Make the next question go to the database again."""
    global _rows  # noqa: PLW0603  one small cache for the process
    with _lock:
        _rows = None


def _dialect(endpoint: Endpoint, facts: LLM) -> str:
    """Return what the endpoint speaks: as set, as found by its test, or as the facts have it for that address.

    Qwen-Long is one model of Model Studio with a dialect of its own.
    """
    spoken = endpoint.dialect or str(endpoint.test.get("dialect") or "")
    if not spoken:
        spoken = facts.dialect if facts.base_url == endpoint.base_url else "openai"
    return facts.dialect if (facts.dialect, spoken) == ("qwen_long", "dashscope") else spoken


def _window_tokens(endpoint: Endpoint, row: ServedLLM, facts: LLM | None) -> int:
    """Return the window: the smaller of what the facts state and what the server was started with."""
    told = int((endpoint.test.get("windows") or {}).get(row.model) or 0)
    known = [tokens for tokens in (told, facts.window_tokens if facts else 0) if tokens]
    return min(known, default=UNKNOWN_WINDOW_TOKENS)


def _configured(facts: EndpointFacts) -> LLM:
    """Return the catalogue row of what the endpoint serves, its window as the server states it, or a generic row."""
    id = env.llm_model or facts.model or BUNDLED
    row = catalogue().get(id) or _generic(id, facts)
    ours = facts.embedded and row.dialect == "llamacpp"
    return within_window(
        replace(
            row,
            base_url=env.llm_url,
            key=env.llm_key,
            window_tokens=min(row.window_tokens, facts.window_tokens) if facts.window_tokens else row.window_tokens,
            slots=facts.slots if ours else 0,
            cache=row.cache if ours or row.cache != "slots" else "automatic",
        )
    )


def _generic(id: str, facts: EndpointFacts) -> LLM:
    return LLM(
        id=id,
        name=Path(id).name,
        family="",
        window_tokens=facts.window_tokens or env.llm_window_tokens,
        max_output_tokens=8192,
        dialect=facts.dialect,
        self_hosted=True,
        source="as its endpoint states",
    )
