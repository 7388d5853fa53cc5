"""Telling people by e-mail what they were told in the page and have not looked at.

A message holds what one person has not been mailed of, and is sent in the transaction that marks these as mailed: a
worker that dies before the mail server has taken the message leaves them as they were, and one that is at work keeps
others off them. Between the server's word and the commit lie milliseconds in which a death would send them again; such
a message has the same Message-ID, by which mail programs know it. docs/decisions/2026-11-25-notifications-by-mail.md
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from datetime import timedelta
from email.utils import parseaddr
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.signing import Signer
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import ngettext

from analysis.egress import EgressRefused, Sender, leave
from config.env import env
from workspaces.access import memberships_for, notifications_for
from workspaces.models import ByMail, Notification, User
from workspaces.together.news import News

log = logging.getLogger(__name__)
PATIENCE = timedelta(seconds=60)  # what is looked at within this time is not mailed
OLDEST = timedelta(days=3)  # what could not be mailed for so long stays in the page alone
LISTED = 50
_signer = Signer(salt="workspaces.together.unsubscribe")


def mail_at_once() -> int:
    """Mail those who want to know at once; return how many messages were sent."""
    return _mail_all(ByMail.AT_ONCE)


def mail_digests() -> int:
    """Mail those who want to know once a day; return how many messages were sent."""
    return _mail_all(ByMail.DAILY)


def _mail_all(how: ByMail) -> int:
    waiting = _unmailed().filter(user__notify_by_mail=how, user__is_active=True).order_by()
    sent = 0
    for user_id in list(waiting.values_list("user", flat=True).distinct()):
        try:
            sent += _mail_one(user_id)
        except (SMTPException, OSError):
            # Their rows are as they were: the next round tries again, and does not keep the others waiting.
            log.warning("A message to person %d was not taken by the mail server", user_id, exc_info=True)
    return sent


def _unmailed() -> QuerySet[Notification]:
    now = timezone.now()
    return Notification.objects.filter(
        mailed_at=None, read_at=None, created_at__lte=now - PATIENCE, created_at__gt=now - OLDEST
    )


@transaction.atomic
def _mail_one(user_id: int) -> int:
    """Send one person what waits for them; return 1, or 0 where nothing does that they may still see."""
    rows = _unmailed().filter(user=user_id).select_for_update(skip_locked=True, of=("self",))
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    user = User.objects.get(pk=user_id)
    seen = notifications_for(memberships_for(user)).filter(pk__in=ids)
    Notification.objects.filter(pk__in=ids).update(mailed_at=timezone.now())
    told = list(seen[:LISTED])
    if not told:
        return 0
    message_to(user, told, seen.count()).send()
    return 1


def message_to(user: User, rows: Sequence[Notification], count: int) -> EmailMessage:
    """Return the message that tells a person of `rows`, the newest of `count`, in their language."""
    stop = absolute(reverse("unsubscribe", args=[_signer.sign(str(user.pk))]))
    with translation.override(user.language or settings.LANGUAGE_CODE):
        subject = ngettext("%(count)d notification", "%(count)d notifications", count) % {"count": count}
        news = [News(row, words=_may_say(row)) for row in rows]
        context = {"news": news, "more": count - len(rows), "base": absolute(""), "stop": stop}
        body = render_to_string("workspaces/email/notifications.txt", context)
    headers = {
        "Message-ID": _message_id(user, rows),
        "List-Unsubscribe": f"<{stop}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
    }
    return EmailMessage(f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}{subject}", body, None, [user.email], headers=headers)


def _may_say(row: Notification) -> bool:
    """Return whether what people wrote may leave in a message. Where a mail ends up, no server of ours decides."""
    try:
        leave("a comment", env.email_url or "mailto:", self_hosted=False, sender=Sender(row.workspace_id))
    except EgressRefused:
        return False
    return True


def _message_id(user: User, rows: Sequence[Notification]) -> str:
    named = hashlib.sha256(f"{user.pk}:{','.join(str(row.pk) for row in rows)}".encode()).hexdigest()[:32]
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<notifications.{named}@{host}>"


def absolute(path: str) -> str:
    """Return the address of a page of ours for someone who is not on one."""
    here = f"http://127.0.0.1:{os.environ.get('LECTERN_PORT') or 8000}"
    return f"{(settings.PUBLIC_URL or here).rstrip('/')}{path}"


def unsubscriber(token: str) -> int:
    """Return the id of the person whom the link in a message was made for; raises BadSignature."""
    return int(_signer.unsign(token))
