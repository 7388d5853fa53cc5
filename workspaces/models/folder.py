"""Folders: where documents lie, and whom a part of a workspace is closed to."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower

from workspaces.models.workspace import Member, Workspace


class Folder(models.Model):
    """A folder of a workspace's documents and repositories. parent: None at the top.

    restricted: it has a list of its own of who is let in (`FolderGrant`), beside owners and admins. closed: it or a
    folder above it is restricted; kept by `workspaces.folders`, as is `FolderSight`.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="folders")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="children")
    name = models.CharField(max_length=120)
    restricted = models.BooleanField(default=False)
    closed = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("workspace", "parent", Lower("name"), name="folder_name_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return self.name


class FolderGrant(models.Model):
    """A member on the list of a folder."""

    folder = models.ForeignKey(Folder, on_delete=models.CASCADE, related_name="grants")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="grants")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["folder", "member"], name="folder_grant_once")]


class FolderSight(models.Model):
    """That a member sees a folder: one row for each closed folder a member sees, and each folder that a guest sees.

    Follows from the folders and their lists; what is asked of every document is asked of this table, not of a tree.
    """

    folder = models.ForeignKey(Folder, on_delete=models.CASCADE, related_name="sights")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="sights")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["folder", "member"], name="folder_sight_once")]
