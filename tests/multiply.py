"""More of everything: copies of the rows that a test has made, of every table, each with all that hangs on it.

New tables join by themselves. What a copy points at is the copy of it where there is one in the same family, and what
the row points at otherwise: so a document gets more comments, and there are more documents with comments.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

# Of these there is one, as far as a page is concerned; or the rows are the framework's own.
KEPT = frozenset({"workspaces.Workspace", "workspaces.AuditEvent", "analysis.Embedder", "workspaces.Policy"})
OURS = ("analysis", "workspaces", "account", "mfa", "usersessions", "socialaccount")

Row = models.Model
Rows = dict[type[Row], list[Row]]


def tables() -> list[type[Row]]:
    """Return the tables whose rows are multiplied, each after those that it cannot be without."""
    every = [model for app in OURS for model in apps.get_app_config(app).get_models(include_auto_created=True)]
    waiting = [model for model in every if model._meta.label not in KEPT and not model._meta.proxy]
    ordered: list[type[Row]] = []
    while waiting:
        ready = [model for model in waiting if not _needs(model) & (set(waiting) - {model})] or waiting[:1]
        ordered += ready
        waiting = [model for model in waiting if model not in ready]
    return ordered


def rows_of(ordered: list[type[Row]]) -> Rows:
    """Return all rows that there are, by their table."""
    return {model: list(model._default_manager.all()) for model in ordered}


def multiply(originals: Rows, times: int) -> None:
    """Add `times` copies of each row with its family, for each row as the head of one."""
    for head in originals:
        for _ in range(times):
            _copy_family(head, originals)


def _copy_family(head: type[Row], originals: Rows) -> None:
    copies: dict[tuple[type[Row], Any], Row] = {}
    made: list[tuple[Row, Row]] = []
    for model, rows in originals.items():
        for row in rows:
            if model is not head and not any(key in copies for _, key in _aims(row)):
                continue
            if copy := _copied(row, copies):
                copies[model, row.pk] = copy
                made.append((row, copy))
    for row, copy in made:  # what is pointed at before it is there itself, as a document's current version
        for field, key in _aims(row):
            if key in copies and getattr(copy, field.attname) != copies[key].pk:
                setattr(copy, field.attname, copies[key].pk)
                _saved(copy)


def _copied(row: Row, copies: dict[tuple[type[Row], Any], Row]) -> Row | None:
    """Return a saved copy of the row; None for one that there can be only one of."""
    copy = type(row)(**{field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields})
    for field, key in _aims(row):
        if key in copies:
            setattr(copy, field.attname, copies[key].pk)
    for field in row._meta.concrete_fields:
        if not field.is_relation and (field.unique or field.name in _told_apart_by(row)):
            setattr(copy, field.attname, _another(field, getattr(row, field.attname)))
    return copy if _saved(copy, force_insert=True) else None


def _saved(copy: Row, **how: bool) -> bool:
    try:
        with transaction.atomic(), connection.constraint_checks_disabled():
            copy.save_base(raw=True, **how)
    except IntegrityError:
        return False
    return True


def _aims(row: Row) -> Iterator[tuple[Any, tuple[type[Row], Any]]]:
    """Yield each relation of the row that leads to a row, and which."""
    for field in row._meta.concrete_fields:
        if field.is_relation and getattr(row, field.attname) is not None:
            yield field, (field.related_model, getattr(row, field.attname))


def _needs(model: type[Row]) -> set[type[Row]]:
    return {field.related_model for field in model._meta.concrete_fields if field.is_relation and not field.null}


def _told_apart_by(row: Row) -> set[str]:
    """Return the last plain field of each uniqueness that goes over several."""
    sets: list[tuple[str, ...]] = [tuple(each) for each in row._meta.unique_together]
    sets += [each.fields for each in row._meta.constraints if isinstance(each, models.UniqueConstraint)]
    plain = [[name for name in names if not row._meta.get_field(name).is_relation] for names in sets]
    return {names[-1] for names in plain if names} | ({"name"} if row._meta.label == "workspaces.Folder" else set())


def _another(field: Any, value: Any) -> Any:
    if isinstance(field, models.UUIDField):
        return uuid.uuid4()
    if isinstance(field, (models.AutoField, models.BigAutoField)):
        return None
    if isinstance(field, (models.IntegerField, models.PositiveIntegerField)):
        return int(uuid.uuid4().int % 1_000_000) + 1000
    if isinstance(field, models.EmailField):
        return f"{uuid.uuid4().hex}@firm.example"
    if isinstance(field, (models.CharField, models.TextField)):
        return f"{uuid.uuid4().hex}-{value}"[: field.max_length or 200]
    return value
