"""Repositories: code bases, each a line of snapshots, each snapshot a tree of files."""

from __future__ import annotations

import uuid
from pathlib import PurePath
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from analysis.models.document import IngestStatus
from analysis.models.lease import Leased
from config.crypto import EncryptedTextField


class Origin(models.TextChoices):
    """How a snapshot came in."""

    ARCHIVE = "archive", gettext_lazy("Archive")
    FOLDER = "folder", gettext_lazy("Folder")
    GIT = "git", gettext_lazy("Git")


class Disposition(models.TextChoices):
    """Whether a file of a snapshot is read, or why it is not."""

    READ = "read", gettext_lazy("Read")
    IGNORED = "ignored", gettext_lazy("Ignored by a rule of the repository")
    EXCLUDED = "excluded", gettext_lazy("Left out by a rule set here")
    VENDORED = "vendored", gettext_lazy("Somebody else's code")
    GENERATED = "generated", gettext_lazy("Generated")
    MINIFIED = "minified", gettext_lazy("Minified")
    LOCK = "lock", gettext_lazy("Lock file")
    BINARY = "binary", gettext_lazy("Not text")
    TOO_LARGE = "too_large", gettext_lazy("Too large")
    LINK = "link", gettext_lazy("A link")
    EMPTY = "empty", gettext_lazy("Empty")
    UNREADABLE = "unreadable", gettext_lazy("Could not be read")


class Repository(models.Model):
    """One code base in a workspace.

    url, ref: where further snapshots come from, "" for uploaded ones. credential: the token for it, kept encrypted.
    rules: what is left out beyond the defaults, as `analysis.ingest.repository.rules.Rules` has it. snapshot: the
    newest that is ready. folder: where it lies, with all its files; None at the top.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="repositories")
    name = models.CharField(max_length=200)
    url = models.CharField(max_length=500, blank=True, default="")
    ref = models.CharField(max_length=200, blank=True, default="")
    credential = EncryptedTextField(blank=True, default="")
    rules = models.JSONField(default=dict)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)
    snapshot = models.ForeignKey("Snapshot", on_delete=models.SET_NULL, null=True, related_name="+")
    folder = models.ForeignKey("workspaces.Folder", on_delete=models.SET_NULL, null=True, related_name="repositories")

    class Meta:
        indexes = [models.Index(fields=["workspace", "-added_at"])]

    def __str__(self) -> str:
        return self.name


def archive_path(snapshot: Snapshot, filename: str) -> str:
    """Return where an uploaded archive is stored. The person's file name is never part of a path."""
    ending = "".join(PurePath(filename).suffixes[-2:])[:10]
    return f"originals/{snapshot.repository.workspace_id}/{snapshot.repository_id}/{uuid.uuid4()}{ending}"


