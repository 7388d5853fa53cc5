"""Traces from the click to the last token, for an OpenTelemetry collector (`OTEL_EXPORTER_OTLP_ENDPOINT`).

A request's span is the parent of the spans of the tasks it sends; below these stand the stages of an answer (plan,
retrieve, prompt, cite) and each call to a language model, with its tokens. Names and numbers only: no span holds words
of a document, of a question or of an answer. Without the setting nothing of OpenTelemetry is imported.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, wraps
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from config.env import env

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
TRACE_HEADERS = ("traceparent", "tracestate")


def on() -> bool:
    """Return whether spans are wanted and can be sent."""
    return bool(env.traces_url) and _installed()


@cache
def _installed() -> bool:
    """Return whether the packages are there; said once in the log if they are not."""
    try:
        there = find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        there = False
    if not there:
        logger.error(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set: `pip install -r requirements-traces.txt` to send traces there."
        )
    return there


class Opened:
    """A span that is open; this one, which does nothing, when none are wanted."""

    def name(self, name: str, **attributes: Any) -> None:
        """Give the span the name that is known only now, and attributes."""

    def note(self, **attributes: Any) -> None:
        """Give the span attributes: numbers and names."""

    def fail(self, error: BaseException) -> None:
        """Mark the span as failed, by the kind of error alone."""

    def close(self, **attributes: Any) -> None:
        """End the span."""


NOTHING = Opened()


def open_span(
    name: str, *, kind: str = "internal", headers: Mapping[str, Any] | None = None, current: bool = True
) -> Opened:
    """Return a new span below the current one, or below the one that `headers` name; it has to be closed.

    kind: as OpenTelemetry calls them. current: spans opened before it is closed are below it; not for generators, whose
    caller would find itself below.
    """
    return _Recorded(name, kind, headers, current) if on() else NOTHING


@contextmanager
def span(name: str, *, kind: str = "internal", headers: Mapping[str, Any] | None = None) -> Iterator[Opened]:
    """Open a span for as long as the block lasts; see `open_span`."""
    opened = open_span(name, kind=kind, headers=headers)
    try:
        yield opened
    except BaseException as error:
        opened.fail(error)
        raise
    finally:
        opened.close()


def traced(
    name: str, of: Callable[[Any], Mapping[str, Any]] | None = None
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator: each call of the function is a span. of: attributes, from what the function returns."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            if not on():
                return function(*args, **kwargs)
            with span(name) as opened:
                result = function(*args, **kwargs)
                opened.note(**(of(result) if of else {}))
                return result

        return call

    return decorate


def send_along(headers: dict[str, Any]) -> None:
    """Write into `headers` where the current trace stands."""
    if on():
        from opentelemetry.propagate import inject

        inject(headers)


class _Recorded(Opened):
    """A span of OpenTelemetry's."""

    def __init__(self, name: str, kind: str, headers: Mapping[str, Any] | None, current: bool) -> None:
        from opentelemetry import context, trace

        self._span = tracer().start_span(name, context=_parent(headers), kind=trace.SpanKind[kind.upper()])
        self._token = context.attach(trace.set_span_in_context(self._span)) if current else None

    def name(self, name: str, **attributes: Any) -> None:
        self._span.update_name(name)
        self.note(**attributes)

    def note(self, **attributes: Any) -> None:
        self._span.set_attributes({f"lectern.{key}": value for key, value in attributes.items()})

    def fail(self, error: BaseException) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._span.set_status(Status(StatusCode.ERROR, type(error).__name__))

    def close(self, **attributes: Any) -> None:
        from opentelemetry import context

        self.note(**attributes)
        self._span.end()
        if self._token is not None:
            context.detach(self._token)


def _parent(headers: Mapping[str, Any] | None) -> Any:
    """Return the context that the headers name; None, which is the current one, if they name none."""
    from opentelemetry.propagate import extract

    carried = {name: str(headers[name]) for name in TRACE_HEADERS if headers and headers.get(name)}
    return extract(carried) if carried else None


@cache
def tracer() -> Tracer:
    """Return this process's tracer, which sends its spans in the background."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return tracer_to(OTLPSpanExporter(), BatchSpanProcessor)


def tracer_to(exporter: SpanExporter, processor: Callable[[SpanExporter], Any]) -> Tracer:
    """Return a tracer that hands its spans to `exporter`."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    from config.version import version

    named = {"service.name": os.environ.get("OTEL_SERVICE_NAME", "lectern"), "service.version": version()}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(processor(exporter))
    return provider.get_tracer("lectern")
