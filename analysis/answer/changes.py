"""What changed between two snapshots, and why it matters.

First what is exact, in Lectern's own words: how many files and lines, and each definition that was added, removed or is
called otherwise, with its line. Then a language model reads the differences, those that weigh most first, and says what
they come to; what it was not given is said.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext

from analysis.answer import masked, prompt
from analysis.answer.budget import CALL_SECONDS, output_reserve, prompt_room
from analysis.answer.code_places import place_in_words
from analysis.answer.prompt import DocumentText, Home
from analysis.answer.receipt import coverage, passages_of
from analysis.answer.stated import Line, Said, code
from analysis.english import one_or_many
from analysis.errors import UserError
from analysis.llm.catalogue import LLM
from analysis.llm.speed import speed_of
from analysis.llm.tokens import count_many, count_prompt
from analysis.models import Question, Snapshot
from analysis.models.lease import renew
from analysis.repository.changed_symbols import SymbolChange, SymbolChangeKind, changed_symbols
from analysis.repository.changes import ChangeKind, FileChange, changed_files
from analysis.repository.diff import Hunk, diff
from analysis.repository.lines import line_table
from analysis.repository.modules import imports_of
from analysis.repository.tree import FileNode, aside
from analysis.types import Mode, Priority, Prompt, ReadingPlan, Source

if TYPE_CHECKING:
    from analysis.answer.run import Run, Written

READ_FILES = 200  # whose differences are looked at: more than any window takes
ASIDE_SHARE = 0.3  # of what a test or an example weighs, against the program
LARGEST_LINES = 400  # of a hunk: a longer one is a file put in or taken out, of which its beginning tells most
LINES_LISTED = 30
PLACE_TOKENS = 24  # what stands around a hunk in a prompt
NAMED = 8
WANTED = (
    "These are the differences between two versions of a code base: lines with - were taken out, lines with + put in. "
    "Say what changed and why it matters to people who use or maintain this code, the most important first. Put "
    "together what belongs together, name the files and functions, and do not go through the lines one by one. Say "
    "what may break for those who call it. Write full sentences."
)


@dataclass(frozen=True)
class Piece:
    """A hunk of a file: its lines as the model sees them, and the places in either version that it shows."""

    change: FileChange
    text: str
    place: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Changes:
    """Two snapshots of a repository and what lies between them."""

    old: Snapshot
    new: Snapshot
    llm: LLM

    @cached_property
    def files(self) -> list[FileChange]:
        """Every file that changed and is read in either snapshot."""
        return [change for change in changed_files(self.old, self.new) if _read(change.old) or _read(change.new)]

    @cached_property
    def weighed(self) -> list[FileChange]:
        """The files that changed, what weighs most first: by changed lines, and by how many files import them."""
        graph = imports_of(self.new)

        def weight(change: FileChange) -> float:
            importers = len(graph.importers(change.path))
            share = ASIDE_SHARE if aside(change.path) else 1.0
            return share * math.log1p(change.added + change.removed) * (1 + math.log1p(importers))

        return sorted(self.files, key=lambda change: (-weight(change), change.path))

    @cached_property
    def chosen(self) -> list[Piece]:
        """The hunks that fit, what weighs most first."""
        pieces = list(self._pieces())
        counted = count_many([piece.text for piece in pieces], self.llm)
        frame = count_prompt(self.prompt([]).messages, self.llm).tokens
        room = min(prompt_room(self.llm, output_reserve(self.llm)) - frame, self.llm.part_tokens)
        found = []
        for piece, count in zip(pieces, counted, strict=True):
            tokens = count.tokens + PLACE_TOKENS
            if tokens <= room:
                found.append(piece)
                room -= tokens
        return found

    @property
    def left_out(self) -> list[str]:
        """The files of which not every difference is among what was chosen."""
        given = Counter(piece.change.path for piece in self.chosen)
        return [change.path for change in self.weighed if given[change.path] < self._hunks.get(change.path, 1)]

    def prompt(self, pieces: Sequence[Piece]) -> Prompt:
        """Return the prompt that shows `pieces`."""
        home = Home(self.new.repository.name, str(self.new.repository_id), f"{self.old.label} to {self.new.label}")
        held: dict[str, list[Piece]] = defaultdict(list)
        for piece in pieces:
            held[piece.change.path].append(piece)
        documents = [_shown(path, each, home) for path, each in held.items()] or [
            DocumentText("", "", 0, "", home=home)
        ]
        made = prompt.passages_prompt(documents, [], WANTED, max_output_tokens=output_reserve(self.llm))
        return replace(made, sources=[source for piece in pieces for source in piece.sources])

    def plan(self) -> ReadingPlan:
        """Return what the model is given, and what that takes."""
        tokens = count_prompt(self.prompt(self.chosen).messages, self.llm).tokens if self.chosen else 0
        output = output_reserve(self.llm)
        cost = self.llm.cost_usd(prompt_tokens=tokens, cached_tokens=0, completion_tokens=output)
        read = len({piece.change.path for piece in self.chosen})
        return ReadingPlan(
            mode=Mode.PASSAGES,
            requested=Mode.AUTO,
            why=f"The differences of {read:,} of {len(self.files):,} changed files are read.",
            llm=self.llm.id,
            document_ids=[],
            document_tokens=tokens,
            prompt_tokens=tokens,
            cached_tokens=0,
            window_tokens=self.llm.window_tokens,
            output_tokens=output,
            expected_seconds=round(CALL_SECONDS + tokens / speed_of(self.llm).prefill, 1),
            cost_usd_cold=cost,
            cost_usd_cached=cost,
        )

    @cached_property
    def _hunks(self) -> dict[str, int]:
        """How many hunks each file has that was looked at."""
        return Counter(piece.change.path for piece in self._pieces())

    def _pieces(self) -> Iterator[Piece]:
        looked_at = self.weighed[:READ_FILES]
        versions = {file.version_id for change in looked_at for file in (change.old, change.new) if file}
        texts = masked.texts(version_id for version_id in versions if version_id is not None)
        for change in looked_at:
            before, after = (_text(texts, file) for file in (change.old, change.new))
            for hunk in diff(before, after).hunks:
                yield _piece(change, hunk, before, after)


def changes_of(question: Question, llm: LLM) -> Changes:
    """Return what lies between the question's snapshots. Raises UserError no_documents unless both are ready."""
    old, new = question.snapshot_from, question.snapshot_to
    if old is None or new is None or not (old.ready and new.ready):
        raise UserError(
            gettext("Both versions must have been read in before they can be compared."), code="no_documents"
        )
    return Changes(old, new, llm)


