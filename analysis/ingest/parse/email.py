"""E-mail: headers and body; attachments are named and not read."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from pathlib import Path

from analysis.ingest.parse.flow import FlowText
from analysis.ingest.parse.html import read_html
from analysis.ingest.parse.text import decode, looks_like_utf16
from analysis.types import ParsedDocument, Warning

_SHOWN_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_ENCRYPTED = {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}


def parse_email(path: Path) -> ParsedDocument:
    """Return a message's headers and body, the plain one where there are two."""
    message = _message(path.read_bytes())
    flow = FlowText()
    for number, name in enumerate(_SHOWN_HEADERS):
        if value := _header(message, name):
            flow.paragraph(f"{name}: {value}", gap="\n" if number else "\n\n")
    warnings = _body(message, flow)
    attachments = _attachments(message)
    if attachments:
        warnings.append(Warning("attachments", _attachments_sentence(attachments)))
    metadata = {
        "title": _header(message, "Subject"),
        "author": _header(message, "From"),
        "created": _header(message, "Date"),
    }
    return flow.document("email", {**metadata, "attachments": attachments}, warnings)


def message_html(data: bytes) -> str:
    """Return the web page in a MIME archive; "" if there is none."""
    part = _message(data).get_body(("html",))
    return _content(part) if part is not None else ""


def _message(data: bytes) -> EmailMessage:
    if looks_like_utf16(data):
        data = decode(data)[0].encode()
    return BytesParser(_class=EmailMessage, policy=policy.default).parsebytes(data)


def _header(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message.get(name, "")).split())
    except Exception:
        # The standard library's header parser raises errors of many classes on malformed addresses and dates.
        raw = dict(message.raw_items()).get(name, "")
        return " ".join(str(raw).split())


def _body(message: EmailMessage, flow: FlowText) -> list[Warning]:
    if message.get_content_type() in _ENCRYPTED:
        return [Warning("encrypted_body", "The body of this message is encrypted and was not read.")]
    try:
        part = message.get_body(("plain", "html"))
    except (AttributeError, KeyError, ValueError):
        part = None
    if part is None:
        return [Warning("no_body", "No body was found in this message.")]
    text = _content(part)
    if part.get_content_type() == "text/html":
        read_html(text, flow)
        return []
    for paragraph in text.replace("\r\n", "\n").split("\n\n"):
        flow.paragraph(paragraph)
    return []


def _content(part: MIMEPart) -> str:
    payload = part.get_payload(decode=True)
    if isinstance(payload, bytes):
        return decode(payload, part.get_content_charset() or "")[0]
    return str(part.get_payload())


def _attachments(message: EmailMessage) -> list[str]:
    names = []
    for part in message.walk():
        if part.get_content_disposition() == "attachment" or (part.get_filename() and not part.is_multipart()):
            names.append(part.get_filename() or part.get_content_type())
    return names


def _attachments_sentence(names: list[str]) -> str:
    one = len(names) == 1
    subject, them = ("An attachment was", "it") if one else (f"{len(names)} attachments were", "them")
    return f"{subject} not read: {', '.join(names)}. Upload {them} too."
