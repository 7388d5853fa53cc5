"""Traces from the click to the last token."""

from __future__ import annotations

import pytest
from django.urls import reverse
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from analysis.models import Answer
from analysis.tasks import run_answer
from config import traces, watch
from config.env import env
from tests.analysis.answer.rows import document
from tests.analysis.llm.scripted_server import ScriptedLLM

TEXT = "The term is five years. Delaware law governs this lease."


@pytest.fixture
def spans(monkeypatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    tracer = traces.tracer_to(exporter, SimpleSpanProcessor)
    monkeypatch.setattr(env, "traces_url", "http://127.0.0.1:4318")
    monkeypatch.setattr(traces, "tracer", lambda: tracer)
    return exporter


def named(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


@pytest.mark.django_db(transaction=True)
def test_one_trace_from_the_question_to_its_tokens(cast, client, scripted_llm: ScriptedLLM, spans, monkeypatch):
    """A click sends a task; what the message carried makes the task's spans part of the click's trace."""
    lease = document(cast, TEXT)
    sent: list[dict[str, object]] = []
    monkeypatch.setattr(run_answer, "apply_async", lambda **_: sent.append({}) or watch.send_along(headers=sent[-1]))
    client.force_login(cast.owner)
    client.post(
        reverse("ask", args=["firm"]), {"text": "How long is the term?", "document": str(lease.pk), "mode": "whole"}
    )
    answer = Answer.objects.get()
    run_answer.push_request(**sent[0])
    try:
        watch.begin_task(task=run_answer, task_id="t")
        run_answer.run(str(answer.pk))
        watch.end_task(task=run_answer, task_id="t", state="SUCCESS")
    finally:
        run_answer.pop_request()
    found = named(spans)
    click, task = found["POST ask"], found["analysis.tasks.run_answer"]
    assert click.parent is None
    assert task.parent.span_id == click.context.span_id
    for stage in ("plan", "prompt", "stream", "cite"):
        assert found[stage].context.trace_id == click.context.trace_id, stage
    assert found["stream"].parent.span_id == task.context.span_id
    took = found["stream"].attributes
    assert took["lectern.status"] == "done"
    assert took["lectern.completion_tokens"] > 0
    assert took["lectern.prompt_tokens"] > 0
    assert click.attributes["lectern.user_id"] == cast.owner.pk
    for span in spans.get_finished_spans():
        said = f"{span.name} {dict(span.attributes)}"
        assert "term" not in said
        assert "Delaware" not in said
