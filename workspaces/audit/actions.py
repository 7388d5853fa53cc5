"""What can stand in the audit log. The words complete a sentence: who, did what, to which object."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy, pgettext_lazy

# What the part before the point is called; and through what somebody acted.
SUBJECTS = {
    "answer": gettext_lazy("Answer"),
    "comment": gettext_lazy("Comment"),
    "data": gettext_lazy("Data"),
    "document": gettext_lazy("Document"),
    "endpoint": gettext_lazy("Endpoint"),
    "folder": gettext_lazy("Folder"),
    "hook": gettext_lazy("Web hook"),
    "installation": gettext_lazy("Installation"),
    "invite": gettext_lazy("Invite"),
    "llm": gettext_lazy("Language model"),
    "mail": gettext_lazy("E-mail"),
    "member": gettext_lazy("Member"),
    "person": gettext_lazy("Person"),
    "question": gettext_lazy("Question"),
    "repository": gettext_lazy("Repository"),
    "token": gettext_lazy("API token"),
    "workspace": gettext_lazy("Workspace"),
}
WAYS = {
    "page": gettext_lazy("page"),
    "api": gettext_lazy("API"),
    "command": gettext_lazy("command"),
    "system": gettext_lazy("system"),
}


class Action(models.TextChoices):
    """What was done. The part before the point is what it was done to."""

    SIGNED_IN = "person.signed_in", gettext_lazy("signed in")
    SIGNED_OUT = "person.signed_out", gettext_lazy("signed out")
    SIGN_IN_FAILED = "person.sign_in_failed", gettext_lazy("failed to sign in")
    SIGNED_UP = "person.signed_up", gettext_lazy("signed up")
    PASSWORD_CHANGED = "person.password_changed", gettext_lazy("changed the password of")  # words, no password
    SECOND_FACTOR_ADDED = "person.second_factor_added", gettext_lazy("added a second factor to")
    SECOND_FACTOR_REMOVED = "person.second_factor_removed", gettext_lazy("removed a second factor of")
    SECOND_FACTOR_FAILED = "person.second_factor_failed", gettext_lazy("failed the second factor of")
    DEVICE_SIGNED_OUT = "person.device_signed_out", gettext_lazy("signed out a device of")
    ACCOUNT_DELETED = "person.deleted", gettext_lazy("deleted the account")
    MAIL_SEEN = "mail.seen", gettext_lazy("looked at a message that was not sent")
    EMAIL_CHANGED = "person.email_changed", gettext_lazy("changed the address of")
    TOKEN_ISSUED = "token.issued", gettext_lazy("issued the API token")
    TOKEN_REVOKED = "token.revoked", gettext_lazy("revoked the API token")

    WORKSPACE_CREATED = "workspace.created", gettext_lazy("created the workspace")
    WORKSPACE_CHANGED = "workspace.changed", gettext_lazy("changed the settings of")
    WORKSPACE_ARCHIVED = "workspace.archived", gettext_lazy("archived the workspace")
    WORKSPACE_REOPENED = "workspace.reopened", gettext_lazy("reopened the archived workspace")
    WORKSPACE_ENDING = "workspace.deletion_set", gettext_lazy("set the deletion of the workspace")
    WORKSPACE_RESTORED = "workspace.restored", gettext_lazy("took back the deletion of the workspace")
    WORKSPACE_HANDED_OVER = "workspace.handed_over", gettext_lazy("handed over the workspace")
    WORKSPACE_DELETED = "workspace.deleted", gettext_lazy("deleted the workspace")
    POLICY_CHANGED = "workspace.policy_changed", gettext_lazy("changed the policy of")
    MEMBER_ROLE = "member.role_changed", gettext_lazy("changed the role of")
    MEMBER_REMOVED = "member.removed", pgettext_lazy("audit", "removed")
    MEMBER_ADMITTED = "member.admitted", gettext_lazy("made a guest a member")
    MEMBER_JOINED = "member.joined", gettext_lazy("joined by invitation")
    INVITE_CREATED = "invite.created", gettext_lazy("made an invitation")
    INVITE_SENT_AGAIN = "invite.sent_again", gettext_lazy("sent an invitation again")
    INVITE_REVOKED = "invite.revoked", gettext_lazy("revoked an invitation")

    FOLDER_CREATED = "folder.created", gettext_lazy("made the folder")
    FOLDER_CHANGED = "folder.changed", gettext_lazy("renamed the folder")
    FOLDER_MOVED = "folder.moved", gettext_lazy("moved the folder")
    FOLDER_DELETED = "folder.deleted", gettext_lazy("deleted the folder")
    FOLDER_CLOSED = "folder.closed", gettext_lazy("closed the folder to all but some")
    FOLDER_OPENED = "folder.opened", gettext_lazy("opened the folder to all")
    FOLDER_GRANTED = "folder.granted", gettext_lazy("let a person into the folder")
    FOLDER_REVOKED = "folder.revoked", gettext_lazy("shut a person out of the folder")

    SERVICE_CREATED = "member.service_created", gettext_lazy("made the service account")
    HOOK_CREATED = "hook.created", gettext_lazy("made the web hook")
    HOOK_CHANGED = "hook.changed", gettext_lazy("changed the web hook")
    HOOK_ROTATED = "hook.rotated", gettext_lazy("gave a new secret to the web hook")
    HOOK_PAUSED = "hook.paused", gettext_lazy("paused the web hook")
    HOOK_RESUMED = "hook.resumed", gettext_lazy("resumed the web hook")
    HOOK_DELETED = "hook.deleted", gettext_lazy("deleted the web hook")

    DOCUMENT_UPLOADED = "document.uploaded", pgettext_lazy("audit", "uploaded")
    DOCUMENT_OPENED = "document.opened", pgettext_lazy("audit", "opened")
    DOCUMENT_DOWNLOADED = "document.downloaded", gettext_lazy("downloaded the original of")
    DOCUMENT_RENAMED = "document.renamed", pgettext_lazy("audit", "renamed")
    DOCUMENT_RETRIED = "document.retried", gettext_lazy("had read in again")
    DOCUMENT_MOVED = "document.moved", pgettext_lazy("audit", "moved")
    DOCUMENT_DELETED = "document.deleted", pgettext_lazy("audit", "deleted")
    REPOSITORY_ADDED = "repository.added", gettext_lazy("added the repository")
    REPOSITORY_CHANGED = "repository.changed", gettext_lazy("changed the repository")
    REPOSITORY_MOVED = "repository.moved", gettext_lazy("moved the repository")
    REPOSITORY_DELETED = "repository.deleted", gettext_lazy("deleted the repository")
    SNAPSHOT_ADDED = "repository.snapshot_added", gettext_lazy("added a version of the repository")

    QUESTION_ASKED = "question.asked", gettext_lazy("asked a question")
    ANSWER_REGENERATED = "answer.regenerated", gettext_lazy("had a question answered again")
    ANSWER_STOPPED = "answer.stopped", gettext_lazy("stopped an answer")
    ANSWER_APPROVED = "answer.approved", gettext_lazy("approved an answer")
    ANSWER_UNAPPROVED = "answer.unapproved", gettext_lazy("took back the approval of an answer")
    QUESTION_SHARED = "question.shared", gettext_lazy("shared a question with the workspace")
    QUESTION_UNSHARED = "question.unshared", gettext_lazy("took a question back to themselves")
    COMMENT_DELETED = "comment.deleted", gettext_lazy("deleted somebody else's comment")
    PROMPT_SEEN = "answer.prompt_seen", gettext_lazy("looked at the prompt of an answer")
    EXPORTED = "data.exported", pgettext_lazy("audit", "exported")

    ENDPOINT_ADDED = "endpoint.added", gettext_lazy("added the model endpoint")
    ENDPOINT_CHANGED = "endpoint.changed", gettext_lazy("changed the model endpoint")
    ENDPOINT_DELETED = "endpoint.deleted", gettext_lazy("deleted the model endpoint")
    LLM_CHANGED = "llm.changed", gettext_lazy("changed the language model")

    BACKED_UP = "installation.backed_up", gettext_lazy("made a backup of everything")
    RESTORED = "installation.restored", gettext_lazy("restored everything from a backup")
    SENT_AGAIN = "installation.sent_again", gettext_lazy("sent to a worker again")
