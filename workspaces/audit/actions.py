"""What can stand in the audit log. The words complete a sentence: who, did what, to which object."""

from __future__ import annotations

from django.db import models


class Action(models.TextChoices):
    """What was done. The part before the point is what it was done to."""

    SIGNED_IN = "person.signed_in", "signed in"
    SIGNED_OUT = "person.signed_out", "signed out"
    SIGN_IN_FAILED = "person.sign_in_failed", "failed to sign in"
    SIGNED_UP = "person.signed_up", "signed up"
    PASSWORD_CHANGED = "person.password_changed", "changed the password of"  # words, no password
    SECOND_FACTOR_ADDED = "person.second_factor_added", "added a second factor to"
    SECOND_FACTOR_REMOVED = "person.second_factor_removed", "removed a second factor of"
    SECOND_FACTOR_FAILED = "person.second_factor_failed", "failed the second factor of"
    DEVICE_SIGNED_OUT = "person.device_signed_out", "signed out a device of"
    ACCOUNT_DELETED = "person.deleted", "deleted the account"
    MAIL_SEEN = "mail.seen", "looked at a message that was not sent"
    EMAIL_CHANGED = "person.email_changed", "changed the address of"
    TOKEN_ISSUED = "token.issued", "issued the API token"
    TOKEN_REVOKED = "token.revoked", "revoked the API token"

    WORKSPACE_CREATED = "workspace.created", "created the workspace"
    WORKSPACE_CHANGED = "workspace.changed", "changed the settings of"
    WORKSPACE_DELETED = "workspace.deleted", "deleted the workspace"
    POLICY_CHANGED = "workspace.policy_changed", "changed the policy of"
    MEMBER_ROLE = "member.role_changed", "changed the role of"
    MEMBER_REMOVED = "member.removed", "removed"
    MEMBER_JOINED = "member.joined", "joined by invitation"
    INVITE_CREATED = "invite.created", "made an invitation"
    INVITE_REVOKED = "invite.revoked", "revoked an invitation"

    FOLDER_CREATED = "folder.created", "made the folder"
    FOLDER_CHANGED = "folder.changed", "renamed the folder"
    FOLDER_MOVED = "folder.moved", "moved the folder"
    FOLDER_DELETED = "folder.deleted", "deleted the folder"
    FOLDER_CLOSED = "folder.closed", "closed the folder to all but some"
    FOLDER_OPENED = "folder.opened", "opened the folder to all"
    FOLDER_GRANTED = "folder.granted", "let a person into the folder"
    FOLDER_REVOKED = "folder.revoked", "shut a person out of the folder"

    DOCUMENT_UPLOADED = "document.uploaded", "uploaded"
    DOCUMENT_OPENED = "document.opened", "opened"
    DOCUMENT_DOWNLOADED = "document.downloaded", "downloaded the original of"
    DOCUMENT_RENAMED = "document.renamed", "renamed"
    DOCUMENT_RETRIED = "document.retried", "had read in again"
    DOCUMENT_MOVED = "document.moved", "moved"
    DOCUMENT_DELETED = "document.deleted", "deleted"
    REPOSITORY_ADDED = "repository.added", "added the repository"
    REPOSITORY_CHANGED = "repository.changed", "changed the repository"
    REPOSITORY_MOVED = "repository.moved", "moved the repository"
    REPOSITORY_DELETED = "repository.deleted", "deleted the repository"
    SNAPSHOT_ADDED = "repository.snapshot_added", "added a version of the repository"

    QUESTION_ASKED = "question.asked", "asked a question"
    ANSWER_REGENERATED = "answer.regenerated", "had a question answered again"
    ANSWER_STOPPED = "answer.stopped", "stopped an answer"
    ANSWER_APPROVED = "answer.approved", "approved an answer"
    ANSWER_UNAPPROVED = "answer.unapproved", "took back the approval of an answer"
    QUESTION_SHARED = "question.shared", "shared a question with the workspace"
    QUESTION_UNSHARED = "question.unshared", "took a question back to themselves"
    COMMENT_DELETED = "comment.deleted", "deleted somebody else's comment"
    PROMPT_SEEN = "answer.prompt_seen", "looked at the prompt of an answer"
    EXPORTED = "data.exported", "exported"

    ENDPOINT_ADDED = "endpoint.added", "added the model endpoint"
    ENDPOINT_CHANGED = "endpoint.changed", "changed the model endpoint"
    ENDPOINT_DELETED = "endpoint.deleted", "deleted the model endpoint"
    LLM_CHANGED = "llm.changed", "changed the language model"

    BACKED_UP = "installation.backed_up", "made a backup of everything"
    RESTORED = "installation.restored", "restored everything from a backup"
    SENT_AGAIN = "installation.sent_again", "sent to a worker again"
