"""The settings pages of a workspace, as the list beside each of them has them."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from workspaces.models import Member, Role


@dataclass(frozen=True)
class Page:
    """A page. role: the least that sees it. also: the names of routes that show it, or belong to it."""

    name: str
    label: str | Promise
    role: Role = Role.VIEWER
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Link:
    """A page as it is listed."""

    url: str
    label: str | Promise
    current: bool


LIFE = ("workspace_leave", "workspace_delete", "workspace_hand_over")
INVITING = ("invite_create", "invite_resend", "member_role", "member_remove", "invite_revoke")
HOOK = ("hook", "hook_test", "hook_secret", "hook_redeliver")
PAGES = (
    Page("workspace_settings", _("General"), also=LIFE),
    Page("members", _("Members"), also=INVITING),
    Page("folders", _("Folders"), also=("folder", "folder_people", "folder_delete")),
    Page("workspace_policy", _("Policy"), Role.ADMIN),
    Page("workspace_usage", _("Usage"), Role.EDITOR),
    Page("workspace_audit", _("Audit log"), Role.ADMIN),
    Page("services", _("Service accounts"), Role.ADMIN, also=("service_token_new",)),
    Page("hooks", _("Web hooks"), Role.ADMIN, also=HOOK),
    Page("workspace_export", _("Export"), Role.ADMIN),
)


def links_for(member: Member, shown: str) -> list[Link]:
    """Return the pages that the member sees. shown: the name of the route that answers."""
    slug = member.workspace.slug
    return [
        Link(reverse(page.name, args=[slug]), page.label, shown in (page.name, *page.also))
        for page in PAGES
        if member.holds(page.role)
    ]
