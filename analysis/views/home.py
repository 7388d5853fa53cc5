"""The workspace's home: its documents, how they come in and go, and what was asked lately."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files import File
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from analysis import progress
from analysis.errors import UserError
from analysis.ingest.accepted import endings, is_archive
from analysis.ingest.repository import repository_add, repository_delete
from analysis.ingest.upload import document_delete, document_upload
from analysis.llm.registry import audio_llm
from analysis.models import Answer, Document, Question, Repository
from analysis.views.forms import chosen_documents, chosen_folder, chosen_repositories
from analysis.views.listing import Listing, Wanted
from analysis.views.place import Place, folders_by_path, place_url
from analysis.views.snapshots import repository_rows
from local.samples import sample_paths
from workspaces.access import documents_for, enter, person, questions_for, repositories_for, require_no_wider
from workspaces.folders import move_into
from workspaces.models import Folder, Member, Role, User, Workspace

RECENT_QUESTIONS = 12


@dataclass(frozen=True)
class Received:
    """What became of one uploaded file. error: why it was refused, as a sentence; "" when it is in the workspace."""

    name: str
    document: Document | None = None
    repository: Repository | None = None
    duplicate: bool = False
    error: str = ""
    status: int = 200

    @property
    def sentence(self) -> str:
        """What happened, for people, without the file's name."""
        if self.error:
            return self.error
        if self.duplicate and self.document:
            return gettext("Already here as “%(name)s”: nothing was added.") % {"name": self.document.name}
        return gettext("Added, and waiting to be read.")


