"""What the clause finder keeps: a version's sentences as vectors, so that each is embedded once."""

from __future__ import annotations

from django.db import models

from analysis.models.document import DocumentVersion


class SentenceVectors(models.Model):
    """The vectors of a version's sentences, in order, as float16[n, dims].

    key: names the sentences and the embedder; vectors under another key are made again.
    """

    version = models.OneToOneField(
        DocumentVersion, on_delete=models.CASCADE, primary_key=True, related_name="sentence_vectors"
    )
    key = models.CharField(max_length=64)
    vectors = models.BinaryField()

    def __str__(self) -> str:
        return f"sentences of {self.version_id}"
