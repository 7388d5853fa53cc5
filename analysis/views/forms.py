"""What the forms to ask with say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, QueryDict

from analysis.answer.ask import checked_mode
from analysis.answer.material import Scope, scope_for
from analysis.models import Document, Repository
from analysis.types import Mode
from workspaces.access import folders_for, repositories_for, searched_for
from workspaces.models import Folder, Member


@dataclass(frozen=True)
class Asked:
    """What the question form says.

    documents, repositories, folders: [] in all for the whole workspace. path: the folder or file of the one repository
    that it is about, "" for all of it. llms: to compare; [] for one answer. shared: whether others see it.
    """

    text: str
    documents: list[Document]
    repositories: list[Repository]
    folders: list[Folder]
    path: str
    mode: Mode
    llm: str
    llms: list[str]
    shared: bool

    @classmethod
    def from_form(cls, form: QueryDict, member: Member) -> Asked:
        """Return the form's question; raises UserError for a mode that is none, Http404 for what is out of sight."""
        return cls(
            text=form.get("text", ""),
            documents=chosen_documents(form, member),
            repositories=chosen_repositories(form, member),
            folders=chosen_folders(form, member),
            path=form.get("path", ""),
            mode=chosen_mode(form),
            llm=form.get("llm", ""),
            llms=form.getlist("llms"),
            shared="private" not in form,
        )

    def scope(self, member: Member) -> Scope:
        """Return what the question is put to."""
        return scope_for(
            member.workspace,
            member.user,
            documents=self.documents,
            repositories=self.repositories,
            folders=self.folders,
            path=self.path,
        )

    @property
    def put(self) -> dict[str, Any]:
        """What `question_ask` and `question_compare` are both told."""
        names = ("text", "documents", "repositories", "folders", "path", "mode", "shared")
        return {name: getattr(self, name) for name in names}


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


def chosen_folders(form: QueryDict, member: Member) -> list[Folder]:
    """Return the folders named by `folder=`, each of them seen by the member."""
    ids = {given for given in form.getlist("folder") if given}
    if not all(given.isdecimal() and len(given) < 19 for given in ids):
        raise Http404
    found = list(folders_for(member).filter(pk__in=ids))
    if len(found) != len({int(given) for given in ids}):
        raise Http404
    return found


def chosen_folder(form: QueryDict, member: Member) -> Folder | None:
    """Return the one folder named by `folder=`, None for the top; raises Http404 for one out of sight."""
    return next(iter(chosen_folders(form, member)), None)


def _ids(form: QueryDict, name: str) -> set[UUID]:
    try:
        return {UUID(given) for given in form.getlist(name) if given}
    except ValueError:
        raise Http404 from None
