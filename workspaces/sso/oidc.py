"""What an OpenID provider sends back, checked as OpenID Connect Core 1.0, section 3.1.3.7 asks.

allauth leaves the signature of a token unchecked when it came over TLS, and knows no nonce. Here all of it is checked.
"""

from __future__ import annotations

import hmac
from typing import Any

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from requests import RequestException

# By public keys alone: one that both sides know would let whoever has it sign tokens too.
ALGORITHMS = {
    "RSA": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
    "EC": ["ES256", "ES384", "ES512"],
    "OKP": ["EdDSA"],
}
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
CLAIMS = ["iss", "sub", "aud", "exp", "iat"]
LEEWAY_SECONDS = 30  # clocks differ


class OidcAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth has no types
    """One sign-in. nonce: what was sent along with the person, set when they come back."""

    nonce = ""

    @property
    def openid_config(self) -> dict[str, Any]:
        """Return what the provider says of itself; raises OAuth2Error if that is another than the one set."""
        config: dict[str, Any] = super().openid_config
        expected = self.get_provider().app.settings["server_url"]
        if str(config.get("issuer", "")).rstrip("/") != expected.rstrip("/"):
            raise OAuth2Error(f"The provider calls itself {config.get('issuer')!r}, not {expected!r}.")
        if not all(isinstance(config.get(name), str) for name in ENDPOINTS):
            raise OAuth2Error(f"The provider does not say of all of {ENDPOINTS} where they are.")
        return config

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        """Return who signs in; raises OAuth2Error for a token that is not to be believed."""
        claims = self.claims_of(str(kwargs["response"].get("id_token") or ""), app.client_id)
        data: dict[str, Any] = {"id_token": claims}
        if "email" not in claims and "userinfo_endpoint" in self.openid_config:
            told = self._fetch_user_info(token.token)
            if told.get("sub") != claims["sub"]:
                raise OAuth2Error("The provider told of another person than its token.")
            data["userinfo"] = {**claims, **told}
        return self.get_provider().sociallogin_from_response(request, data)

    def claims_of(self, token: str, client_id: str) -> dict[str, Any]:
        """Return the token's claims: signed by the provider, for this client, now, and for this very sign-in."""
        try:
            key = self._key_of(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                key=key.key,
                algorithms=ALGORITHMS.get(key.key_type or "", []),
                audience=client_id,
                issuer=self.openid_config["issuer"],
                leeway=LEEWAY_SECONDS,
                options={"require": CLAIMS},
            )
        except jwt.PyJWTError as error:
            raise OAuth2Error(f"The provider's token is not valid: {error}") from error
        if not self.nonce or not hmac.compare_digest(str(claims.get("nonce", "")).encode(), self.nonce.encode()):
            raise OAuth2Error("The provider's token is not of this sign-in.")
        if claims.get("azp", client_id) != client_id:
            raise OAuth2Error("The provider's token was made for another program.")
        return claims

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        """Return where the provider sends people back to, as it has to be registered there."""
        path = reverse("oidc_callback", kwargs={"provider_id": self.provider_id})
        return f"{settings.PUBLIC_URL.rstrip('/')}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)

    def _key_of(self, token: str) -> jwt.PyJWK:
        """Return the key that the token says it is signed with, from the provider's own list."""
        wanted = jwt.get_unverified_header(token).get("kid")
        with get_adapter().get_requests_session() as session:
            reply = session.get(self.openid_config["jwks_uri"])
            reply.raise_for_status()
        keys = [key for key in jwt.PyJWKSet.from_dict(reply.json()).keys if key.public_key_use in {"sig", None}]
        fitting = [key for key in keys if key.key_id == wanted] if wanted else keys
        if len(fitting) != 1:
            raise OAuth2Error("The provider's token is signed with a key that is not on its list.")
        return fitting[0]


class Callback(OAuth2CallbackView):  # type: ignore[misc]  # allauth has no types
    """Where people come back. The state in their session has the nonce that they left with."""

    def _get_state(self, request: HttpRequest, provider: Any) -> tuple[Any, HttpResponse | None]:
        state, reply = super()._get_state(request, provider)
        self.adapter.nonce = (state or {}).get("nonce", "")
        return state, reply


def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Lead to the provider."""
    return _view(OAuth2LoginView, request, provider_id)


def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take in who comes back from the provider."""
    return _view(Callback, request, provider_id)


def _view(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    adapter = OidcAdapter(request, provider_id)
    try:
        reply: HttpResponse = view.adapter_view(adapter)(request)
    except SocialApp.DoesNotExist:
        raise Http404 from None
    except (OAuth2Error, RequestException) as error:  # before there is anybody to check: the provider cannot be reached
        reply = render_authentication_error(request, adapter.get_provider(), exception=error)
    return reply
