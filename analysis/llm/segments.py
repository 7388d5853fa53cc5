"""A prompt as it is kept: its words, with a span of a document version in place of the document's words.

So the exact prompt of any call can be shown again at the cost of a few lines, and nothing of a deleted document stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from analysis.llm.control_words import quoted
from analysis.types import Message, Prompt, Source, Span

Segments = list[dict[str, Any]]

DELETED = "[These words were deleted with their document.]"


@dataclass(frozen=True)
class Piece:
    """Words of a message as they were sent. document_name: whose words they are; None for Lectern's and people's.

    gone: the document was deleted, and `text` says so in the words' place.
    """

    text: str
    document_name: str | None = None
    gone: bool = False


@dataclass(frozen=True)
class SentMessage:
    """A message as it was sent. media: the kinds of pictures and recordings before its words, which are not kept."""

    role: str
    pieces: list[Piece]
    media: list[str]

    @property
    def content(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def segments(prompt: Prompt) -> Segments:
    """Return an entry a message: role, kinds of media, and pieces, each str or [version_id, start_char, end_char]."""
    left = [source for source in prompt.sources if source.text]
    return [
        {"role": message.role, "media": [each.mime for each in message.media], "pieces": _pieces(message, left)}
        for message in prompt.messages
    ]


def rebuilt(kept: Segments) -> list[SentMessage]:
    """Return the messages, exactly as they were sent, but for what was deleted since."""
    texts = _texts(piece[0] for entry in kept for piece in entry["pieces"] if not isinstance(piece, str))
    return [
        SentMessage(entry["role"], [_piece(piece, texts) for piece in entry["pieces"]], entry.get("media", []))
        for entry in kept
    ]


def _pieces(message: Message, left: list[Source]) -> list[Any]:
    """Return the message's pieces; the sources that stand in it are taken off `left`."""
    pieces: list[Any] = []
    at = 0
    for span, source in _places(message, left):
        pieces += [message.content[at : span.start_char], [source.version_id, source.start_char, source.end_char]]
        at = span.end_char
    return [_storable(piece) for piece in [*pieces, message.content[at:]] if piece]


def _places(message: Message, left: list[Source]) -> list[tuple[Span, Source]]:
    """Return where sources stand in the message, in order.

    The longest are looked for first, so that no short one is taken for a stretch of a long one.
    """
    if message.role != "user":
        return []
    found: list[tuple[Span, Source]] = []
    for source in sorted(left, key=lambda source: -len(source.text)):
        span = _place(quoted(source.text), message.content, [taken for taken, _ in found])
        if span:
            found.append((span, source))
            left.remove(source)
    return sorted(found, key=lambda each: each[0])


def _place(words: str, content: str, taken: list[Span]) -> Span | None:
    """Return where the words stand by themselves, on lines of their own if they do so anywhere."""
    first = None
    start = content.find(words)
    while start >= 0:
        span = Span(start, start + len(words))
        if not any(each.start_char < span.end_char and span.start_char < each.end_char for each in taken):
            if _own_lines(span, content):
                return span
            first = first or span
        start = content.find(words, start + 1)
    return first


def _own_lines(span: Span, content: str) -> bool:
    before, after = content[max(0, span.start_char - 1) : span.start_char], content[span.end_char : span.end_char + 1]
    return before in ("", "\n") and after in ("", "\n")


def _storable(piece: Any) -> Any:
    """Return the piece as PostgreSQL can keep it: a completion that is sent on may hold what JSON there may not."""
    if not isinstance(piece, str):
        return piece
    return piece.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _texts(version_ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Return (document's name, canonical text) of those of the versions that are still there."""
    from analysis.models import VersionText

    rows = VersionText.objects.filter(version__in=set(version_ids))
    return {pk: (name, text) for pk, name, text in rows.values_list("version", "version__document__name", "text")}


def _piece(piece: Any, texts: dict[int, tuple[str, str]]) -> Piece:
    if isinstance(piece, str):
        return Piece(piece)
    version_id, start_char, end_char = piece
    if version_id not in texts:
        return Piece(DELETED, "", gone=True)
    name, text = texts[version_id]
    return Piece(quoted(text[start_char:end_char]), name)
