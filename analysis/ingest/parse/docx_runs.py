"""The words of one DOCX paragraph: fields by their results, changes settled, notes and text boxes collected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from analysis.ingest.parse.docx_changes import KINDS, Changes, leaves_out
from analysis.ingest.parse.wordml import attribute, child, children, is_on, local

PAGE_BREAK = "\f"
_PLAIN = {"tab": " ", "cr": "\n", "noBreakHyphen": "-", "ptab": " ", "lastRenderedPageBreak": PAGE_BREAK}
_SYMBOLS = {"F0B7": "•", "F0A7": "▪", "F0FC": "✓", "F0FE": "☒", "F0A8": "☐", "F06F": "☐", "F0D3": "©", "F0D2": "®"}
# Properties, and the old state that a tracked change of formatting keeps.
_SKIPPED = {"pPr", "rPr", "sdtPr", "sdtEndPr", "instrText", "delInstrText", "fldData", "ruby_rt", "rt"}


@dataclass
class Notes:
    """What paragraphs refer to: footnotes and endnotes by id in the order of their marks."""

    footnotes: dict[str, int] = field(default_factory=dict)
    endnotes: dict[str, int] = field(default_factory=dict)
    hidden: bool = False
    rendered_breaks: bool = False


class Runs:
    """Reads paragraphs; `boxes` holds the text boxes met since it was emptied last."""

    def __init__(self, changes: Changes, notes: Notes) -> None:
        self.changes = changes
        self.notes = notes
        self.boxes: list[Any] = []
        self._fields: list[bool] = []  # for each open field: whether its result has begun

    def text(self, paragraph: Any) -> str:
        """Return a paragraph's words; PAGE_BREAK stands where a page ends."""
        return self._inside(paragraph)

    def _inside(self, element: Any) -> str:
        return "".join(self._one(one) for one in element)

    def _one(self, element: Any) -> str:
        name = local(element)
        if name in _SKIPPED or not name:
            return ""
        if name in {"t", "delText"}:
            return "" if self._in_instruction() else element.text or ""
        if name in _PLAIN:
            self.notes.rendered_breaks |= name == "lastRenderedPageBreak"
            return _PLAIN[name]
        return self._change(element, name) if name in KINDS else self._special(element, name)

    def _special(self, element: Any, name: str) -> str:
        read = {
            "r": self._run,
            "br": _break,
            "sym": lambda symbol: _SYMBOLS.get(attribute(symbol, "char").upper(), ""),
            "fldChar": self._field_mark,
            "footnoteReference": self._note_mark,
            "endnoteReference": self._note_mark,
            "AlternateContent": self._alternative,
            "txbxContent": self._box,
        }.get(name, self._inside)
        return read(element)

    def _box(self, element: Any) -> str:
        self.boxes.append(element)
        return ""

    def _run(self, run: Any) -> str:
        properties = child(run, "rPr")
        text = self._inside(run)
        if properties is not None and is_on(properties, "vanish") and text.strip():
            self.notes.hidden = True
            return ""
        return text

    def _change(self, element: Any, kind: str) -> str:
        text = self._inside(element)
        self.changes.note(element, kind, text)
        return "" if leaves_out(kind) else text

    def _field_mark(self, element: Any) -> str:
        kind = attribute(element, "fldCharType")
        if kind == "begin":
            self._fields.append(False)
        elif kind == "separate" and self._fields:
            self._fields[-1] = True
        elif kind == "end" and self._fields:
            self._fields.pop()
        return ""

    def _in_instruction(self) -> bool:
        return not all(self._fields)

    def _note_mark(self, element: Any) -> str:
        numbers = self.notes.footnotes if local(element) == "footnoteReference" else self.notes.endnotes
        return f"[{numbers.setdefault(attribute(element, 'id'), len(numbers) + 1)}]"

    def _alternative(self, element: Any) -> str:
        """Of a drawing's two forms, new and old, take the one that has the words; they are the same words."""
        for choice in [*children(element, "Choice"), *children(element, "Fallback")]:
            before = len(self.boxes)
            text = self._inside(choice)
            if text or len(self.boxes) > before:
                return text
        return ""


def _break(element: Any) -> str:
    return PAGE_BREAK if attribute(element, "type") == "page" else "\n"
