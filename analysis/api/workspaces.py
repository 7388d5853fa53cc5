"""Workspaces, and the language models that can be asked in them."""

from __future__ import annotations

from typing import Any

from ninja import Router

from analysis.api.auth import ApiRequest
from analysis.api.responses import responses
from analysis.api.schemas import LLMOut, WorkspaceOut
from analysis.llm.catalogue import LLM
from analysis.llm.registry import llms
from workspaces.access import memberships_for

router = Router(tags=["Workspaces"])

_LLM_FIELDS = tuple(name for name in LLMOut.model_fields if name != "default")


@router.get("/workspaces", response=responses(200, list[WorkspaceOut]))
def list_workspaces(request: ApiRequest) -> list[dict[str, Any]]:
    """The workspaces that this token may see, the personal one first, each with the caller's role in it."""
    return [
        {"slug": member.workspace.slug, "name": member.workspace.name, "role": member.role}
        for member in memberships_for(request.auth)
    ]


@router.get("/llms", response=responses(200, list[LLMOut]))
def list_llms(request: ApiRequest) -> list[dict[str, Any]]:
    """The language models that can be used now, the default first, with their window and prices."""
    return [_llm_payload(llm, default=index == 0) for index, llm in enumerate(llms())]


def _llm_payload(llm: LLM, *, default: bool) -> dict[str, Any]:
    return {name: getattr(llm, name) for name in _LLM_FIELDS} | {"default": default}
