"""What a file is: by its bytes first, by its name where bytes do not say."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path, PurePath

from analysis.errors import UserError
from analysis.ingest.parse import messages
from analysis.ingest.parse.signatures import PICTURE, RECORDING, media_kind
from analysis.ingest.parse.text import decode, looks_like_utf16

_HEAD_BYTES = 8192
_HTML = re.compile(
    rb"^\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|title|meta)\b", re.I | re.S
)
_MAIL_HEADER = re.compile(
    rb"^(From|To|Subject|Date|Message-ID|MIME-Version|Received|Return-Path|Reply-To|Cc):", re.I | re.M
)
_FIRST_HEADER = re.compile(rb"^(?:From |[A-Za-z][A-Za-z-]*:)")
# What is left of a PDF that has lost its first bytes.
_PDF_PARTS = re.compile(rb"%PDF|%%EOF|\d+\s+\d+\s+obj\b|\bxref\b")
_MARKDOWN = {".md", ".markdown", ".mdown", ".mkd"}
_HTML_NAMES = {".html", ".htm", ".xhtml"}
_CONTROL = bytes(set(range(0x20)) - set(b"\t\n\r\f\x1b"))
_MOST_CONTROL_SHARE = 0.02


def kind_of(path: Path, name: str) -> str:
    """Return pdf, docx, docx-encrypted, odt, rtf, html, email, picture, markdown or text.

    Raises UserError unsupported_type for others, damaged for what is broken beyond telling.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    suffix = PurePath(name.lower()).suffix
    if b"%PDF-" in head[:1024] or (suffix == ".pdf" and _PDF_PARTS.search(head)):
        return "pdf"
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _zip_kind(path)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _ole_kind(path)
    media = media_kind(head)
    return _media_kind(media) if media else _text_kind(head, suffix)


def _media_kind(media: str) -> str:
    if media == RECORDING:
        raise UserError(messages.RECORDING, code="unsupported_type", status=415)
    if media != PICTURE:
        raise messages.unread_picture(media)
    return media


def _zip_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            mimetype = archive.read("mimetype")[:100] if "mimetype" in names else b""
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        raise UserError(messages.DAMAGED, code="damaged") from error
    if mimetype.startswith(b"application/vnd.oasis.opendocument.text"):
        return "odt"
    folders = {name.split("/", 1)[0] for name in names}
    if "word" in folders:
        return "docx"
    if "xl" in folders:
        raise messages.unsupported("An Excel workbook", "Save it as PDF, and upload that.")
    if "ppt" in folders:
        raise messages.unsupported("A PowerPoint presentation", "Save it as PDF, and upload that.")
    if "[Content_Types].xml" in names:
        return "docx"
    raise messages.unsupported("A ZIP archive", "Unpack it, and upload the files in it.")


def _ole_kind(path: Path) -> str:
    data = path.read_bytes()
    if "EncryptedPackage".encode("utf-16-le") in data:
        return "docx-encrypted"
    if "__substg1.0".encode("utf-16-le") in data:
        raise messages.unsupported("An Outlook message (.msg)", "Save it as .eml or PDF, and upload that.")
    if "WordDocument".encode("utf-16-le") in data:
        raise messages.unsupported("A document of Word 97-2003 (.doc)")
    raise messages.unsupported("A file of an old Office program")


def _text_kind(head: bytes, suffix: str) -> str:
    if head.lstrip().startswith(b"{\\rtf"):
        return "rtf"
    if b"<pkg:package" in head or b"schemas.microsoft.com/office/2006/xmlPackage" in head:
        return "docx"
    if not is_text(head):
        if suffix in {".pdf", ".docx"}:
            raise UserError(messages.DAMAGED, code="damaged")
        raise messages.unsupported("This kind of file")
    plain = decode(head)[0].encode() if looks_like_utf16(head) else head.removeprefix(b"\xef\xbb\xbf")
    if suffix == ".eml" or (
        _FIRST_HEADER.match(plain) and len(set(_MAIL_HEADER.findall(plain.split(b"\n\n")[0]))) >= 3
    ):
        return "email"
    if suffix in _HTML_NAMES or _HTML.match(plain):
        return "html"
    return "markdown" if suffix in _MARKDOWN else "text"


def is_text(head: bytes) -> bool:
    """Return whether a file that starts so holds text, in whatever encoding."""
    if looks_like_utf16(head):
        return True
    control = len(head) - len(head.translate(None, _CONTROL))
    return b"\x00" not in head and control <= _MOST_CONTROL_SHARE * len(head)
