"""`GET /metrics`: how much there is, what waits and what fails, in Prometheus' text format.

Two kinds of figures, right with any number of processes: what stands in the database and the broker is looked up when
Prometheus asks, and what processes count (requests, tasks, calls to language models) is added up in Redis by
config/tally.py. Labels name routes, queues, statuses and language models; never a workspace, a document or a person.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime
from ipaddress import ip_address

import redis
from django.db import DatabaseError
from django.db.models import Count, Min, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from analysis.models import Document
from analysis.progress import connection as broker
from config import tally
from config.env import env
from config.health import OK, current_parts
from config.heartbeat import QUEUES, living_queues
from config.standing import disk_free, last_backup, messages_in_hand, queue_lengths, storage, work
from config.version import version

Figure = tuple[list[str], float]  # the values of its labels, and how much


# What processes count: its name in the tally, its name here, what it is, its labels in order.
COUNTERS = [
    ("llm_calls", "lectern_llm_calls", "Calls to language models that are over", ["llm", "purpose", "status"]),
    ("llm_tokens", "lectern_llm_tokens", "Tokens read fresh, read from a cache, and written", ["llm", "kind"]),
    ("llm_cost_usd", "lectern_llm_cost_usd", "What calls cost at the prices of their day", ["llm"]),
    ("errors", "lectern_errors", "Errors logged, by the part that logged them", ["logger"]),
]
HISTOGRAMS = [
    ("request", "lectern_http_request_seconds", "Time to a reply; for a stream, to its beginning",
     ["method", "route", "status"]),
    ("task", "lectern_task_seconds", "Time that tasks took", ["task", "outcome"]),
    ("llm_first_token", "lectern_llm_first_token_seconds", "Time to the first token of a completion", ["llm"]),
]  # fmt: skip


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the figures to whoever sends LECTERN_METRICS_TOKEN; without one, to programs on this machine only."""
    if env.metrics_token:
        sent = request.headers.get("Authorization", "")
        if not secrets.compare_digest(sent.encode(), f"Bearer {env.metrics_token}".encode()):
            return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    elif not _from_here(request):
        raise Http404
    registry = CollectorRegistry(auto_describe=False)
    registry.register(House())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _from_here(request: HttpRequest) -> bool:
    """Return whether this machine asks. Behind a proxy everybody comes from here: then nobody does."""
    if env.public_url or any(request.headers.get(name) for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP")):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


class House:
    """All figures, as prometheus_client collects them. An engine that is away costs its own figures only."""

    def collect(self) -> Iterator[Metric]:
        """Yield the families of metrics."""
        yield _gauge("lectern_build", "Which Lectern this is", ["version"], [([version()], 1)])
        parts = [([name], float(state == OK)) for name, state in current_parts().items()]
        yield _gauge("lectern_part_up", "Whether a part answers", ["part"], parts)
        for section, failures in ((_rows, DatabaseError), (_broker, redis.RedisError), (_counted, redis.RedisError)):
            try:
                yield from list(section())
            except failures:
                continue  # lectern_part_up says so


def _rows() -> Iterator[Metric]:
    """Yield what stands in the database: a query for each kind of row and a few for sizes."""
    documents = Document.objects.filter(repository=None).order_by().values_list("version__status").annotate(Count("pk"))
    yield _gauge(
        "lectern_documents", "Documents by status", ["status"], [([row[0] or "none"], row[1]) for row in documents]
    )
    statuses: list[Figure] = []
    leases: list[Figure] = []
    oldest: list[Figure] = []
    for each in work():
        found = each.rows.order_by().values_list("status").annotate(Count("pk"))
        statuses += [([each.kind, status], number) for status, number in found]
        held = Q(status=each.working) & ~each.expired
        working = each.rows.filter(status=each.working)
        counts = working.aggregate(held=Count("pk", filter=held), expired=Count("pk", filter=each.expired))
        leases += [([each.kind, state], number) for state, number in counts.items()]
        if each.since:
            first = each.rows.filter(status=each.waiting).aggregate(first=Min(each.since))["first"]
            oldest.append(([each.kind], _age(first)))
    yield _gauge("lectern_work", "What workers claim, by status", ["kind", "status"], statuses)
    yield _gauge("lectern_oldest_waiting_seconds", "How long the longest has waited", ["kind"], oldest)
    yield _gauge(
        "lectern_leases", "Rows that a worker holds, and those that a dead one has held", ["kind", "state"], leases
    )
    yield _gauge("lectern_storage_bytes", "Room taken", ["of"], [([of], size) for of, size in storage().items()])
    yield _gauge("lectern_disk_free_bytes", "Room left where the files are", [], [([], disk_free())])


def _age(since: datetime | None) -> float:
    return (timezone.now() - since).total_seconds() if since else 0.0


def _broker() -> Iterator[Metric]:
    """Yield what stands in the broker: messages by queue, those in hand, workers, open streams, the last backup."""
    yield _gauge("lectern_queue_messages", "Messages that wait, by queue", ["queue"], _by_name(queue_lengths()))
    in_hand: list[Figure] = [([], messages_in_hand())]
    yield _gauge("lectern_queue_messages_in_hand", "Messages that a worker has taken", [], in_hand)
    living = living_queues(broker())
    alive = {queue: float(queue in living) for queue in QUEUES}
    yield _gauge("lectern_worker_up", "Whether a worker serves the queue", ["queue"], _by_name(alive))
    yield _gauge("lectern_streams_open", "Streams that pages follow now", [], [([], tally.held(broker(), "streams"))])
    last = last_backup()
    if last:
        ended: list[Figure] = [([], last.timestamp())]
        yield _gauge("lectern_last_backup_timestamp_seconds", "When the last backup ended", [], ended)


def _counted() -> Iterator[Metric]:
    """Yield what processes have counted."""
    found: dict[str, list[tally.Sum]] = {}
    for each in tally.sums(broker()):
        found.setdefault(each.name, []).append(each)
    for name, title, about, labels in COUNTERS:
        family = CounterMetricFamily(title, about, labels=labels)
        for each in found.get(name, []):
            family.add_metric([each.labels.get(label, "") for label in labels], each.value)
        yield family
    for name, title, about, labels in HISTOGRAMS:
        yield _histogram(title, about, labels, found.get(f"{name}_class", []), found.get(f"{name}_seconds", []))


def _histogram(
    title: str, about: str, labels: list[str], classes: Iterable[tally.Sum], seconds: Iterable[tally.Sum]
) -> Metric:
    """Return the histogram: Prometheus wants each class with all below it."""
    family = HistogramMetricFamily(title, about, labels=labels)
    counts: dict[tuple[str, ...], dict[str, float]] = {}
    for each in classes:
        key = tuple(each.labels.get(label, "") for label in labels)
        counts.setdefault(key, {})[each.labels["le"]] = each.value
    sums = {tuple(each.labels.get(label, "") for label in labels): each.value for each in seconds}
    for key, own in counts.items():
        total, buckets = 0.0, []
        for bound in [*map(str, tally.BOUNDS), "+Inf"]:
            total += own.get(bound, 0.0)
            buckets.append((bound, total))
        family.add_metric(list(key), buckets=buckets, sum_value=sums.get(key, 0.0))
    return family


def _gauge(title: str, about: str, labels: list[str], rows: Iterable[Figure]) -> Metric:
    family = GaugeMetricFamily(title, about, labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family


def _by_name(values: dict[str, float] | dict[str, int]) -> list[Figure]:
    return [([name], value) for name, value in values.items()]