def plan_changes(question: Question, llm: LLM) -> ReadingPlan:
    """Return what the model would be given of what changed; raises as `changes_of`."""
    return changes_of(question, llm).plan()


def write_changes(run: Run) -> Written:
    """Write what changed between the question's snapshots, and return what it was written from."""
    from analysis.answer.run import Written, put

    run.writer.priority = Priority.SWEEP
    changes = changes_of(run.answer.question, run.llm)
    run.writer.progress("comparing", f"Comparing {changes.old.label} with {changes.new.label}")
    plan = changes.plan()
    renew(run.rows, run.token, plan=asdict(plan), mode=plan.mode)
    said = Said()
    said.say(run.writer, f"{_totals(changes)}\n")
    _say_symbols(run, said, changes)
    asked = changes.prompt(changes.chosen)
    if changes.chosen and not run.writer.should_stop():
        run.writer.add_heading("What it means")
        if put(run, asked, [], lambda done, total: "Reading the differences").finish_reason == "length":
            run.writer.cut_to_sentence()
        if changes.left_out:
            said.say(run.writer, f"\n\n{_left_out(changes.left_out)}")
    return Written(plan, asked.sources, _receipt(run, plan, changes, asked.sources), said.own, said.quoted)


def _receipt(run: Run, plan: ReadingPlan, changes: Changes, sources: Sequence[Source]) -> dict[str, Any]:
    receipt = coverage(plan, [], [], run.writer.usage)
    return receipt | {
        "passages": passages_of(sources),
        "changes": {
            "from": changes.old.number,
            "to": changes.new.number,
            "files_changed": len(changes.files),
            "files_read": len({piece.change.path for piece in changes.chosen}),
            "left_out": changes.left_out,
        },
    }


def _totals(changes: Changes) -> str:
    """Return how many files and lines changed, in a sentence or two."""
    if not changes.files:
        return f"No file that is read differs between {changes.old.label} and {changes.new.label}."
    kinds = Counter(change.kind for change in changes.files)
    counted = ", ".join(f"{kinds[kind]:,} {kind}" for kind in ChangeKind if kinds[kind])
    added = sum(change.added for change in changes.files)
    removed = sum(change.removed for change in changes.files)
    total = one_or_many("1 file differs", "%(count)s files differ", len(changes.files)) % {
        "count": f"{len(changes.files):,}"
    }
    return (
        f"Between {changes.old.label} and {changes.new.label} {total}: {counted}. "
        f"{added:,} lines were added and {removed:,} removed."
    )


