"""Workspaces, and the language models that can be asked in them."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from ninja import Router, Status

from analysis.api.auth import ApiRequest
from analysis.api.responses import responses
from analysis.api.schemas import LLMOut, WorkspaceChangeIn, WorkspaceFactsOut, WorkspaceIn, WorkspaceOut
from analysis.llm.catalogue import LLM
from analysis.llm.registry import llms
from workspaces.access import member_of, member_or_404, memberships_for
from workspaces.lifecycle import workspace_archive, workspace_reopen
from workspaces.models import Member, Role
from workspaces.recipes import workspace_change, workspace_create

router = Router(tags=["Workspaces"])

_LLM_FIELDS = tuple(name for name in LLMOut.model_fields if name != "default")


@router.get("/workspaces", response=responses(200, list[WorkspaceOut]))
def list_workspaces(request: ApiRequest) -> list[dict[str, Any]]:
    """The workspaces that this token may see, the personal one first, each with the caller's role in it."""
    return [
        {"slug": member.workspace.slug, "name": member.workspace.name, "role": member.role}
        for member in memberships_for(request.auth)
    ]


@router.post("/workspaces", response=responses(201, WorkspaceFactsOut))
def create_workspace(request: ApiRequest, asked: WorkspaceIn) -> Status[Any]:
    """A new workspace with the caller as its owner. Not with a token that is bound to one or only reads."""
    if request.auth.workspace_id is not None or request.auth.ceiling is not Role.OWNER:
        raise PermissionDenied(f"This API token may not do that: it was made to {request.auth.scope_words}.")
    workspace = workspace_create(owner=request.auth.user, name=asked.name)
    return Status(201, _facts(member_of(request.auth, workspace)))


@router.get("/workspaces/{slug:slug}", response=responses(200, WorkspaceFactsOut))
def get_workspace(request: ApiRequest, slug: str) -> dict[str, Any]:
    """One workspace, with the caller's role in it."""
    return _facts(member_or_404(request.auth, slug))


@router.patch("/workspaces/{slug:slug}", response=responses(200, WorkspaceFactsOut, 403))
def change_workspace(request: ApiRequest, slug: str, asked: WorkspaceChangeIn) -> dict[str, Any]:
    """Renames, archives and reopens (admins). An archive can be read, searched and exported, and not worked in."""
    workspace = member_or_404(request.auth, slug, role=Role.ADMIN).workspace
    if asked.name is not None or asked.keep_reasoning is not None:
        keeps = workspace.keep_reasoning if asked.keep_reasoning is None else asked.keep_reasoning
        workspace_change(workspace, name=asked.name or workspace.name, keep_reasoning=keeps)
    if asked.archived is not None:
        (workspace_archive if asked.archived else workspace_reopen)(workspace)
    return _facts(member_or_404(request.auth, slug))


@router.get("/llms", response=responses(200, list[LLMOut]))
def list_llms(request: ApiRequest) -> list[dict[str, Any]]:
    """The language models that can be used now, the default first, with their window and prices."""
    return [_llm_payload(llm, default=index == 0) for index, llm in enumerate(llms())]


def _facts(member: Member) -> dict[str, Any]:
    names = ("slug", "name", "personal", "keep_reasoning", "created_at", "archived_at")
    return {name: getattr(member.workspace, name) for name in names} | {"role": member.role}


def _llm_payload(llm: LLM, *, default: bool) -> dict[str, Any]:
    return {name: getattr(llm, name) for name in _LLM_FIELDS} | {"default": default}