class Snapshot(Leased):
    """A repository as it was at one commit or in one archive, and how far reading it in has come.

    commit: 40 hex digits, "" if unknown. stage: fetch, unpack, parse, index, embed; stage_done of stage_total counts
    files, and passages when they are embedded. symbols_at: when every file was parsed, so that the tree and its symbols
    can be read. vectors_at: when every passage had its vector; a ready snapshot without is searched by words, and by
    meaning as far as its stage `embed` has come. warnings: list of {code, message, path}. seconds: what each stage
    took.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="snapshots")
    number = models.PositiveIntegerField(default=1)
    origin = models.CharField(max_length=10, choices=Origin.choices)
    file = models.FileField(upload_to=archive_path, max_length=300, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    commit = models.CharField(max_length=40, blank=True, default="")
    ref = models.CharField(max_length=200, blank=True, default="")
    message = models.CharField(max_length=300, blank=True, default="")
    committed_at = models.DateTimeField(null=True)

    status = models.CharField(max_length=10, choices=IngestStatus.choices, default=IngestStatus.QUEUED)
    stage = models.CharField(max_length=10, blank=True, default="")
    stage_done = models.PositiveIntegerField(default=0)
    stage_total = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    warnings = models.JSONField(default=list)

    file_count = models.PositiveIntegerField(default=0)
    line_count = models.PositiveIntegerField(default=0)
    size_bytes = models.BigIntegerField(default=0)
    tokens = models.PositiveIntegerField(default=0)
    seconds = models.JSONField(default=dict)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    symbols_at = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True)
    vectors_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["repository", "number"], name="snapshot_number_once")]
        indexes = [models.Index(fields=["status", "lease_expires_at"])]

    def __str__(self) -> str:
        return f"{self.repository_id} {self.label}"

    @property
    def ready(self) -> bool:
        return self.status == IngestStatus.READY

    @property
    def by_words_alone(self) -> bool:
        """Whether it is ready, and search by meaning finds only a part of it so far."""
        return self.ready and self.vectors_at is None

    @property
    def label(self) -> str:
        """What people call it: the beginning of its commit, else its number."""
        return self.commit[:10] or f"version {self.number}"


# Of repositories: the current snapshot is `Snapshot.by_words_alone`.
BY_WORDS_ALONE = models.Q(snapshot__status=IngestStatus.READY, snapshot__vectors_at=None)


class SnapshotFile(models.Model):
    """A file of a snapshot. document, version: what it was read in as; null unless its disposition is READ.

    digest: SHA-256 of its bytes, "" where they were not looked at. syntax: as `DocumentVersion.syntax`.
    """

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=1000)
    disposition = models.CharField(max_length=12, choices=Disposition.choices, default=Disposition.READ)
    size_bytes = models.BigIntegerField(default=0)
    line_count = models.PositiveIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True, default="")
    syntax = models.CharField(max_length=20, blank=True, default="")
    document = models.ForeignKey("Document", on_delete=models.CASCADE, null=True, related_name="+")
    version = models.ForeignKey("DocumentVersion", on_delete=models.CASCADE, null=True, related_name="snapshot_files")

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["snapshot", "path"], name="snapshot_path_once")]

    def __str__(self) -> str:
        return self.path


class Symbol(models.Model):
    """A definition; see `analysis.types.ParsedSymbol`. parent: the ordinal of the symbol that it stands in."""

    version = models.ForeignKey("DocumentVersion", on_delete=models.CASCADE, related_name="symbols")
    ordinal = models.PositiveIntegerField()
    parent = models.PositiveIntegerField(null=True)
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=200)
    path = models.CharField(max_length=500)
    signature = models.CharField(max_length=500)
    start_char = models.PositiveIntegerField()
    end_char = models.PositiveIntegerField()
    name_start_char = models.PositiveIntegerField()
    name_end_char = models.PositiveIntegerField()
    doc_start_char = models.PositiveIntegerField(null=True)
    doc_end_char = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["ordinal"]
        constraints = [models.UniqueConstraint(fields=["version", "ordinal"], name="symbol_ordinal_once")]
        indexes = [models.Index(fields=["name", "version"])]

    def __str__(self) -> str:
        return self.path


class SymbolUse(models.Model):
    """Where a file uses a name that it or another defines. places: the start of each use, uint32."""

    version = models.ForeignKey("DocumentVersion", on_delete=models.CASCADE, related_name="uses")
    name = models.CharField(max_length=200)
    places = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="symbol_use_once")]


class Import(models.Model):
    """A statement that brings in other code; see `analysis.types.ParsedImport`."""

    version = models.ForeignKey("DocumentVersion", on_delete=models.CASCADE, related_name="imports")
    ordinal = models.PositiveIntegerField()
    module = models.CharField(max_length=500)
    names: models.JSONField[list[str], Any] = models.JSONField(default=list)
    start_char = models.PositiveIntegerField()
    end_char = models.PositiveIntegerField()

    class Meta:
        ordering = ["ordinal"]
        constraints = [models.UniqueConstraint(fields=["version", "ordinal"], name="import_ordinal_once")]


class Secret(models.Model):
    """A key, token or password in a file, which prompts have masked; see `analysis.types.ParsedSecret`."""

    version = models.ForeignKey("DocumentVersion", on_delete=models.CASCADE, related_name="secrets")
    kind = models.CharField(max_length=60)
    start_char = models.PositiveIntegerField()
    end_char = models.PositiveIntegerField()

    class Meta:
        ordering = ["start_char"]
        constraints = [models.UniqueConstraint(fields=["version", "start_char"], name="secret_once")]
