"""What all packed plans on a repository share, worked out when it has been read in: no first question waits for it.

It is kept where plans keep it anyway: the outlines, their tokens, and the imports that say which file comes first.
"""

from __future__ import annotations

from analysis.answer.budget import output_reserve
from analysis.answer.plan import pack_for
from analysis.egress import sending_for
from analysis.errors import UserError
from analysis.llm.registry import llm_get
from analysis.models import Repository


def plan_ahead(repository: Repository) -> None:
    """Work out and keep what plans by the workspace's default LLM share; nothing without one."""
    try:
        llm = llm_get(workspace_id=repository.workspace_id)
    except UserError:
        return
    files = repository.documents.filter(version__isnull=False).select_related("version", "workspace", "repository")
    with sending_for(repository.workspace_id):
        pack = pack_for(list(files.order_by("path")), "", [], llm, output_tokens=output_reserve(llm), find=list)
        if pack is not None:
            pack.packing.outlined  # noqa: B018  # the sizes are kept as they are worked out
