"""The back room for staff: people, workspaces, and how the work on documents and answers stands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from allauth.account.decorators import secure_admin_login
from allauth.socialaccount.models import SocialApp, SocialToken
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from analysis.answer import run as answers
from analysis.answer.ask import answer_regenerate
from analysis.errors import UserError
from analysis.ingest import run as versions
from analysis.ingest.repository import repository_retry
from analysis.ingest.repository import run as snapshots
from analysis.ingest.upload import document_retry
from analysis.models import (
    Answer,
    ClauseReview,
    Document,
    DocumentVersion,
    Endpoint,
    Reading,
    Repository,
    ServedLLM,
    Snapshot,
)
from analysis.review import run as reviews
from analysis.review.run import review_ask
from analysis.types import Mode
from config.standing import work
from workspaces.access import person
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.models import ApiToken, Invite, Member, User, Workspace

WAITS_TOO_LONG = timedelta(minutes=5)

# Signing in to the admin goes through the one sign-in page, and so through its rate limits.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
# Providers are those of the settings; rows of them would be none.
admin.site.unregister([SocialApp, SocialToken])
admin.site.site_header = admin.site.site_title = "Lectern"
admin.site.index_title = "Administration"


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    """A new person, by e-mail address."""

    class Meta:
        model = User
        fields = ("email",)
        field_classes: ClassVar[dict[str, type]] = {}


class Kept:
    """Rows that are not deleted here: their files, or the people they belong to, would be left behind."""

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class Watched(Kept):
    """Rows to look at: pipelines write them, and a change from outside would break their leases."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class StandsFilter(admin.SimpleListFilter):
    """Rows that work has stopped on: left by a dead worker, or waiting for longer than a queue should take."""

    title = "how it stands"
    parameter_name = "stands"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("left", "Left by a dead worker"), ("waiting", "Waiting for more than five minutes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        kind = next(each for each in work() if each.rows.model is queryset.model)
        if self.value() == "left":
            return queryset.filter(kind.expired)
        if self.value() == "waiting":
            long_ago = timezone.now() - WAITS_TOO_LONG
            return queryset.filter(**{"status": kind.waiting, f"{kind.since}__lt": long_ago})
        return queryset


class Sent(Watched, admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that can be sent to a worker again: through the recipe that people's own buttons go through.

    again: sends one failed row. left: sends all that dead workers have left, as the beat does.
    """

    actions = ("send_again",)

    def again(self, row: Any, user: User) -> None:
        raise NotImplementedError

    def left(self) -> None:
        raise NotImplementedError

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        return person(request).has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    @admin.action(description="Send again", permissions=["send_again"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Send what has failed, and what a dead worker has left; say of how many there was nothing to send."""
        sent, total = 0, queryset.count()
        if queryset.filter(lease_expires_at__lt=timezone.now()).exclude(status="failed").exists():
            self.left()
            messages.success(request, "What dead workers have left is on its way to others.")
        for row in list(queryset.filter(status="failed")):
            try:
                self.again(row, person(request))
                record(Action.SENT_AGAIN, row)
                sent += 1
            except UserError:
                continue  # counted below
        if sent:
            messages.success(request, f"{sent} on the way to a worker again.")
        if sent < total:
            messages.warning(request, f"{total - sent} had not failed, or could not be sent again.")


@admin.register(User)
class PersonAdmin(Kept, UserAdmin):  # type: ignore[type-arg]
    """People. Who leaves is switched off ("active"), not deleted: workspaces may hang on them."""

    add_form = NewUserForm
    ordering = ("email",)
    list_display = ("email", "first_name", "is_active", "is_staff", "last_login")
    search_fields = ("email", "first_name", "last_name")
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("Name", {"fields": ("first_name", "last_name")}),
        ("May", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)
    readonly_fields = ("last_login", "date_joined")


class MemberInline(admin.TabularInline):  # type: ignore[type-arg]
    """The people of a workspace."""

    model = Member
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Workspace)
class WorkspaceAdmin(Kept, admin.ModelAdmin):  # type: ignore[type-arg]
    """Workspaces with their people. They are deleted from their own settings page, which takes the files along."""

    list_display = ("name", "slug", "personal", "member_count", "created_at")
    search_fields = ("name", "slug")
    inlines = (MemberInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Workspace]:
        rows: QuerySet[Workspace] = super().get_queryset(request).annotate(member_count=Count("members"))
        return rows

    @admin.display(description="members", ordering="member_count")
    def member_count(self, workspace: Workspace) -> int:
        return workspace.member_count  # type: ignore[attr-defined, no-any-return]  # annotated above


@admin.register(Invite)
class InviteAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Open and expired invites, to look at and to delete."""

    list_display = ("workspace", "role", "created_by", "created_at", "expires_at")
    list_select_related = ("workspace", "created_by")
    fields = readonly_fields = list_display

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """API tokens, to look at and to delete. No digest is shown."""

    list_display = ("name", "user", "workspace", "created_at", "last_used_at")
    list_select_related = ("user", "workspace")
    fields = readonly_fields = list_display

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Document)
class DocumentAdmin(Watched, admin.ModelAdmin):  # type: ignore[type-arg]
    """Documents and where reading them in stands."""

    list_display = ("name", "workspace", "status", "uploaded_by", "uploaded_at")
    list_filter = ("version__status",)
    list_select_related = ("workspace", "version", "uploaded_by")
    search_fields = ("name", "workspace__slug")

    @admin.display(ordering="version__status")
    def status(self, document: Document) -> str:
        return document.version.get_status_display() if document.version else ""


@admin.register(DocumentVersion)
class DocumentVersionAdmin(Sent):
    """Each file: its status, lease and error. The password of an encrypted file is not shown."""

    list_display = ("document", "number", "kind", "status", "stage", "attempts", "lease_expires_at", "error_code")
    list_filter = ("status", StandsFilter, "kind", "error_code")
    list_select_related = ("document",)
    search_fields = ("document__name", "sha256")
    exclude = ("password", "lease_token")

    def again(self, row: DocumentVersion, user: User) -> None:
        document_retry(row.document)

    def left(self) -> None:
        versions.requeue_expired()


@admin.register(Repository)
class RepositoryAdmin(Watched, admin.ModelAdmin):  # type: ignore[type-arg]
    """Code bases and where they come from. No token of theirs is shown."""

    list_display = ("name", "workspace", "url", "snapshot", "added_by", "added_at")
    list_select_related = ("workspace", "snapshot", "added_by")
    search_fields = ("name", "workspace__slug")
    exclude = ("credential",)


@admin.register(Snapshot)
class SnapshotAdmin(Sent):
    """Versions of code bases: status, lease and error."""

    list_display = ("repository", "number", "status", "stage", "attempts", "lease_expires_at", "error_code")
    list_filter = ("status", StandsFilter, "error_code")
    list_select_related = ("repository",)
    search_fields = ("repository__name", "commit")
    exclude = ("lease_token",)

    def again(self, row: Snapshot, user: User) -> None:
        repository_retry(row.repository)

    def left(self) -> None:
        snapshots.requeue_expired()


@admin.register(Answer)
class AnswerAdmin(Sent):
    """Runs of questions: their status, lease and error. What was asked and answered is not shown here."""

    list_display = (
        "id",
        "workspace",
        "status",
        "mode",
        "llm",
        "attempts",
        "lease_expires_at",
        "error_code",
        "created_at",
    )
    list_filter = ("status", StandsFilter, "mode", "error_code")
    list_select_related = ("question__workspace",)
    exclude = ("question", "text", "reasoning", "plan", "coverage", "lease_token")

    @admin.display(ordering="question__workspace")
    def workspace(self, answer: Answer) -> str:
        return str(answer.question.workspace)

    def again(self, row: Answer, user: User) -> None:
        answer_regenerate(row.question, mode=Mode(row.mode_requested), llm=row.llm)

    def left(self) -> None:
        answers.requeue_expired()


@admin.register(ClauseReview)
class ClauseReviewAdmin(Sent):
    """Documents that were gone through by a checklist. What was found is not shown here."""

    list_display = ("version", "checklist", "status", "attempts", "lease_expires_at", "error_code", "asked_at")
    list_filter = ("status", StandsFilter, "error_code")
    list_select_related = ("version__document",)
    exclude = ("lease_token",)

    def again(self, row: ClauseReview, user: User) -> None:
        review_ask(document=row.version.document, user=user)

    def left(self) -> None:
        reviews.requeue_expired()


@admin.register(Reading)
class ReadingAdmin(Watched, admin.ModelAdmin):  # type: ignore[type-arg]
    """What language models have read ahead, and the room it takes."""

    list_display = ("version", "llm", "status", "tokens_done", "tokens_total", "size_bytes", "last_used_at")
    list_filter = ("status", "llm")
    list_select_related = ("version__document",)
    exclude = ("lease_token",)


@admin.register(Endpoint)
class EndpointAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Endpoints of language models. Keys are set on their own page, and shown nowhere."""

    list_display = ("name", "base_url", "dialect", "self_hosted", "enabled", "tested_at")
    fields = ("name", "base_url", "dialect", "self_hosted", "enabled")
    # A key must not follow its address to another server.
    readonly_fields = ("base_url",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(ServedLLM)
class ServedLLMAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Language models at endpoints, with their own prices and limits."""

    list_display = ("slug", "endpoint", "model", "facts_id", "enabled", "default")
    list_select_related = ("endpoint",)
