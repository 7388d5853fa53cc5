"""The firm's OpenID provider, as allauth's registry finds it."""

from __future__ import annotations

import secrets
from typing import Any

from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from workspaces.sso.oidc import OidcAdapter


class OidcProvider(OpenIDConnectProvider):  # type: ignore[misc]  # allauth has no types
    """OpenID Connect by code, with PKCE and a nonce. An address can only start a sign-in, and set nothing in it."""

    id = "oidc"
    name = "OpenID Connect"
    oauth2_adapter_class = OidcAdapter
    pkce_enabled_default = True

    def get_login_url(self, request: HttpRequest, **kwargs: Any) -> str:
        """Return the address of the button on the sign-in page."""
        return reverse("oidc_login", kwargs={"provider_id": self.app.provider_id})

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """Return where to come back to; not what else a link might ask for, such as connecting another's account."""
        return {**super().get_redirect_from_request_kwargs(request), "process": AuthProcess.LOGIN}

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        """Return the scopes, which are no matter of the request."""
        return list(self.get_scope())

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, str]:
        """Return the parameters for the provider, which are no matter of the request."""
        return dict(self.get_auth_params())

    def redirect(self, request: HttpRequest, process: str, next_url: str | None = None, **kwargs: Any) -> HttpResponse:
        """Lead to the provider, with a nonce that its token has to bring back."""
        nonce = secrets.token_urlsafe(24)
        params = {**(kwargs.pop("auth_params", None) or {}), "nonce": nonce}
        return super().redirect(request, process, next_url, auth_params=params, nonce=nonce, **kwargs)  # type: ignore[no-any-return]


provider_classes = [OidcProvider]
