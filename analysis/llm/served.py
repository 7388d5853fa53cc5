"""What administrators do with endpoints and the language models they serve."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from analysis.llm.catalogue import catalogue
from analysis.llm.registry import configured_llms
from analysis.models import Endpoint, ServedLLM
from local.transformers_server import Weights


@transaction.atomic
def llm_add(*, endpoint: Endpoint, **fields: Any) -> ServedLLM:
    """Return the new row; its tokenizer is looked for afterwards, away from the request."""
    row = ServedLLM.objects.create(endpoint=endpoint, **fields)
    _look_for_tokenizer(row)
    return row


@transaction.atomic
def llm_make_default(row: ServedLLM) -> None:
    """Make it the language model that questions go to by default, in use from now on."""
    for other in ServedLLM.objects.select_for_update().filter(default=True).exclude(pk=row.pk):
        other.default = False
        other.save(update_fields=["default"])
    row.default = row.enabled = True
    row.save(update_fields=["default", "enabled"])


@contextmanager
def local_llm(wanted: Weights, *, base_url: str, window_tokens: int) -> Iterator[ServedLLM]:
    """Yield the row of a language model that is served from this machine; it is offered as long as this lasts.

    The same weights have the same row each time, with whatever administrators have set in it.
    """
    slug = f"{wanted.name}@transformers"[:120]
    shared = {"base_url": base_url, "dialect": "transformers", "self_hosted": True, "enabled": True}
    endpoint, _ = Endpoint.objects.update_or_create(name=f"transformers serve: {wanted.name}"[:80], defaults=shared)
    row = ServedLLM.objects.filter(slug=slug).first()
    if row is None:
        row = llm_add(
            endpoint=endpoint,
            slug=slug,
            model=wanted.served_as,
            name=wanted.name,
            facts_id=facts_id_for(wanted.unquantised),
            window_tokens=window_tokens or None,
        )
    elif row.model != wanted.served_as:
        row.model = wanted.served_as  # the folder has moved
        row.save(update_fields=["model"])
    try:
        yield row
    finally:
        endpoint.enabled = False
        endpoint.save(update_fields=["enabled"])


def facts_id_for(model: str) -> str:
    """Return the id of the catalogue's row for what a server calls `model`, "" where there is none.

    Servers name it in full ("Qwen/Qwen2.5-72B-Instruct"), without its owner, or in lower case.
    """
    wanted = model.lower()
    rows = {id.lower(): id for id in catalogue()}
    short = {id.rpartition("/")[2]: full for id, full in rows.items()}
    return rows.get(wanted) or short.get(wanted.rpartition("/")[2], "")


def slug_for(model: str, endpoint: Endpoint) -> str:
    """Return an id for the model that nothing else here has: its own name, else with its endpoint's behind it."""
    names = [model, f"{model}@{slugify(endpoint.name)}"]
    return next((name[:120] for name in names if not slug_taken(name[:120])), "")


def slug_taken(slug: str, *, but: ServedLLM | None = None) -> bool:
    """Return whether another language model here has this id."""
    rows = ServedLLM.objects.filter(slug=slug)
    others = rows.exclude(pk=but.pk) if but and but.pk else rows
    return others.exists() or any(llm.id == slug for llm in configured_llms())


def _look_for_tokenizer(row: ServedLLM) -> None:
    from analysis.tasks import fetch_tokenizer

    slug = row.slug
    transaction.on_commit(lambda: fetch_tokenizer.delay(slug))
