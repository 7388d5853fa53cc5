"""The mail that is not sent: messages in a folder, where no SMTP server is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings

# As Django's file backend names them, the newest last, and what it writes below each message.
FILE_NAME = re.compile(r"\d{8}-\d{6}-\d+\.log")
LINE = b"-" * 79 + b"\n"


@dataclass(frozen=True)
class Message:
    """One message. name, number: the file it lies in and its place there, from 1."""

    name: str
    number: int
    to: str
    subject: str
    sent_at: datetime | None
    text: str


def mail_folder() -> Path | None:
    """Return where unsent mail lies; None where it is sent."""
    folder = getattr(settings, "EMAIL_FILE_PATH", "")
    return Path(folder) if folder else None


def messages(limit: int) -> list[Message]:
    """Return the newest messages, newest first."""
    found: list[Message] = []
    for path in _files():
        found += reversed(list(_messages_in(path)))
        if len(found) >= limit:
            break
    return found[:limit]


def message_of(name: str, number: int) -> Message | None:
    """Return one message; None if there is none of that name and number."""
    path = next((path for path in _files() if path.name == name), None)
    return next((message for message in _messages_in(path) if message.number == number), None) if path else None


def _files() -> list[Path]:
    folder = mail_folder()
    if folder is None or not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if FILE_NAME.fullmatch(path.name)), reverse=True)


def _messages_in(path: Path) -> Iterator[Message]:
    parts = (part for part in path.read_bytes().split(LINE) if part.strip())
    for number, raw in enumerate(parts, start=1):
        mail = message_from_bytes(raw, EmailMessage, policy=policy.default)
        body = mail.get_body(("plain",))
        yield Message(
            name=path.name,
            number=number,
            to=str(mail["To"] or ""),
            subject=str(mail["Subject"] or ""),
            sent_at=mail["Date"].datetime if mail["Date"] else None,
            text=str(body.get_content()) if body else "",
        )
