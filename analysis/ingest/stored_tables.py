"""Stored tables with their words."""

from __future__ import annotations

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce, Substr

from analysis.models import DocumentVersion, Table
from analysis.tables import TableText


def captioned(version: DocumentVersion) -> QuerySet[Table]:
    """Return the version's tables in order, without their cells; `words` of each is its caption, "" if it has none."""
    start, end = F("caption_start_char"), F("caption_end_char")
    words = Substr("version__canonical__text", Coalesce(start, 0) + 1, Coalesce(end - start, 0))
    tables: QuerySet[Table] = version.tables.order_by("ordinal").defer("cells").annotate(words=words)
    return tables


def table_text(row: Table) -> TableText:
    """Return the table with its words: of the canonical text only its own span and its caption are loaded."""
    table = row.parsed
    start = min(table.start_char, table.caption.start_char if table.caption else table.start_char)
    return TableText(table, row.version.read_text(start, table.end_char), start)