def _say_symbols(run: Run, said: Said, changes: Changes) -> None:
    """List the definitions that were added, removed, or are called otherwise; those of tests are counted only."""
    found = changed_symbols(changes.weighed[:READ_FILES])
    listed = [each for each in found if each.kind is not SymbolChangeKind.BODY and not aside(each.file_path)]
    if listed:
        run.writer.add_heading("Definitions")
        said.list(run.writer, _symbol_lines(changes, listed), most=LINES_LISTED)
    others = Counter(aside(each.file_path) for each in found if each not in listed)
    words = [
        f"{others[beside]:,} {what}"
        for beside, what in ((False, "others do something else, called as before"), (True, "in tests and examples"))
        if others[beside]
    ]
    if words:
        said.say(run.writer, f"\nBesides: {'; '.join(words)}.\n" if listed else f"\n{'; '.join(words)}.\n")


def _symbol_lines(changes: Changes, symbols: Sequence[SymbolChange]) -> list[Line]:
    """Return a line for each symbol, borne out by the line where it begins, in the new version if it is there."""
    sides = [_side(changes, each) for each in symbols]
    versions = [file.version_id for file, _ in sides if file and file.version_id]
    texts, hidden = masked.texts(versions), masked.hider(versions)
    lines = []
    for each, (file, line) in zip(symbols, sides, strict=True):
        source = _line_source(file, line, texts)
        place = place_in_words(file.path if file else each.file_path, line or 0, line or 0)
        lines.append(Line(f"{hidden(_symbol_words(each))}, {code(place)}", source))
    return lines


def _side(changes: Changes, each: SymbolChange) -> tuple[FileNode | None, int | None]:
    """Return the file and the line where the symbol is now, or was last."""
    change = next((change for change in changes.files if change.path == each.file_path), None)
    if each.new_line is not None:
        return (change.new if change else None), each.new_line
    return (change.old if change else None), each.old_line


def _line_source(file: FileNode | None, line: int | None, texts: Mapping[int, str]) -> Source | None:
    if file is None or file.version_id is None or not line:
        return None
    text = texts.get(file.version_id, "")
    span = line_table(text).span_of(line, line)
    return Source(str(file.document_id), file.path, file.version_id, *span, text[slice(*span)])


def _symbol_words(each: SymbolChange) -> str:
    match each.kind:
        case SymbolChangeKind.ADDED:
            return f"New: {code(each.new_signature or each.path)}"
        case SymbolChangeKind.REMOVED:
            return f"Gone: {code(each.old_signature or each.path)}"
        case _:
            return (
                f"{code(each.path)}, declared otherwise: {code(each.old_signature)} became {code(each.new_signature)}"
            )


def _left_out(paths: Sequence[str]) -> str:
    more = len(paths) - NAMED
    names = ", ".join(map(code, paths[:NAMED])) + (f" and {more:,} more" if more > 0 else "")
    return f"Not everything was read for this: there was no room for all differences of {names}."


def _read(file: FileNode | None) -> bool:
    return file is not None and file.read


def _text(texts: Mapping[int, str], file: FileNode | None) -> str:
    return texts.get(file.version_id or 0, "") if file else ""


def _piece(change: FileChange, hunk: Hunk, before: str, after: str) -> Piece:
    lines = hunk.lines[:LARGEST_LINES]
    text = "\n".join(f"{line.mark}{line.text.rstrip(chr(10))}" for line in lines)
    cut = f", its first {LARGEST_LINES} of {len(hunk.lines):,} lines" if len(hunk.lines) > LARGEST_LINES else ""
    old = _shown_lines((line.old_line for line in lines if line.mark == "-"), change.old, before)
    new = _shown_lines((line.new_line for line in lines if line.mark != "-"), change.new, after)
    place = f"{change.kind}, line {hunk.new_line if change.new else hunk.old_line}{cut}"
    return Piece(change, text, place, (*new, *old))


def _shown_lines(lines: Iterable[int | None], file: FileNode | None, text: str) -> list[Source]:
    """Return the lines as a source, from the first to the last of them; none if there are none."""
    numbers = [line for line in lines if line]
    if not numbers or file is None or file.version_id is None:
        return []
    span = line_table(text).span_of(min(numbers), max(numbers))
    return [Source(str(file.document_id), file.path, file.version_id, *span, text[slice(*span)])]


def _shown(path: str, pieces: Sequence[Piece], home: Home) -> DocumentText:
    """Return a file with its hunks in the order of the text."""
    ordered = sorted(pieces, key=lambda piece: piece.sources[0].start_char if piece.sources else 0)
    parts = [(Source("", path, 0, 0, 0, piece.text), piece.place) for piece in ordered]
    return DocumentText("", path, 0, "", parts=parts, home=home)
