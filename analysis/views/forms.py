"""What the forms to ask with say."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import Http404, QueryDict

from analysis.answer.ask import checked_mode
from analysis.answer.material import Scope
from analysis.models import Document, Repository
from analysis.types import Mode
from workspaces.access import repositories_for, searched_for
from workspaces.models import Member


@dataclass(frozen=True)
class Asked:
    """What the question form says.

    documents, repositories: [] in both for the whole workspace. path: the folder or file of the one repository that it
    is about, "" for all of it. llms: to compare; [] for one answer.
    """

    text: str
    documents: list[Document]
    repositories: list[Repository]
    path: str
    mode: Mode
    llm: str
    llms: list[str]

    @classmethod
    def from_form(cls, form: QueryDict, member: Member) -> Asked:
        """Return the form's question; raises UserError for a mode that is none, Http404 for what is out of sight."""
        return cls(
            text=form.get("text", ""),
            documents=chosen_documents(form, member),
            repositories=chosen_repositories(form, member),
            path=form.get("path", ""),
            mode=chosen_mode(form),
            llm=form.get("llm", ""),
            llms=form.getlist("llms"),
        )

    def scope(self, member: Member) -> Scope:
        """Return what the question is put to."""
        return Scope(member.workspace, self.documents, self.repositories, self.path)


def chosen_mode(form: QueryDict) -> Mode:
    """Return the mode that the form names, automatic if none. Raises UserError unknown_mode."""
    return checked_mode(form.get("mode") or Mode.AUTO)


def chosen_documents(form: QueryDict, member: Member) -> list[Document]:
    """Return the documents named by `document=`, each of them in the member's workspace."""
    ids = _ids(form, "document")
    found = list(searched_for(member).filter(pk__in=ids).select_related("version").order_by("uploaded_at", "pk"))
    if len(found) != len(ids):
        raise Http404
    return found


def chosen_repositories(form: QueryDict, member: Member) -> list[Repository]:
    """Return the repositories named by `repository=`, each of them in the member's workspace."""
    ids = _ids(form, "repository")
    found = list(repositories_for(member).filter(pk__in=ids).order_by("added_at", "pk"))
    if len(found) != len(ids):
        raise Http404
    return found


def _ids(form: QueryDict, name: str) -> set[UUID]:
    try:
        return {UUID(given) for given in form.getlist(name) if given}
    except ValueError:
        raise Http404 from None
