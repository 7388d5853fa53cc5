"""Spans and how they end; and nothing at all without the setting."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from config import traces
from config.env import env
from tests.engines import product_environment


@pytest.fixture
def spans(monkeypatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    tracer = traces.tracer_to(exporter, SimpleSpanProcessor)
    monkeypatch.setattr(env, "traces_url", "http://127.0.0.1:4318")
    monkeypatch.setattr(traces, "tracer", lambda: tracer)
    return exporter


def test_a_failure_is_told_by_its_kind_alone(spans):
    with pytest.raises(ValueError, match="secret"), traces.span("stage"):
        raise ValueError("secret words")
    (span,) = spans.get_finished_spans()
    assert span.status.description == "ValueError"
    assert list(span.events) == []


def test_without_the_setting_nothing_of_it_is_imported(db):
    """The Redis client takes what it finds of OpenTelemetry; traces and their exporter are ours to leave alone."""
    code = (
        "import django, sys; django.setup(); from django.test import Client;"
        "Client(HTTP_HOST='localhost').get('/metrics');"
        "print([name for name in ('opentelemetry.sdk.trace', 'opentelemetry.exporter') if name in sys.modules])"
    )
    settings = product_environment()
    settings.pop("OTEL_EXPORTER_OTLP_ENDPOINT", None)
    done = subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_without_the_packages_it_is_said_once_and_nothing_breaks(monkeypatch, caplog):
    monkeypatch.setattr(env, "traces_url", "http://127.0.0.1:4318")
    monkeypatch.setattr(traces, "find_spec", lambda _: None)
    traces._installed.cache_clear()
    try:
        assert traces.open_span("stage") is traces.NOTHING
        assert traces.open_span("stage") is traces.NOTHING
    finally:
        traces._installed.cache_clear()
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "OTEL_EXPORTER_OTLP_ENDPOINT is set"
    ]


def test_the_exporter_that_is_asked_for_is_installed(monkeypatch):
    traces.tracer.cache_clear()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    try:
        assert traces.tracer().start_span("x").is_recording()
    finally:
        traces.tracer.cache_clear()
