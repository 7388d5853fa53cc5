"""Which files are put before a language model whole, in outline or not at all, by their sizes. Plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.types import Extent, PackedFile

OUTLINES_SHARE = 0.4  # of the room, at most: what is shared by all questions must leave room for what this one needs
NO_ROOM = "no room"
LEAST_TOKENS = 300  # a smaller file is weighed as if it had so many: small files are not better for being small


@dataclass(frozen=True)
class Candidate:
    """A file. rank: by importance, 0 first. score, why: how much it matters to the question; 0 if nothing says so."""

    document_id: str
    path: str
    home: str
    rank: int
    score: float = 0.0
    why: str = ""

    @property
    def order(self) -> tuple[str, str]:
        return self.home, self.path


Sizes = Callable[[Sequence[str]], dict[str, int]]


def outlined(candidates: Sequence[Candidate], *, room: int, sizes: Sizes, at_once: int = 200) -> dict[str, int]:
    """Return the files that get an outline with its tokens, by document id: the most important ones that fit.

    sizes: tokens of the outlines of these documents; asked for a few at a time, since not all may be needed. A file
    whose outline does not fit is passed over, and what comes after it still has its chance.
    """
    found: dict[str, int] = {}
    ranked = sorted(candidates, key=lambda each: (each.rank, each.order))
    for start in range(0, len(ranked), at_once):
        batch = ranked[start : start + at_once]
        counted = sizes([each.document_id for each in batch])
        for each in batch:
            if counted[each.document_id] <= room:
                found[each.document_id] = counted[each.document_id]
                room -= counted[each.document_id]
        if room < LEAST_TOKENS // 4:
            break
    return found


def chosen(candidates: Sequence[Candidate], *, room: int, sizes: Sizes, most: int = 120) -> dict[str, int]:
    """Return the files that are put whole with their tokens, by document id: the best by score for each token.

    sizes: tokens of these documents whole.
    """
    scored = sorted((each for each in candidates if each.score > 0), key=lambda each: (-each.score, each.order))[:most]
    counted = sizes([each.document_id for each in scored])
    found: dict[str, int] = {}
    worth = {each.document_id: each.score / max(LEAST_TOKENS, counted[each.document_id]) for each in scored}
    for each in sorted(scored, key=lambda each: (-worth[each.document_id], each.order)):
        if counted[each.document_id] <= room:
            found[each.document_id] = counted[each.document_id]
            room -= counted[each.document_id]
    return found


def fitted(candidates: Sequence[Candidate], outlines: Mapping[str, int], wholes: Mapping[str, int]) -> list[PackedFile]:
    """Return every file with its extent, tokens and reason, in the order of repositories and paths."""
    return [_file(each, outlines, wholes) for each in sorted(candidates, key=lambda each: each.order)]


def without_one(files: Sequence[PackedFile], excess: int, outlines: Mapping[str, int]) -> list[PackedFile]:
    """Return the files with one less whole: the smallest that makes room for `excess` tokens, else the largest."""
    wholes = sorted((file for file in files if file.extent is Extent.WHOLE), key=lambda file: file.tokens)
    if not wholes:
        return list(files)
    gone = next((file for file in wholes if file.tokens >= excess), wholes[-1])
    left = outlines.get(gone.document_id)
    less = replace(
        gone, extent=Extent.OUT if left is None else Extent.SKELETON, tokens=left or 0, why=f"{gone.why}, {NO_ROOM}"
    )
    return [less if file is gone else file for file in files]


def _file(each: Candidate, outlines: Mapping[str, int], wholes: Mapping[str, int]) -> PackedFile:
    id = each.document_id
    if id in wholes:
        return PackedFile(id, each.path, Extent.WHOLE, wholes[id], each.why)
    why = f"{each.why}, {NO_ROOM}" if each.why else ""
    if id in outlines:
        return PackedFile(id, each.path, Extent.SKELETON, outlines[id], why)
    return PackedFile(id, each.path, Extent.OUT, 0, why or NO_ROOM)
