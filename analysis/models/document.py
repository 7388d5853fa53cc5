"""Documents, their versions and each version's canonical text."""

from __future__ import annotations

import uuid
from pathlib import PurePath

from django.conf import settings
from django.db import models
from django.db.models.functions import Substr
from django.utils.translation import gettext_lazy

from analysis.models.lease import Leased
from analysis.types import Identity, Party
from config.crypto import EncryptedTextField


class IngestStatus(models.TextChoices):
    """Where a version stands. A failed one says why in `error_message` and keeps its original file."""

    QUEUED = "queued", gettext_lazy("Waiting")
    INGESTING = "ingesting", gettext_lazy("Being read in")
    READY = "ready", gettext_lazy("Ready")
    FAILED = "failed", gettext_lazy("Failed")


class Document(models.Model):
    """One contract, filing or file in a workspace, under the name it was uploaded with.

    repository, path: of a file of a repository, whose name is its path. Its version is the one of the repository's
    current snapshot, None when that has no such file. folder: where it lies, None at the top; a repository's file lies
    where the repository does.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="documents")
    name = models.CharField(max_length=255)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    uploaded_at = models.DateTimeField(auto_now_add=True)
    version = models.ForeignKey("DocumentVersion", on_delete=models.SET_NULL, null=True, related_name="+")
    repository = models.ForeignKey("Repository", on_delete=models.CASCADE, null=True, related_name="documents")
    path = models.CharField(max_length=1000, blank=True, default="")
    folder = models.ForeignKey("workspaces.Folder", on_delete=models.SET_NULL, null=True, related_name="documents")

    class Meta:
        indexes = [models.Index(fields=["workspace", "-uploaded_at"])]
        constraints = [models.UniqueConstraint(fields=["repository", "path"], name="path_once")]

    def __str__(self) -> str:
        return self.name


def original_path(version: DocumentVersion, filename: str) -> str:
    """Return where an upload is stored. The person's file name is never part of a path."""
    ending = PurePath(filename).suffix[:10]
    return f"originals/{version.document.workspace_id}/{version.document_id}/{uuid.uuid4()}{ending}"


class DocumentVersion(Leased):
    """One uploaded file of a document, and how far reading it in has come.

    stage: parse, understand, chunk, embed, index; stage_done of stage_total counts its pages or chunks. language: ISO
    639-1, "" if unknown. identity: title and parties, for `known_identity`. tokens: by the default LLM's tokenizer.
    warnings: list of {code, message, page_number}. syntax: of source code, the programming language. file: empty for
    a file of a repository, whose snapshot keeps the archive. password: of an encrypted file, kept encrypted, since
    page images are drawn from the original.
    """

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(default=1)
    file = models.FileField(upload_to=original_path, max_length=300)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    kind = models.CharField(max_length=20, blank=True)
    password = EncryptedTextField(blank=True, default="")

    status = models.CharField(max_length=10, choices=IngestStatus.choices, default=IngestStatus.QUEUED)
    stage = models.CharField(max_length=10, blank=True)
    stage_done = models.PositiveIntegerField(default=0)
    stage_total = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    warnings = models.JSONField(default=list)

    page_count = models.PositiveIntegerField(default=0)
    characters = models.PositiveIntegerField(default=0)
    tokens = models.PositiveIntegerField(default=0)
    metadata = models.JSONField(default=dict)
    language = models.CharField(max_length=8, blank=True)
    syntax = models.CharField(max_length=20, blank=True, default="")
    line_count = models.PositiveIntegerField(default=0)
    identity = models.JSONField(default=dict)
    parser_version = models.PositiveIntegerField(default=0)
    understanding_version = models.PositiveIntegerField(default=0)
    seconds = models.JSONField(default=dict, help_text="seconds each stage took")
    created_at = models.DateTimeField(auto_now_add=True)
    ready_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["document", "number"], name="version_number_once")]
        indexes = [models.Index(fields=["sha256"]), models.Index(fields=["status", "lease_expires_at"])]

    def __str__(self) -> str:
        return f"{self.document_id} v{self.number}"

    @property
    def ready(self) -> bool:
        return self.status == IngestStatus.READY

    @property
    def known_identity(self) -> Identity:
        """What the text calls itself and who its parties are; nothing before it is understood."""
        parties = [Party(**party | {"roles": tuple(party["roles"])}) for party in self.identity.get("parties", [])]
        return Identity(**self.identity | {"parties": tuple(parties)})

    def read_text(self, start_char: int = 0, end_char: int | None = None) -> str:
        """Return `text[start_char:end_char]` of the canonical text, cut by the database."""
        rows = VersionText.objects.filter(version=self)
        if start_char == 0 and end_char is None:
            return rows.values_list("text", flat=True).first() or ""
        length = None if end_char is None else max(0, end_char - start_char)
        piece: str | None = rows.values_list(Substr("text", start_char + 1, length), flat=True).first()
        return piece or ""


class VersionText(models.Model):
    """The canonical text, in a table of its own so that no list of documents ever loads it.

    line_starts: of a file of a repository, where each line starts, as uint32; null for documents.
    """

    version = models.OneToOneField(
        DocumentVersion, on_delete=models.CASCADE, primary_key=True, related_name="canonical"
    )
    text = models.TextField()
    line_starts = models.BinaryField(null=True)
