"""Plain text and Markdown: the decoded file with CRLF made LF, and nothing else changed."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from analysis.ingest.parse.canonical import flow_pages
from analysis.ingest.parse.headings import markdown_headings, pattern_headings
from analysis.ingest.parse.markdown_tables import markdown_tables
from analysis.types import ParsedDocument, Warning

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 200_000
_UTF16_ZERO_SHARE = 0.7
# Bytes past ASCII stand alone in Western text, as accents and typographic quotes do, and signs do not stand in words.
_NOT_WESTERN = re.compile("[^\\x00-\\x7f]{4}|[a-z][¡-¿×÷][a-z]", re.I)
_WESTERN_SHARE = 0.15


def parse_text(path: Path, kind: str) -> ParsedDocument:
    """Return a text or Markdown file; kind: "text" or "markdown"."""
    text, encoding = decode(path.read_bytes())
    text = text.replace("\r\n", "\n")
    headings = markdown_headings(text) if kind == "markdown" else pattern_headings(text)
    tables = markdown_tables(text) if kind == "markdown" else []
    warnings = encoding_warnings(text, encoding)
    return ParsedDocument(kind, text, flow_pages(text), headings, {"encoding": encoding}, warnings, tables)


def decode(data: bytes, declared: str = "") -> tuple[str, str]:
    """Return the text and its encoding's name: by mark, as `declared`, as UTF-8, or by what its letters look like.

    A byte order mark is not part of the text. NUL, which PostgreSQL cannot keep, becomes U+FFFD, so offsets hold.
    """
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "") or _utf16_without_mark(data)
    for candidate in filter(None, (encoding, declared, "utf-8")):
        try:
            return data.decode(candidate).replace("\x00", "\ufffd"), candidate
        except (UnicodeDecodeError, LookupError):
            continue
    guess = _guess(data)
    return data.decode(guess, "replace").replace("\x00", "\ufffd"), guess


def _utf16_without_mark(data: bytes) -> str:
    """Return which UTF-16 this is if nearly every second byte is zero, as in Western text; "" if it is not."""
    even, odd = (data[first:_SAMPLE_BYTES:2].count(0) for first in (0, 1))
    pairs = len(data[:_SAMPLE_BYTES]) // 2
    if not pairs or max(even, odd) < _UTF16_ZERO_SHARE * pairs or min(even, odd) > 0.05 * pairs:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def looks_like_utf16(head: bytes) -> bool:
    """Whether the first bytes of a file are UTF-16, with a mark or without."""
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or bool(_utf16_without_mark(head))


def _is_western(sample: bytes) -> bool:
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    past_ascii = sum(char > "\x7f" for char in text)
    return past_ascii < _WESTERN_SHARE * len(sample) and not _NOT_WESTERN.search(text)


def _guess(data: bytes) -> str:
    sample = data[:_SAMPLE_BYTES]
    if _is_western(sample):
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"


def encoding_warnings(text: str, encoding: str) -> list[Warning]:
    """Return a warning when characters of `text` could not be read."""
    if "\ufffd" not in text:
        return []
    count = text.count("\ufffd")
    return [
        Warning("encoding", f"{count:,} characters could not be read (taken for {encoding}); they are shown as \ufffd.")
    ]
