"""Many rows at once: PostgreSQL's COPY, which takes a tenth of the time of INSERT."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models


def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows of `model`, each with the values of `columns` in their order. Columns are as the database has them.

    Defaults are Django's, not the database's, so every column that has no null must be named.
    """
    with connection.cursor() as cursor:
        statement = f"COPY {model._meta.db_table} ({', '.join(columns)}) FROM STDIN"
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
