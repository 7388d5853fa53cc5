"""Tables: grids of cells that are spans of the canonical text."""

from __future__ import annotations

from typing import Any

from django.db import models

from analysis.models.document import DocumentVersion
from analysis.types import ParsedTable, Span, TableCell


class Table(models.Model):
    """A table of a version; see `analysis.types.ParsedTable`. page_number: where it starts.

    cells: [row, column, row_span, column_span, start_char, end_char, header] each, in the order of the text.
    """

    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="tables")
    ordinal = models.PositiveIntegerField()
    start_char = models.PositiveIntegerField()
    end_char = models.PositiveIntegerField()
    page_number = models.PositiveIntegerField()
    row_count = models.PositiveIntegerField()
    column_count = models.PositiveIntegerField()
    caption_start_char = models.PositiveIntegerField(null=True)
    caption_end_char = models.PositiveIntegerField(null=True)
    confidence = models.FloatField(default=1.0)
    headers = models.JSONField(default=list)
    cells = models.JSONField(default=list)

    class Meta:
        ordering = ["ordinal"]
        constraints = [models.UniqueConstraint(fields=["version", "ordinal"], name="table_ordinal_once")]

    @classmethod
    def of(cls, table: ParsedTable, **place: Any) -> Table:
        """Return the row that keeps `table`; place: version, ordinal and page_number."""
        start, end = table.caption or (None, None)
        return cls(
            start_char=table.start_char,
            end_char=table.end_char,
            row_count=table.row_count,
            column_count=table.column_count,
            caption_start_char=start,
            caption_end_char=end,
            confidence=table.confidence,
            headers=[*table.headers],
            cells=[[*vars(cell).values()] for cell in table.cells],
            **place,
        )

    @property
    def parsed(self) -> ParsedTable:
        """The table as the stages hand it to each other."""
        caption = None
        if self.caption_start_char is not None and self.caption_end_char is not None:
            caption = Span(self.caption_start_char, self.caption_end_char)
        return ParsedTable(
            self.start_char,
            self.end_char,
            self.row_count,
            self.column_count,
            tuple(TableCell(*cell) for cell in self.cells),
            caption,
            self.confidence,
            tuple(self.headers),
        )
