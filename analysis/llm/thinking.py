"""Thinking aloud inside a completion's content, told apart from the answer."""

from __future__ import annotations

from collections.abc import Iterator

OPENING, CLOSING = "<think>", "</think>"
Piece = tuple[str, str]  # ("reasoning" or "text", words)


class ThinkTags:
    """Splits content in which a model's thinking stands between tags, however the chunks cut them.

    Only the beginning counts: a chat template puts thinking there and nowhere else, and an answer may well quote such a
    tag. opened: the template has put the opening tag into the prompt already, so the content begins inside.
    """

    def __init__(self, *, opened: bool = False) -> None:
        self._held = ""
        self._state = "begun"
        self._opened = opened
        self._thought = ""

    def feed(self, text: str) -> Iterator[Piece]:
        """Yield what is certain now; what may be the beginning of a tag is held back."""
        self._held += text
        while piece := self._next():
            if piece[1]:
                yield piece

    def end(self, *, complete: bool) -> Iterator[Piece]:
        """Yield what was held back. complete: the model came to its end by itself.

        One that was thought to think from the first word and never closed the tag has answered without thinking.
        """
        if self._state == "thinking":
            if self._held:
                yield "reasoning", self._held
            if complete and self._opened:
                yield "text", self._thought + self._held
        elif self._held.strip():
            yield "text", self._held
        self._held = ""

    def told_apart(self) -> None:
        """Note that the endpoint tells thinking apart itself: the content is the answer from its first word."""
        self._opened = False

    def _next(self) -> Piece | None:
        """Return the next piece, with empty words where only the state changed, None when more is needed."""
        if not self._held:
            return None
        steps = {"begun": self._begin, "opened": self._open, "thinking": self._think, "answer": self._answer}
        return steps.get(self._state, self._text)()

    def _begin(self) -> Piece | None:
        start = self._held.lstrip()
        if start.startswith(OPENING):
            self._state, self._held, self._opened = "opened", start[len(OPENING) :], False
        elif OPENING.startswith(start):
            return None
        else:
            self._state = "thinking" if self._opened else "text"
        return "text", ""

    def _open(self) -> Piece | None:
        """Drop the line ends between the tag and thinking."""
        self._held = self._held.lstrip("\n")
        if not self._held:
            return None
        self._state = "thinking"
        return "text", ""

    def _think(self) -> Piece | None:
        thought, closing, rest = self._held.partition(CLOSING)
        if closing:
            self._state, self._held = "answer", rest
        else:
            kept = _beginning_of(CLOSING, thought)
            thought, self._held = thought[: len(thought) - kept], thought[len(thought) - kept :]
            if not thought:
                return None
        self._thought += thought
        return "reasoning", thought

    def _answer(self) -> Piece | None:
        """Drop the blank lines between thinking and answer."""
        self._held = self._held.lstrip()
        if not self._held:
            return None
        self._state = "text"
        return "text", ""

    def _text(self) -> Piece | None:
        text, self._held = self._held, ""
        return "text", text


def _beginning_of(tag: str, text: str) -> int:
    """Return how many characters at the end of `text` may be the beginning of `tag`."""
    return next((n for n in range(min(len(tag) - 1, len(text)), 0, -1) if text.endswith(tag[:n])), 0)
