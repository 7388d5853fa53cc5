"""The language models: which there are and what they cost, for all; adding and testing them, for administrators."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from analysis.ingest.reembed import progress
from analysis.llm.catalogue import LLM, catalogue
from analysis.llm.presets import PRESETS
from analysis.llm.registry import audio_llm, configured_llms, llms, vision_llm
from analysis.llm.served import llm_add, llm_make_default
from analysis.llm.speed import Measured, measured_speed
from analysis.llm.tokenizers import problem_of
from analysis.llm.tokens import counted_by
from analysis.llm.trial import Trial, trial
from analysis.models import Endpoint, ServedLLM
from analysis.views.llm_forms import EndpointForm, LLMForm, NewLLMForm
from analysis.views.sse import checked, frame, sse_response
from config.env import env
from workspaces.access import person, staff_or_404
from workspaces.audit import record
from workspaces.audit.actions import Action

IN_USE_SHOWN = 400  # of a server's list of models, which can have thousands of entries


@dataclass(frozen=True)
class Row:
    """A language model on the page. place: its endpoint's name. row: None for what the environment sets.

    prices: in, from the cache and out, "" for none.
    """

    llm: LLM
    prices: str
    counted_by: str = ""
    tokenizer_problem: str = ""
    place: str = ""
    measured: Measured | None = None
    default: bool = False
    row: ServedLLM | None = None


@login_required
@never_cache
@require_http_methods(["GET", "HEAD"])
def models(request: HttpRequest) -> HttpResponse:
    """Return the page of language models: those in use, and for administrators the endpoints they come from."""
    page: dict[str, Any] = {
        "rows": _rows(),
        "others": _others(),
        "missing": _missing(),
    }
    if person(request).is_staff:
        page["endpoints"] = Endpoint.objects.prefetch_related("llms")
        page["embedding"] = progress()
    return render(request, "models.html", page)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def endpoint_add(request: HttpRequest) -> HttpResponse:
    """Add an endpoint; `?preset=` fills in what is known of a provider or server."""
    user = staff_or_404(request)
    preset = PRESETS.get(request.GET.get("preset", ""))
    known = asdict(preset) if preset else {}
    form = EndpointForm(request.POST or None, initial={**known, "enabled": True})
    if form.is_valid():
        form.instance.added_by = user
        added = form.save()
        record(Action.ENDPOINT_ADDED, added, address=added.base_url)
        messages.success(
            request,
            gettext("%(name)s is added. Choose the language models to use there, then test it.") % {"name": added.name},
        )
        return redirect("endpoint", endpoint_id=added.pk)
    page = {"form": form, "presets": PRESETS.values(), "chosen": preset}
    return render(request, "models_add.html", page, status=422 if form.errors else 200)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def endpoint(request: HttpRequest, endpoint_id: int) -> HttpResponse:
    """Show and change an endpoint."""
    staff_or_404(request)
    place = get_object_or_404(Endpoint, pk=endpoint_id)
    form = EndpointForm(request.POST or None, instance=place)
    if form.is_valid():
        form.save()
        record(Action.ENDPOINT_CHANGED, place, address=place.base_url, changed=sorted(form.changed_data))
        messages.success(request, gettext("The endpoint is saved."))
        return redirect("endpoint", endpoint_id=endpoint_id)
    return _endpoint_page(request, endpoint_id, form=form)


@login_required
@require_POST
def endpoint_delete(request: HttpRequest, endpoint_id: int) -> HttpResponse:
    """Delete an endpoint with its language models. What was answered and paid stays."""
    staff_or_404(request)
    place = get_object_or_404(Endpoint, pk=endpoint_id)
    record(Action.ENDPOINT_DELETED, place)
    place.delete()
    messages.success(
        request,
        gettext("%(name)s is deleted, and its key with it. Answers and costs stay as they are.") % {"name": place.name},
    )
    return redirect("models")


@login_required
@require_POST
def llm_add_view(request: HttpRequest, endpoint_id: int) -> HttpResponse:
    """Use a language model of the endpoint."""
    staff_or_404(request)
    place = get_object_or_404(Endpoint, pk=endpoint_id)
    form = NewLLMForm(request.POST, endpoint=place)
    if not form.is_valid():
        return _endpoint_page(request, endpoint_id, llm_form=form)
    row = llm_add(endpoint=place, **form.fields_of_row())
    record(Action.LLM_CHANGED, row, change="added")
    known = "" if row.facts_id else gettext(" The catalogue does not know it: set its window and prices.")
    messages.success(request, gettext("%(slug)s can be used.%(known)s") % {"slug": row.slug, "known": known})
    return redirect("llm", llm_id=row.pk) if not row.facts_id else redirect("endpoint", endpoint_id=endpoint_id)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def llm(request: HttpRequest, llm_id: int) -> HttpResponse:
    """Show and change a language model's numbers."""
    staff_or_404(request)
    row = get_object_or_404(ServedLLM.objects.select_related("endpoint"), pk=llm_id)
    form = LLMForm(request.POST or None, instance=row)
    if form.is_valid():
        form.save()
        record(Action.LLM_CHANGED, row, change="edited", changed=sorted(form.changed_data))
        messages.success(request, gettext("%(row)s is saved. What was answered before keeps its price.") % {"row": row})
        return redirect("endpoint", endpoint_id=row.endpoint_id)
    return render(request, "models_llm.html", {"form": form, "row": row}, status=422 if form.errors else 200)


