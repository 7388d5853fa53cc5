"""What a person was told of, as sentences with a link; the page of notifications and the mail are made of these."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from workspaces.models import Notification, NotificationKind, User

NAMED_CHARACTERS = 120


@dataclass(frozen=True)
class News:
    """A notification for its reader. words: whether what somebody wrote may be said, or names alone."""

    row: Notification
    words: bool = True

    @property
    def sentence(self) -> str:
        """What happened."""
        said = {
            NotificationKind.MENTIONED: _("%(who)s mentioned you in a comment on %(what)s"),
            NotificationKind.REPLIED: _("%(who)s answered in a thread that you take part in, on %(what)s"),
            NotificationKind.COMMENTED: _("%(who)s commented on your question %(what)s"),
            NotificationKind.ASSIGNED: _("%(who)s gave you a comment to see to, on %(what)s"),
            NotificationKind.RESOLVED: _("%(who)s resolved a thread on %(what)s"),
            NotificationKind.APPROVED: _("%(who)s approved the answer to your question %(what)s"),
            NotificationKind.ANSWERED: _("Your question %(what)s has been answered"),
            NotificationKind.BUDGET: _("The budget of %(what)s is nearly used up"),
        }[NotificationKind(self.row.kind)]
        return said % {"who": name_of(self.row.actor), "what": self.what}

    @property
    def what(self) -> str:
        """What it is about, by its name; of a question its words, where these may be said."""
        if self.row.document is not None:
            return f"“{Truncator(self.row.document.name).chars(NAMED_CHARACTERS)}”"
        if self.row.question is None:
            return self.row.workspace.name
        if not self.words:
            return "“…”"
        return f"“{Truncator(self.row.question.text).chars(NAMED_CHARACTERS)}”"

    @property
    def quote(self) -> str:
        """The beginning of the comment, where there is one and words may be said."""
        return Truncator(self.row.comment.text).chars(300) if self.words and self.row.comment else ""

    @property
    def url(self) -> str:
        """Where it leads, by way of being read."""
        return reverse("notification", args=[self.row.pk])


def name_of(user: User | None) -> str:
    """Return what a person is called."""
    return (user.get_full_name() or user.email) if user else _("A former member")
