"""What the forms to ask with say."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import Http404, QueryDict

from analysis.answer.ask import checked_mode
from analysis.models import Document
from analysis.types import Mode
from workspaces.access import documents_for
from workspaces.models import Member


@dataclass(frozen=True)
class Asked:
    """What the question form says. documents: [] for the whole workspace. llms: to compare; [] for one answer."""

    text: str
    documents: list[Document]
    mode: Mode
    llm: str
    llms: list[str]

    @classmethod
    def from_form(cls, form: QueryDict, member: Member) -> Asked:
        """Return the form's question; raises UserError for a mode that is none, Http404 for a document out of sight."""
        documents = chosen_documents(form, member)
        return cls(form.get("text", ""), documents, chosen_mode(form), form.get("llm", ""), form.getlist("llms"))


def chosen_mode(form: QueryDict) -> Mode:
    """Return the mode that the form names, automatic if none. Raises UserError unknown_mode."""
    return checked_mode(form.get("mode") or Mode.AUTO)


def chosen_documents(form: QueryDict, member: Member) -> list[Document]:
    """Return the documents named by `document=`, each of them in the member's workspace."""
    try:
        ids = {UUID(given) for given in form.getlist("document") if given}
    except ValueError:
        raise Http404 from None
    found = list(documents_for(member).filter(pk__in=ids).select_related("version").order_by("uploaded_at", "pk"))
    if len(found) != len(ids):
        raise Http404
    return found
