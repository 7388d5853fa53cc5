"""The link that signs a person in once, without a password: printed when Lectern starts for the first time."""

from __future__ import annotations

from datetime import timedelta

from django.core import signing
from django.db import transaction
from django.utils.translation import gettext

from analysis.errors import UserError
from workspaces.models import User

LINK_LIFETIME = timedelta(hours=24)
_SALT = "workspaces.first_login"


class LinkSpent(UserError):
    """The link is past its time, has been used, or was never ours; the message says what to do."""

    code = "link_spent"
    status = 410


def make_link_token(user: User) -> str:
    """Return the token of `/start/<token>/`: signed, good for a day and for one sign-in."""
    return signing.dumps({"user": user.pk, "since": _last_login(user)}, salt=_SALT)


@transaction.atomic
def take_link_token(token: str) -> User:
    """Return whom `token` signs in; raises LinkSpent.

    The token carries the person's last sign-in, so the sign-in it leads to is what uses it up, and so does any other.
    Call it in the transaction that signs the person in: the row stays locked until then, so two clicks cannot both win.
    """
    try:
        claims = signing.loads(token, salt=_SALT, max_age=LINK_LIFETIME)
    except signing.SignatureExpired:
        raise LinkSpent(gettext("This sign-in link is more than a day old.")) from None
    except signing.BadSignature:
        raise LinkSpent(gettext("This sign-in link is not complete, or it comes from another Lectern.")) from None
    user = User.objects.select_for_update().filter(pk=claims["user"], is_active=True).first()
    if user is None or _last_login(user) != claims["since"]:
        raise LinkSpent(gettext("This sign-in link has been used already."))
    return user


def _last_login(user: User) -> str:
    return user.last_login.isoformat() if user.last_login else ""
