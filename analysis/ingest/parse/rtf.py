"""RTF, by striprtf."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from striprtf.striprtf import rtf_to_text

from analysis.ingest.parse.flow import FlowText
from analysis.ingest.parse.grid import Cell
from analysis.ingest.parse.headings import pattern_headings
from analysis.types import ParsedDocument

_CODE_PAGE = re.compile(rb"\\ansicpg(\d{3,5})")


def parse_rtf(path: Path) -> ParsedDocument:
    """Return an RTF file's text, a paragraph for each of its lines."""
    data = path.read_bytes()
    page = _CODE_PAGE.search(data[:2000])
    encoding = f"cp{page[1].decode()}" if page else "cp1252"
    text: str = rtf_to_text(data.decode("latin-1"), encoding=encoding, errors="replace")  # type: ignore[no-untyped-call]
    flow = FlowText()
    # striprtf ends each cell with a bar, and each row with a line break.
    for in_table, lines in groupby(text.splitlines(), key=lambda line: line.endswith("|")):
        if in_table:
            flow.table([[Cell(cell) for cell in line.split("|")[:-1]] for line in lines])
            continue
        for line in lines:
            flow.paragraph(line)
    document = flow.document("rtf", {"encoding": encoding}, [])
    return replace(document, headings=pattern_headings(document.text))
