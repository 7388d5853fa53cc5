"""People, the workspaces they share, and what lets them in: one file a noun."""

from workspaces.models.audit import AuditEvent
from workspaces.models.folder import Folder, FolderGrant, FolderSight
from workspaces.models.hook import DeliveryState, HookDelivery, WebHook
from workspaces.models.people import ApiToken, ByMail, User, UserManager, digest
from workspaces.models.roles import Role, Scope
from workspaces.models.together import Comment, Notification, NotificationKind
from workspaces.models.workspace import INVITE_LIFETIME, Invite, Member, Policy, Workspace

__all__ = [
    "INVITE_LIFETIME",
    "ApiToken",
    "AuditEvent",
    "ByMail",
    "Comment",
    "DeliveryState",
    "Folder",
    "FolderGrant",
    "FolderSight",
    "HookDelivery",
    "Invite",
    "Member",
    "Notification",
    "NotificationKind",
    "Policy",
    "Role",
    "Scope",
    "User",
    "UserManager",
    "WebHook",
    "Workspace",
    "digest",
]
