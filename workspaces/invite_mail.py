"""The e-mail that brings an invitation, and how many of them one person may send."""

from __future__ import annotations

from smtplib import SMTPException

from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from analysis.errors import UserError
from analysis.progress import connection
from workspaces.models import Invite, User

DAY_SECONDS = 24 * 60 * 60
SENT_BY_ONE_A_DAY = 100
SENT_TO_ONE_A_DAY = 5


def send_invite(invite: Invite, link: str, *, sender: User, note: str = "") -> None:
    """Send the invite's link to its address. note: a sentence from the sender.

    Raises UserError: too_many_mails (429), and mail_failed (502) with the mail server's words.
    """
    _count(f"by:{sender.pk}", SENT_BY_ONE_A_DAY)
    _count(f"to:{invite.email}", SENT_TO_ONE_A_DAY)
    name = " ".join(invite.workspace.name.split())
    words = {"invite": invite, "workspace": name, "sender": sender, "note": note.strip(), "link": link}
    try:
        send_mail(
            _("Invitation to %(name)s on Lectern") % {"name": name},
            render_to_string("workspaces/invite_mail.txt", words),
            None,
            [invite.email],
        )
    except (SMTPException, OSError) as error:
        told = _("The message was not sent. The mail server's words: %(words)s")
        raise UserError(told % {"words": error}, code="mail_failed", status=502) from error


def _count(whom: str, limit: int) -> None:
    """Count one message of the day from or to somebody; raises UserError past the limit."""
    key = f"lectern:invite-mail:{whom}"
    pipe = connection().pipeline(transaction=False)
    pipe.incr(key)
    pipe.expire(key, DAY_SECONDS, nx=True)
    if pipe.execute()[0] > limit:
        message = _("That is more invitations by e-mail than go out in a day. Make a link, or send it tomorrow.")
        raise UserError(message, code="too_many_mails", status=429)
