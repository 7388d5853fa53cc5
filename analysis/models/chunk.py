"""Chunks: the pieces that are embedded and searched."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from pgvector.django import VectorField

from analysis.models.document import DocumentVersion


class Embedder(models.Model):
    """An embedding model that has built vectors here; vectors of two embedders are never compared."""

    name = models.CharField(max_length=200, unique=True)
    dims = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.name


class Chunk(models.Model):
    """A span of a version, its words and its vector.

    workspace and document are repeated here so that a vector search filters on them inside the index scan.
    embedding has no fixed width: each embedder has an HNSW index of its own (see `ingest.index.ensure_vector_index`).
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
    embedder = models.ForeignKey(Embedder, on_delete=models.PROTECT, null=True, related_name="+")
    embedding = VectorField(null=True)
    words = SearchVectorField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "chunker_version", "ordinal"], name="chunk_ordinal_once")
        ]
        indexes = [GinIndex(fields=["words"]), models.Index(fields=["workspace", "document"])]
