"""Who goes first at the bundled server: people, then sweeps and summaries, then what is read ahead of any question."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from time import sleep

from django.db.models import Q, QuerySet
from django.utils import timezone

from analysis.llm.catalogue import LLM
from analysis.llm.client import Stop
from analysis.models import Answer, AnswerStatus, Purpose
from analysis.progress import connection
from analysis.types import Mode, Priority
from config.heartbeat import living_queues

LOOK_SECONDS = 0.25
# A queued answer that no worker has taken up for this long holds nobody up any more.
QUEUED_SECONDS = 60


# What can wait: summaries, what changed, and sweeps.
_LATER = Q(question__purpose__in=[Purpose.SUMMARY, Purpose.CHANGES]) | Q(mode=Mode.SWEEP) | Q(mode_requested=Mode.SWEEP)


def queue_of(answer: Answer) -> str:
    """Return the queue whose worker writes the answer: what can wait must not keep a person's from a worker's threads.

    Without a worker for sweeps all of them are written by the same one.
    """
    later = Answer.objects.filter(_LATER, pk=answer.pk).exists()
    return "sweep" if later and "sweep" in living_queues(connection()) else "answers"


def ahead(llm: LLM, priority: Priority) -> QuerySet[Answer]:
    """Return the answers by `llm`, queued or being written, that go before work of this priority."""
    now = timezone.now()
    alive = Q(status=AnswerStatus.RUNNING, lease_expires_at__gte=now) | Q(
        status=AnswerStatus.QUEUED, created_at__gte=now - timedelta(seconds=QUEUED_SECONDS)
    )
    found = Answer.objects.filter(alive, llm=llm.id)
    if priority is Priority.PERSON:
        return found.none()
    if priority is Priority.SWEEP:
        return found.exclude(_LATER)
    return found


def give_way(llm: LLM, priority: Priority, should_stop: Stop, on_wait: Callable[[], None] = lambda: None) -> bool:
    """Return True once nobody is ahead any more, False if stopped before. Where slots are not ours, nobody waits."""
    waited = False
    while not should_stop():
        if not llm.slots or not ahead(llm, priority).exists():
            return True
        if not waited:
            on_wait()
            waited = True
        sleep(LOOK_SECONDS)
    return False
