"""What a query has found in a tree, sorted by what it is. Everything here is counted in bytes.

A query captures, each time with what belongs to it:

    @KIND    a definition of that kind of `types.ParsedSymbol`, with @name, and where there are such @body (its head
             ends before it), @doc (a docstring) and @owner (the type it belongs to, where it does not stand in it);
             the widest node that a name has counts, and the kind of the first pattern that finds it. @qualified
             stands for both: a name behind that of its owner (`Round::deliver`, `post.letters`)
    @scope   what definitions stand in without being one itself (an `impl` of Rust), with @name
    @lead    a decorator or an attribute
    @comment a comment
    @import  a statement that brings in other code, with @module and, for each name that it takes, @taken
    @use     an identifier
    @within  source in another language, such as a script in a page
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from tree_sitter import Node

from analysis.ingest.parse.code.grammars import Matches

KINDS = frozenset(
    "module class interface struct enum trait function method constructor property field constant type macro table "
    "rule key section".split()
)
# What belongs to a definition stands before it, with no more white space between than this.
_WIDEST_GAP = 500
# Around names that are written as strings or symbols.
_MARKS = b"\"'` \t"
_SPACE = re.compile(rb"\s*")


class Range(NamedTuple):
    """`source[start:end]`."""

    start: int
    end: int


@dataclass(frozen=True)
class Definition:
    """A name that is defined. pattern: the first one that found it. body: where its body starts."""

    kind: str
    pattern: int
    name: Range
    whole: Range
    body: int | None = None
    doc: Range | None = None
    owner: str = ""

    def joined(self, other: Definition) -> Definition:
        """Return what two patterns say of one name."""
        first, second = sorted((self, other), key=lambda each: each.pattern)
        return replace(
            first,
            whole=Range(min(self.whole.start, other.whole.start), max(self.whole.end, other.whole.end)),
            body=first.body or second.body,
            doc=first.doc or second.doc,
            owner=first.owner or second.owner,
        )


@dataclass
class Import:
    """A statement that brings in other code. taken: the names it takes, in order."""

    whole: Range
    module: str
    taken: list[str]


class Captures:
    """The captures of one file."""

    def __init__(self, source: bytes, matches: Matches) -> None:
        self.source = source
        self.definitions: dict[int, Definition] = {}
        self.uses: dict[int, str] = {}
        self.within: list[Range] = []
        self._imports: dict[tuple[int, int], Import] = {}
        self._comments: set[Range] = set()
        self._leads: set[Range] = set()
        for pattern, captures in matches:
            self._take(pattern, captures)
        self._before = sorted(self._comments | self._leads, key=lambda each: each.end)
        self._before_by_start = sorted(self._before)

    def _take(self, pattern: int, captures: dict[str, list[Node]]) -> None:
        if "use" in captures:
            self.uses.update((node.start_byte, self._text(node)) for node in captures["use"])
        elif "comment" in captures:
            self._comments.update(self._comment(node) for node in captures["comment"])
        elif "lead" in captures:
            self._leads.update(_range(node) for node in captures["lead"])
        elif "import" in captures:
            self._import(captures)
        elif "within" in captures:
            self.within += [_range(node) for node in captures["within"]]
        else:
            self._define(pattern, captures)

    def _text(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def _comment(self, node: Node) -> Range:
        # Some grammars have the line's end in a comment.
        start, end = node.byte_range
        return Range(start, start + len(self.source[start:end].rstrip()))

    def _import(self, captures: dict[str, list[Node]]) -> None:
        if "module" not in captures:
            return
        node, module = captures["import"][0], captures["module"][0]
        known = self._imports.setdefault(
            (node.start_byte, module.start_byte), Import(_range(node), self._text(module), [])
        )
        known.taken += [name for each in captures.get("taken", ()) if (name := self._text(each)) not in known.taken]

    def _define(self, pattern: int, captures: dict[str, list[Node]]) -> None:
        kind = next((name for name in captures if name in KINDS or name == "scope"), "")
        if not kind or not captures.keys() & {"name", "qualified"}:
            return
        name, before = self._name(captures, _MARKS if kind == "rule" else _MARKS + b":")
        body, doc, owner = (captures[each][0] if each in captures else None for each in ("body", "doc", "owner"))
        found = Definition(
            kind,
            pattern,
            name,
            _range(captures[kind][0]),
            body.start_byte if body else None,
            _range(doc) if doc else None,
            self._text(owner) if owner else before,
        )
        known = self.definitions.get(name.start)
        self.definitions[name.start] = known.joined(found) if known else found

    def _name(self, captures: dict[str, list[Node]], marks: bytes) -> tuple[Range, str]:
        """Return where the name is, without the marks around it, and the owner's that stands before it."""
        if "name" in captures:
            name, before = _range(captures["name"][0]), ""
        else:
            whole = _range(captures["qualified"][0])
            before = self.source[slice(*whole)].decode("utf-8", "replace")
            cut = max(before.rfind("::") + 1, before.rfind("."))
            name = Range(whole.start + len(before[: cut + 1].encode()), whole.end) if cut > 0 else whole
            before = before[: max(cut, 0)].rstrip(":")
        words = self.source[slice(*name)]
        bare = words.lstrip(marks)
        start = name.start + len(words) - len(bare)
        return Range(start, start + len(bare.rstrip(marks))) if bare.rstrip(marks) else name, before

    @property
    def imports(self) -> list[Import]:
        """The imports in the order of the text."""
        return [self._imports[place] for place in sorted(self._imports)]

    def names_used(self, own: Iterable[str]) -> dict[str, list[int]]:
        """Return where each name is used that is not being defined there, words of the language's `own` left out."""
        left_out = set(own)
        places: dict[str, list[int]] = defaultdict(list)
        for start in sorted(self.uses.keys() - self.definitions.keys()):
            if self.uses[start] not in left_out:
                places[self.uses[start]].append(start)
        return places

    def opening(self, start: int) -> tuple[int, Range | None]:
        """Return where what belongs to the definition at `start` begins, and the comment before it, if any."""
        doc: Range | None = None
        at = bisect_right(self._before, start, key=lambda each: each.end) - 1
        while at >= 0 and self._adjoins(self._before[at], start):
            found = self._before[at]
            if found in self._comments:
                doc = Range(found.start, doc.end if doc else found.end)
            start, at = found.start, at - 1
        return start, doc

    def _adjoins(self, found: Range, start: int) -> bool:
        """Whether there is white space without an empty line between, and a comment has its lines for itself."""
        if found.start == 0 and self.source.startswith(b"#!"):
            return False
        gap = self.source[found.end : min(start, found.end + _WIDEST_GAP)]
        if start - found.end > _WIDEST_GAP or gap.strip() or gap.count(b"\n") > 1:
            return False
        return found not in self._comments or self._opens_line(found)

    def closing(self, whole: Range) -> int:
        """Return where the definition ends without white space, and without comments that belong to the next one."""
        end = self._trimmed(whole.start, whole.end)
        while comment := self._comment_up_to(whole.start, end):
            end = self._trimmed(whole.start, comment.start)
        return end

    def _trimmed(self, start: int, end: int) -> int:
        tail = self.source[max(start, end - _WIDEST_GAP) : end]
        return end - len(tail) + len(tail.rstrip())

    def _comment_up_to(self, start: int, end: int) -> Range | None:
        at = bisect_right(self._before, end, key=lambda each: each.end) - 1
        found = self._before[at] if at >= 0 else None
        return found if found and found.end == end and found.start > start and self._opens_line(found) else None

    def _opens_line(self, found: Range) -> bool:
        line = self.source.rfind(b"\n", 0, found.start) + 1
        return not self.source[line : found.start].strip()

    def head(self, start: int) -> int:
        """Return where the definition that starts at `start` begins without what stands before its own words."""
        at = bisect_left(self._before_by_start, (start, 0))
        while at < len(self._before_by_start) and self._before_by_start[at].start == start:
            space = _SPACE.match(self.source, self._before_by_start[at].end)
            start = space.end() if space else start
            at = bisect_left(self._before_by_start, (start, 0))
        return start


def _range(node: Node) -> Range:
    return Range(*node.byte_range)
