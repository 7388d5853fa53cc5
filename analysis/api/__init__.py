"""The HTTP interface, version 1: the same recipes as the pages, for programs. One file per noun."""

from django.http import Http404, HttpRequest
from ninja import Router

from analysis.api import (
    changes,
    clauses,
    documents,
    folders,
    hooks,
    people,
    questions,
    repositories,
    search,
    sources,
    summaries,
    tables,
    terms,
    together,
    usage,
    workspaces,
)
from analysis.api.auth import BearerToken, BrowserSession
from analysis.api.errors import install
from analysis.api.interface import Interface, Reference

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]

api = Interface(
    title="Lectern",
    version="1",
    description="Reads whole contracts and code bases with long-context language models, and checks every quote.",
    auth=[BearerToken(), BrowserSession()],
    docs=Reference(),
    docs_url="/",
)
install(api)
NOUNS = (
    *(workspaces, people, folders, documents, tables, terms, repositories, sources, changes),
    *(search, questions, summaries, together, clauses, usage, hooks),
)
for noun in NOUNS:
    api.add_router("", noun.router)

unknown = Router()


@unknown.api_operation(METHODS, "/{path:path}", auth=None, include_in_schema=False)
def no_such_path(request: HttpRequest, path: str) -> None:
    """404 as JSON for a path that is not ours, so that no program has to read the pages' own 404."""
    raise Http404


api.add_router("", unknown)
