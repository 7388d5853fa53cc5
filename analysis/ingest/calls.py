"""Calls to a language model side by side, while a document is read in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event
from typing import TypeVar

from django.db import connections

from analysis.errors import AppError, LecternError
from analysis.llm.client import Stopped
from analysis.models import Document
from analysis.models.lease import LeaseLost
from analysis.types import Account, CallPurpose

T = TypeVar("T")
Stop = Callable[[], bool]


def account_of(document: Document, purpose: CallPurpose) -> Account:
    """Return whom the ledger puts a call down to that reads `document` in: whoever uploaded it."""
    return Account(purpose, document.workspace_id, document.uploaded_by_id, document_id=str(document.pk))


def side_by_side(
    jobs: Mapping[int, Callable[[Stop], T]], *, parallel: int, lost: Event
) -> Iterator[tuple[int, T | LecternError]]:
    """Yield each job's number and what it returned, or the error of ours that it raised, as they come.

    At most `parallel` run at a time. When the reader goes away, or `lost` is set, those that run are asked to stop.
    Raises LeaseLost once `lost` is set.
    """
    gone = Event()

    def should_stop() -> bool:
        return gone.is_set() or lost.is_set()

    with ThreadPoolExecutor(max(1, parallel), thread_name_prefix="reading") as pool:
        futures = {pool.submit(_settled, job, should_stop): number for number, job in jobs.items()}
        try:
            for future in as_completed(futures):
                if lost.is_set():
                    raise LeaseLost("Another worker has taken this over.")
                yield futures[future], future.result()
        finally:
            gone.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _settled(job: Callable[[Stop], T], should_stop: Stop) -> T | LecternError:
    try:
        return job(should_stop)
    except LecternError as error:
        return error
    except Stopped as stopped:  # nobody will look at this
        return AppError(str(stopped))
    finally:
        connections.close_all()  # the ledger was written on this thread's own connection
