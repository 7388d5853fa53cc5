"""Chunks: the pieces that are embedded and searched."""

from __future__ import annotations

from django.db import models
from pgvector.django import VectorField

from analysis.models.document import DocumentVersion
from analysis.models.embedder import Embedder


class Chunk(models.Model):
    """A span of a version. workspace and document are repeated here so that search needs no join.

    sentences: where its sentences stand, as `analysis.ingest.postings` packs them; empty until it is indexed.
    """

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="+")
    document = models.ForeignKey("analysis.Document", on_delete=models.CASCADE, related_name="chunks")
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="chunks")
    chunker_version = models.PositiveIntegerField()
    ordinal = models.PositiveIntegerField()
    start_char = models.PositiveIntegerField()
    end_char = models.PositiveIntegerField()
    page_number = models.PositiveIntegerField()
    heading_path = models.CharField(max_length=500, blank=True)
    token_count = models.PositiveIntegerField()
    text = models.TextField()
    sentences = models.BinaryField(default=b"")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "ordinal", "chunker_version"], name="chunk_ordinal_once")
        ]
        indexes = [models.Index(fields=["workspace", "document"])]


class ChunkVector(models.Model):
    """A chunk's vector by one embedder; a chunk has as many as there are embedders in use.

    version is repeated here so that a vector search filters on it inside the index scan. embedding has no fixed width:
    each embedder has an HNSW index of its own (see `ingest.index.ensure_vector_index`).
    """

    chunk = models.ForeignKey(Chunk, on_delete=models.CASCADE, related_name="vectors", db_index=False)
    embedder = models.ForeignKey(Embedder, on_delete=models.PROTECT, related_name="vectors", db_index=False)
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="+")
    embedding = VectorField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chunk", "embedder"], name="chunk_vector_once")]
        indexes = [models.Index(fields=["embedder", "version"])]


class Lexicon(models.Model):
    """What search by words knows of a version as a whole; its postings are of the same analyzer."""

    version = models.OneToOneField(DocumentVersion, on_delete=models.CASCADE, primary_key=True, related_name="lexicon")
    analyzer_version = models.PositiveIntegerField()
    chunk_count = models.PositiveIntegerField()
    sentence_count = models.PositiveIntegerField()


class Posting(models.Model):
    """Where a term stands in a version: the sentences that have it, as `analysis.ingest.postings` packs them.

    standing: a sum of `analysis.types.Standing`. The key starts with the term, since a search asks for few terms of
    many versions.
    """

    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="+")
    term = models.CharField(max_length=40)
    standing = models.PositiveSmallIntegerField()
    sentence_count = models.PositiveIntegerField()
    places = models.BinaryField()

    class Meta:
        # What naming and rarity ask for stands in the index: a row's places are only fetched where they are wanted.
        constraints = [
            models.UniqueConstraint(
                fields=["term", "version"], include=["sentence_count", "standing"], name="posting_once"
            )
        ]
