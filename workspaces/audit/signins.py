"""Signing in and out, in the audit log. allauth and Django tell of it by signals alone."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import email_changed, password_changed, password_reset, password_set, user_signed_up
from allauth.mfa.signals import authentication_failed, authenticator_added, authenticator_removed, authenticator_reset
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

from workspaces.audit.actions import Action
from workspaces.audit.entry import record
from workspaces.models import User

TRIED_MAX_CHARACTERS = 200


def listen() -> None:
    """Have every such event recorded from now on."""
    for signal, action in SIGNALS:
        signal.connect(RECEIVERS[action], dispatch_uid=f"audit {action.value} {id(signal)}")


def _signed_in(user: User, **_: Any) -> None:
    record(Action.SIGNED_IN, user, by=user)


def _signed_out(user: User | None, **_: Any) -> None:
    if user is not None:
        record(Action.SIGNED_OUT, user, by=user)


def _failed(credentials: dict[str, Any], **_: Any) -> None:
    tried = str(credentials.get("email") or credentials.get("username") or "")
    record(Action.SIGN_IN_FAILED, tried=tried[:TRIED_MAX_CHARACTERS])


def _signed_up(user: User, **_: Any) -> None:
    record(Action.SIGNED_UP, user, by=user)


def _password_changed(user: User, **_: Any) -> None:
    record(Action.PASSWORD_CHANGED, user, by=user)


def _email_changed(user: User, **_: Any) -> None:
    record(Action.EMAIL_CHANGED, user, by=user)


def _factor_added(user: User, authenticator: Any, **_: Any) -> None:
    record(Action.SECOND_FACTOR_ADDED, user, by=user, kind=authenticator.type)


def _factor_removed(user: User, authenticator: Any, **_: Any) -> None:
    record(Action.SECOND_FACTOR_REMOVED, user, by=user, kind=authenticator.type)


def _factor_failed(user: User, authenticator: Any, **_: Any) -> None:
    record(Action.SECOND_FACTOR_FAILED, user, by=user, kind=authenticator.type)


RECEIVERS = {
    Action.SIGNED_IN: _signed_in,
    Action.SIGNED_OUT: _signed_out,
    Action.SIGN_IN_FAILED: _failed,
    Action.SIGNED_UP: _signed_up,
    Action.PASSWORD_CHANGED: _password_changed,
    Action.EMAIL_CHANGED: _email_changed,
    Action.SECOND_FACTOR_ADDED: _factor_added,
    Action.SECOND_FACTOR_REMOVED: _factor_removed,
    Action.SECOND_FACTOR_FAILED: _factor_failed,
}
SIGNALS = [
    (user_logged_in, Action.SIGNED_IN),
    (user_logged_out, Action.SIGNED_OUT),
    (user_login_failed, Action.SIGN_IN_FAILED),
    (user_signed_up, Action.SIGNED_UP),
    (password_changed, Action.PASSWORD_CHANGED),
    (password_set, Action.PASSWORD_CHANGED),
    (password_reset, Action.PASSWORD_CHANGED),
    (email_changed, Action.EMAIL_CHANGED),
    (authenticator_added, Action.SECOND_FACTOR_ADDED),
    (authenticator_reset, Action.SECOND_FACTOR_ADDED),
    (authenticator_removed, Action.SECOND_FACTOR_REMOVED),
    (authentication_failed, Action.SECOND_FACTOR_FAILED),
]