@login_required
@require_GET
@never_cache
def workspace(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the workspace's home."""
    member = enter(request, slug)
    # Before the rows are read: what changes from here on comes by the stream, so that nothing falls in between.
    newest = progress.newest(progress.workspace_stream(member.workspace_id))
    context = _table(request, member) | {"recent": recent_questions(member), "after": newest.id if newest else "0"}
    return render(request, "home.html", context)


@login_required
@require_GET
@never_cache
def documents_table(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the table of documents alone, for the page that shows it already."""
    return render(request, "_documents.html", _table(request, enter(request, slug)))


@login_required
@require_POST
def upload(request: HttpRequest, slug: str) -> HttpResponse:
    """Take files in, each for itself: one that is refused does not keep the others out.

    For a script (HX-Request) the answer is a list item per file, under the status of the one file if it is refused.
    """
    member = enter(request, slug, role=Role.EDITOR)
    folder = chosen_folder(request.POST, member)
    received = [receive(member.workspace, person(request), file, folder) for file in request.FILES.getlist("file")]
    if request.headers.get("HX-Request"):
        status = max((each.status for each in received), default=422) if len(received) < 2 else 200
        return render(request, "_received.html", {"received": received}, status=status)
    _tell(request, received)
    return redirect(place_url(slug, folder))


@login_required
@require_POST
def sample(request: HttpRequest, slug: str) -> HttpResponse:
    """Add the sample agreement and its amendment, and lead to the agreement."""
    member = enter(request, slug, role=Role.EDITOR)
    received = []
    with ExitStack() as files:
        for path in sample_paths():
            file = File(files.enter_context(path.open("rb")), name=path.name)
            received.append(receive(member.workspace, person(request), file))
    refused = [each for each in received if each.error]
    if refused:
        _tell(request, refused)
    first = received[0].document
    return redirect("document", first.pk) if first else redirect("workspace", slug=slug)


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def documents_delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask whether the chosen documents and repositories are to be deleted; on POST delete them."""
    member = enter(request, slug, role=Role.EDITOR)
    form = request.POST or request.GET
    try:
        ids = [UUID(each) for each in form.getlist("document")]
        repository_ids = [UUID(each) for each in form.getlist("repository")]
    except ValueError:
        return HttpResponseBadRequest(gettext("That is no document's id."))
    documents = list(documents_for(member).filter(pk__in=ids).select_related("version"))
    repositories = list(repositories_for(member).filter(pk__in=repository_ids))
    if request.method == "GET" and (documents or repositories):
        context = {"workspace": member.workspace, "documents": documents, "repositories": repositories}
        return render(request, "documents_delete.html", context)
    for document in documents:
        document_delete(document)
    for repository in repositories:
        repository_delete(repository)
    if gone := [*([_named(documents)] if documents else []), *(f"“{each.name}”" for each in repositories)]:
        messages.success(request, gettext("Deleted %(gone)s.") % {"gone": ", ".join(gone)})
    return redirect("workspace", slug=slug)


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def documents_move(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask which folder the chosen documents and repositories are to lie in; on POST put them there."""
    member = enter(request, slug, role=Role.EDITOR)
    form = request.POST or request.GET
    documents, repositories = chosen_documents(form, member), chosen_repositories(form, member)
    if any(document.repository_id for document in documents):
        raise Http404
    if request.method == "GET":
        context = {"workspace": member.workspace, "documents": documents, "repositories": repositories}
        return render(request, "documents_move.html", context | {"folders": folders_by_path(member)})
    folder = chosen_folder(form, member)
    require_no_wider(member, [*documents, *repositories], folder)
    move_into(folder, workspace=member.workspace, documents=documents, repositories=repositories)
    for document in documents:
        progress.announce_document(member.workspace_id, document.pk)
    return redirect(place_url(slug, folder))


def receive(workspace: Workspace, user: User, file: File[bytes], folder: Folder | None = None) -> Received:
    """Return what became of `file`: in the workspace, an archive as a repository, there already, or refused."""
    name = str(file.name or "")
    try:
        if is_archive(name):
            return Received(
                name, repository=repository_add(workspace=workspace, user=user, archive=file, folder=folder)
            )
        uploaded = document_upload(workspace=workspace, user=user, name=name, file=file, folder=folder)
    except UserError as error:
        return Received(
            Truncator(name).chars(120) or gettext("A file without a name"), error=error.message, status=error.status
        )
    return Received(name, uploaded.document, duplicate=uploaded.duplicate)


def recent_questions(member: Member) -> list[Question]:
    """Return the newest questions with asker, documents, and `answer_status` of the answer that is shown."""
    shown = Answer.objects.filter(question=OuterRef("pk")).order_by("-number").values("status")[:1]
    questions = questions_for(member).annotate(answer_status=Subquery(shown))
    return list(questions.select_related("asker").prefetch_related("documents", "repositories")[:RECENT_QUESTIONS])


def _table(request: HttpRequest, member: Member) -> dict[str, object]:
    wanted = Wanted.from_query(request.GET)
    place = Place.of(member, wanted)
    listing = Listing(documents_for(member).filter(place.lying), wanted)
    repositories = repositories_for(member) if wanted.page == 1 and not wanted.status else Repository.objects.none()
    repositories = repositories.filter(place.lying)
    if wanted.name:
        repositories = repositories.filter(name__icontains=wanted.name)
    rows = repository_rows(repositories, listing.llm)
    return {
        "repository_rows": rows,
        "place": place,
        "empty": listing.empty and not rows and not place.folders,
        "workspace": member.workspace,
        "may_ask": member.may(Role.REVIEWER),
        "may_edit": member.may(Role.EDITOR),
        "upload_max_bytes": settings.UPLOAD_MAX_BYTES,
        "upload_endings": ",".join(endings()),
        "hears": audio_llm() is not None,
        "listing": listing,
        "rows_url": _with_query(reverse("documents_table", args=[member.workspace.slug]), wanted.query()),
    }


def _with_query(url: str, query: str) -> str:
    return f"{url}?{query}" if query else url


def _tell(request: HttpRequest, received: Iterable[Received]) -> None:
    """Say on the next page what became of each file: one sentence for all that are in, one for each other."""
    received = list(received)
    added = [each.document for each in received if each.document and not each.duplicate]
    if added:
        messages.success(request, gettext("Added %(added)s.") % {"added": _named(added)})
    for each in received:
        if each.repository:
            messages.success(request, gettext("Added the repository “%(name)s”.") % {"name": each.repository.name})
    for each in received:
        if each.error or each.duplicate:
            level = messages.ERROR if each.error else messages.INFO
            messages.add_message(request, level, f"{each.name}: {each.sentence}")
    if not received:
        messages.error(request, gettext("No file was chosen."))


def _named(documents: list[Document]) -> str:
    return (
        f"“{documents[0].name}”"
        if len(documents) == 1
        else (gettext("%(documents)s documents") % {"documents": len(documents)})
    )
