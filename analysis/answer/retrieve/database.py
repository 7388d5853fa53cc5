"""How PostgreSQL is asked in a search: for few rows of many, by their keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

EF_SEARCH = 100
_SETTINGS = (
    # With the cost of a disk's seek a search for ten words would read every posting of the documents: 123 ms, not 9.
    "SET LOCAL random_page_cost = 1.1; "
    # Goes on through the vectors' index until enough rows pass the filter, instead of filtering the first hundred.
    f"SET LOCAL hnsw.iterative_scan = strict_order; SET LOCAL hnsw.ef_search = {EF_SEARCH:d}"
)


@contextmanager
def searching() -> Iterator[None]:
    """Open a transaction whose queries are planned for a search."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_SETTINGS)
        yield
