"""The one gate by which text of a workspace leaves the house: to language models, embedders, and whoever else is told.

A workspace that is *self-hosted only* sends nothing to a destination that is not the firm's own. Every call that
carries text asks here first. Who sends is said by the caller, or is the workspace that this request or task was let
into (`sending_for`); where neither is known and some workspace is self-hosted only, nothing leaves.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from analysis.errors import AppError, UserError
from config.env import env
from workspaces.policy import any_self_hosted_only, policy_of


class EgressRefused(UserError):
    """The workspace's policy keeps its text in the house."""

    code = "egress_refused"
    status = 403


class SenderUnknown(AppError):
    """Text would leave, and nobody has said whose it is: a fault of ours, found before anything was sent."""

    code = "sender_unknown"


@dataclass(frozen=True)
class Sender:
    """Whose text it is. workspace_id: None for the installation's own words, such as those that try an endpoint out."""

    workspace_id: int | None


_sender: ContextVar[Sender | None] = ContextVar("sender", default=None)


@contextmanager
def sending_for(workspace_id: int | None) -> Iterator[None]:
    """Have what leaves inside count as this workspace's."""
    token = _sender.set(Sender(workspace_id))
    try:
        yield
    finally:
        _sender.reset(token)


def let_in(workspace_id: int) -> None:
    """Have what leaves from here on, in this request, count as this workspace's."""
    _sender.set(Sender(workspace_id))


class SenderMiddleware:
    """Forgets at a request's end whose text it handled. Whose that is, `workspaces.access` says when it lets in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = _sender.set(None)
        try:
            return self.get_response(request)
        finally:
            _sender.reset(token)


def leave(what: str, address: str, *, self_hosted: bool, sender: Sender | None = None) -> None:
    """Return when `what` may go to `address`. Raises EgressRefused, SenderUnknown."""
    if self_hosted:
        return
    sender = sender or _sender.get()
    if sender is None:
        if any_self_hosted_only():
            raise SenderUnknown(f"{what} would have been sent to {host_of(address)} without a word on whose it is.")
    elif sender.workspace_id is not None and policy_of(sender.workspace_id).self_hosted_only:
        raise EgressRefused(
            gettext(
                "This workspace keeps its text in the house, and %(address)s is outside it. "
                "An owner or admin can change that under Settings, Policy."
            )
            % {"address": host_of(address)}
        )


def keeps_in(workspace_id: int) -> bool:
    """Return whether nothing of the workspace may leave the house; for whoever checks the address it connects to."""
    return policy_of(workspace_id).self_hosted_only


def host_of(address: str) -> str:
    """Return the host of an address, for people: without user information, path and query."""
    return urlsplit(address).hostname or address


def embedder_is_away() -> bool:
    """Return whether text is embedded by an endpoint outside the house."""
    at_endpoint = env.embedder.startswith(("http://", "https://"))
    return at_endpoint and not (env.embedder_self_hosted or is_near(env.embedder))


def is_near(address: str) -> bool:
    """Return whether an address is plainly in the house: this machine, or a private network."""
    host = urlsplit(address).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False
