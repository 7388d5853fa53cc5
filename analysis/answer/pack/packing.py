"""From documents and the files of repositories to what a prompt holds of them, to the token."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from uuid import UUID

from django.core.cache import cache

from analysis.answer import masked, material
from analysis.answer.pack import fit
from analysis.answer.pack.importance import by_importance
from analysis.answer.pack.listing import listing
from analysis.answer.pack.outlines import OUTLINE_VERSION, REMEMBER_SECONDS, outlines
from analysis.answer.pack.relevance import relevance
from analysis.answer.prompt import DocumentText, Home, file_block, listing_block
from analysis.llm import tokens
from analysis.llm.catalogue import LLM
from analysis.models import Document, Repository, Snapshot
from analysis.repository.tree import tree_of
from analysis.types import Extent, Hit, PackedFile, Source, Span

LISTING_SHARE = 0.05  # of the room
HITS = 60

Find = Callable[[], Sequence[Hit]]


@dataclass(frozen=True)
class Packed:
    """What a prompt holds. shared: what every question on these snapshots begins with; wholes: files that this one
    needs.
    """

    shared: list[DocumentText]
    wholes: list[DocumentText]


@dataclass(frozen=True)
class Packing:
    """Files to be packed for one question. room: tokens for all of it, without what is said around it.

    base: tokens that the shares of what all questions share are of; the same for every question. find: the passages of
    the files that match the question; asked for only when something can be packed.
    """

    files: Sequence[Document]
    question: str
    llm: LLM
    base: int
    room: int
    find: Find

    @cached_property
    def described(self) -> dict[str, DocumentText]:
        return {each.document_id: each for each in material.described_all(self.files)}

    @cached_property
    def snapshots(self) -> dict[UUID, Snapshot]:
        ids = {document.repository_id for document in self.files if document.repository_id}
        rows = Repository.objects.filter(pk__in=ids, snapshot__isnull=False).select_related("snapshot")
        return {row.pk: row.snapshot for row in rows.defer("credential") if row.snapshot}

    @cached_property
    def candidates(self) -> list[fit.Candidate]:
        ranks: dict[int, int] = {}
        for snapshot in self.snapshots.values():
            ranks |= by_importance(snapshot)
        return [_candidate(document, self.described[str(document.pk)], ranks) for document in self.files]

    @cached_property
    def listings(self) -> dict[Home, str]:
        """The tree of each repository, in words."""
        homes = {each.home for each in self.described.values() if each.home}
        limit = int(self.base * LISTING_SHARE / max(1, len(homes)))
        trees = {str(id): tree_of(snapshot) for id, snapshot in self.snapshots.items()}
        return {
            home: listing(trees[home.id], limit=limit, size=lambda text: tokens.count_tokens(text, self.llm))
            for home in sorted(homes)
            if home.id in trees
        }

    @cached_property
    def listing_tokens(self) -> int:
        return sum(tokens.count_tokens(listing_block(home, text), self.llm) for home, text in self.listings.items())

    @cached_property
    def outlined(self) -> dict[str, int]:
        """The files that get an outline, with its tokens; the same for every question."""
        room = int(self.base * fit.OUTLINES_SHARE) - self.listing_tokens
        return fit.outlined(self.candidates, room=room, sizes=self._outline_sizes) if room > 0 else {}

    @property
    def shared_tokens(self) -> int:
        return self.listing_tokens + sum(self.outlined.values())

    def fitted(self, most_tokens: int | None = None) -> list[PackedFile]:
        """Return how the files are put before the LLM. most_tokens: for whole files, where it is less than the room."""
        hits = self.find()
        relevant = relevance(self.question, self.files, hits, self.snapshots)
        scored = [
            replace(each, score=known.score, why=known.why) if (known := relevant.get(each.document_id)) else each
            for each in self.candidates
        ]
        room = self.room - self.shared_tokens
        room = room if most_tokens is None else max(0, min(room, most_tokens))
        return fit.fitted(scored, self.outlined, fit.chosen(scored, room=room, sizes=self._whole_sizes))

    def packed(self, files: Sequence[PackedFile]) -> Packed:
        """Return the texts of what was fitted, as prompts have them."""
        by_id = {str(document.pk): document for document in self.files}
        wholes = material.with_texts(by_id[file.document_id] for file in files if file.extent is Extent.WHOLE)
        return Packed([*self.listed, *self._outlines(list(self.outlined))], wholes)

    @property
    def listed(self) -> list[DocumentText]:
        """The trees as texts of their own, so that what all questions share is known by them too."""
        return [
            DocumentText("", "", 0, hashlib.sha256(text.encode()).hexdigest(), text, home=home)
            for home, text in self.listings.items()
            if text
        ]

    @property
    def shared(self) -> list[DocumentText]:
        """What every question shares, without the texts: enough for its prefix key."""
        return [*self.listed, *(as_outline(self.described[id]) for id in self.outlined)]

    def _outlines(self, ids: Sequence[str]) -> list[DocumentText]:
        versions = [self.described[id].version_id for id in ids]
        spans, texts = outlines(versions), masked.texts(versions)
        return [_outline(self.described[id], spans, texts) for id in ids]

    def _outline_sizes(self, ids: Sequence[str]) -> dict[str, int]:
        return self._sizes(ids, f"outline:{OUTLINE_VERSION}", self._outlines)

    def _whole_sizes(self, ids: Sequence[str]) -> dict[str, int]:
        by_id = {str(document.pk): document for document in self.files}
        return self._sizes(ids, "whole", lambda wanted: material.with_texts(by_id[id] for id in wanted))

    def _sizes(
        self, ids: Sequence[str], what: str, texts: Callable[[Sequence[str]], Iterable[DocumentText]]
    ) -> dict[str, int]:
        """Return the tokens of files as they stand in a prompt, counted once for each version, path and LLM."""
        keys = {f"block:{what}:{self.llm.id}:{_block_key(self.described[id])}": id for id in ids}
        known: dict[str, int] = cache.get_many(keys) if keys else {}
        found = {keys[key]: size for key, size in known.items()}
        missing = [id for id in ids if id not in found]
        if missing:
            blocks = {each.document_id: file_block(each) for each in texts(missing)}
            counted = tokens.count_many(list(blocks.values()), self.llm)
            sizes = {id: count.tokens + 1 for id, count in zip(blocks, counted, strict=True)}
            names = {id: key for key, id in keys.items()}
            cache.set_many({names[id]: size for id, size in sizes.items()}, timeout=REMEMBER_SECONDS)
            found |= sizes
        return found


def packing(
    files: Sequence[Document], question: str, llm: LLM, *, base: int, room: int, find: Find | None = None
) -> Packing:
    """Return the packing of these files for a question; nothing is looked up yet. find: instead of a search for it."""

    def search() -> Sequence[Hit]:
        from analysis.answer.retrieve import retrieve

        rows = Document.objects.filter(pk__in=[document.pk for document in files])
        return retrieve(question, documents=rows, limit=HITS)

    return Packing(files, question, llm, base, room, find or search)


def as_outline(document: DocumentText) -> DocumentText:
    """Return the document as one of which the outline is given."""
    return replace(document, digest=f"outline:{OUTLINE_VERSION}:{document.digest}", outline=True)


def _candidate(document: Document, text: DocumentText, ranks: Mapping[int, int]) -> fit.Candidate:
    home = text.home.name if text.home else ""
    return fit.Candidate(text.document_id, document.path, home, ranks.get(text.version_id, len(ranks)))


def _outline(document: DocumentText, spans: Mapping[int, list[Span]], texts: Mapping[int, str]) -> DocumentText:
    text = texts.get(document.version_id, "")
    parts = [
        (Source(document.document_id, document.name, document.version_id, *span, text[slice(*span)]), "")
        for span in spans.get(document.version_id, ())
    ]
    return replace(as_outline(document), parts=parts)


def _block_key(document: DocumentText) -> str:
    name = f"{document.version_id}:{document.digest}:{document.name}"
    return hashlib.sha256(name.encode()).hexdigest()[:32]
