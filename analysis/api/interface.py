"""The interface itself: its URLs, how operations are named, and a reference page without scripts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase
from ninja.operation import Operation

from analysis.api.errors import method_not_allowed
from analysis.api.reference import operations

View = Callable[..., HttpResponseBase]
AsyncView = Callable[..., Awaitable[HttpResponseBase]]


class Interface(NinjaAPI):
    """NinjaAPI whose refusals are JSON in every case, also where ninja answers in plain text."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the view's name: `ask_question`, not the path of the module that it stands in."""
        return str(operation.view_func.__name__)

    def _get_urls(self) -> list[URLResolver | URLPattern]:
        urls = super()._get_urls()
        for pattern in urls:
            if isinstance(pattern, URLPattern):
                pattern.callback = _with_json_405(pattern.callback)
        return urls


def _with_json_405(view: Callable[..., Any]) -> View | AsyncView:
    def checked(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return method_not_allowed(request, response["Allow"]) if response.status_code == 405 else response

    if iscoroutinefunction(view):

        async def async_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return checked(request, await view(request, *args, **kwargs))

        async_view.csrf_exempt = True  # type: ignore[attr-defined]  # ninja checks it where a cookie lets in
        return async_view

    def sync_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return checked(request, view(request, *args, **kwargs))

    sync_view.csrf_exempt = True  # type: ignore[attr-defined]
    return sync_view


class Reference(DocsBase):
    """The reference page, rendered on the server from the schema: no script, nothing from elsewhere."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """Return the page of all operations, by noun."""
        schema = api.get_openapi_schema(path_params=kwargs)
        context = {
            "nouns": operations(schema),
            "openapi_url": self.get_openapi_url(api, kwargs),
            "base_url": request.build_absolute_uri("/").rstrip("/"),
        }
        return render(request, "api.html", context)