@login_required
@require_POST
def llm_default(request: HttpRequest, llm_id: int) -> HttpResponse:
    """Make a language model the one that questions go to by default."""
    staff_or_404(request)
    row = get_object_or_404(ServedLLM, pk=llm_id)
    llm_make_default(row)
    record(Action.LLM_CHANGED, row, change="default")
    messages.success(request, gettext("Questions go to %(row)s unless another one is chosen.") % {"row": row})
    return redirect("endpoint", endpoint_id=row.endpoint_id)


@login_required
@require_POST
def llm_delete(request: HttpRequest, llm_id: int) -> HttpResponse:
    """Use a language model no more. What was answered and paid stays."""
    staff_or_404(request)
    row = get_object_or_404(ServedLLM, pk=llm_id)
    record(Action.LLM_CHANGED, row, change="removed")
    row.delete()
    messages.success(request, gettext("%(row)s is no longer used.") % {"row": row})
    return redirect("endpoint", endpoint_id=row.endpoint_id)


@login_required
@require_POST
async def endpoint_test(request: HttpRequest, endpoint_id: int) -> HttpResponseBase:
    """Test an endpoint and report as it comes; without JavaScript the page comes back when the test is over."""

    def load() -> tuple[int, Endpoint]:
        return staff_or_404(request).pk, get_object_or_404(Endpoint, pk=endpoint_id)

    user_id, place = await checked(load)()
    if "text/event-stream" in request.headers.get("Accept", ""):
        return sse_response(_test_frames(place, user_id))
    await sync_to_async(lambda: deque(trial(place, user_id=user_id), maxlen=0))()
    return redirect("endpoint", endpoint_id=endpoint_id)


async def _test_frames(place: Endpoint, user_id: int) -> AsyncIterator[bytes]:
    """Yield the test as it goes on. It runs in a thread of its own, and to its end even when nobody looks any more."""
    reports: SimpleQueue[str | None] = SimpleQueue()
    Thread(target=_run, args=(place, user_id, reports.put), daemon=True).start()
    while (html := await sync_to_async(reports.get, thread_sensitive=False)()) is not None:
        yield frame(html)


def _run(place: Endpoint, user_id: int, put: Callable[[str | None], None]) -> None:
    """Run the test and put its report as HTML each time it has grown, None at the end."""
    try:
        for state in trial(place, user_id=user_id):
            put(render_to_string("_trial.html", {"trial": state, "endpoint": place}))
    finally:
        connections.close_all()
        put(None)


def _endpoint_page(
    request: HttpRequest, endpoint_id: int, *, form: EndpointForm | None = None, llm_form: NewLLMForm | None = None
) -> HttpResponse:
    """Return an endpoint's page, anew from the database: a form that was refused has changed its instance."""
    place = get_object_or_404(Endpoint, pk=endpoint_id)
    refused = bool((form and form.errors) or (llm_form and llm_form.errors))
    page = {
        "endpoint": place,
        "rows": place.llms.all(),
        "form": form or EndpointForm(instance=place),
        "llm_form": llm_form or NewLLMForm(endpoint=place),
        "listed": (place.test.get("models") or [])[:IN_USE_SHOWN],
        "trial": Trial(steps=place.test.get("steps") or [], found=place.test) if place.tested_at else None,
    }
    return render(request, "models_endpoint.html", page, status=422 if refused else 200)


def _rows() -> list[Row]:
    added = {row.slug: row for row in ServedLLM.objects.select_related("endpoint")}
    ours = {llm.id for llm in configured_llms()}
    return [
        Row(
            llm=each,
            prices=_prices(each),
            counted_by=counted_by(each),
            tokenizer_problem=problem_of(each),
            place=gettext("set for this installation") if each.id in ours else added[each.id].endpoint.name,
            measured=measured_speed(each),
            default=index == 0,
            row=None if each.id in ours else added[each.id],
        )
        for index, each in enumerate(llms())
        if each.id in ours or each.id in added
    ]


def _others() -> list[Row]:
    """Return what the catalogue knows beside the language models in use."""
    used = {llm.id for llm in llms()}
    return [Row(llm=facts, prices=_prices(facts)) for facts in catalogue().values() if facts.id not in used]


def _prices(llm: LLM) -> str:
    dollars = llm.price_in_usd_per_million, llm.price_cached_usd_per_million, llm.price_out_usd_per_million
    return " · ".join(f"{price:.10g}" for price in dollars) if any(dollars) else ""


def _missing() -> list[str]:
    """Return a sentence for each setting that names a language model which is not here."""
    named = {
        "LECTERN_VISION_LLM": (env.vision_llm, vision_llm, gettext("Scans are read by OCR until it is.")),
        "LECTERN_AUDIO_LLM": (env.audio_llm, audio_llm, gettext("Recordings are refused until it is.")),
    }
    return [
        (
            gettext("%(setting)s names %(id)s, which is not among these language models. %(meanwhile)s")
            % {"setting": setting, "id": repr(id), "meanwhile": meanwhile}
        )
        for setting, (id, find, meanwhile) in named.items()
        if id and find() is None
    ]
