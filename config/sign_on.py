"""Single sign-on as the settings have it: from the environment, or from `sso.toml` in the home.

domains = ["firm.example"]           # LECTERN_SSO_DOMAINS, separated by commas
name = "Firm & Partners"             # LECTERN_SSO_NAME, on the button
passwords = true                     # LECTERN_SSO_PASSWORDS: may addresses of these domains sign in otherwise too
addresses_verified = false           # LECTERN_SSO_ADDRESSES_VERIFIED: take the provider's word without the claim

[workspaces]                         # LECTERN_SSO_WORKSPACES=legal:editor,library:viewer
legal = "editor"

[oidc]
issuer = "https://login.firm.example"    # LECTERN_OIDC_ISSUER
client_id = "lectern"                    # LECTERN_OIDC_CLIENT_ID
secret = "…"                             # LECTERN_OIDC_SECRET

[saml]
metadata = "https://login.firm.example/metadata.xml"   # LECTERN_SAML_METADATA
entity_id = "https://login.firm.example"               # LECTERN_SAML_ENTITY_ID, of the provider
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

ROLES = ("viewer", "reviewer", "editor", "admin", "owner")
ON = {"1", "true", "yes", "on"}
ID = "firm"  # of the one provider, in addresses


@dataclass(frozen=True)
class Oidc:
    """An OpenID provider, and this installation as its client."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Saml:
    """A SAML identity provider: where its metadata is, and which of the entities in there it is."""

    metadata: str
    entity_id: str


@dataclass(frozen=True)
class SignOn:
    """How a firm's people sign in. domains: in lower case; of no other is an address taken from the provider.

    passwords: whether addresses of these domains may also sign in without the provider. addresses_verified: whether an
    address counts as verified though the provider does not say so. workspaces: slug to role, joined at the first
    sign-in.
    """

    name: str = "your firm"
    domains: tuple[str, ...] = ()
    passwords: bool = True
    addresses_verified: bool = False
    workspaces: Mapping[str, str] = field(default_factory=dict)
    oidc: Oidc | None = None
    saml: Saml | None = None

    def covers(self, email: str) -> bool:
        """Return whether the address is of one of the firm's domains."""
        return email.rpartition("@")[2].lower() in self.domains


def read_sign_on(home: Path, environ: Mapping[str, str]) -> SignOn:
    """Return what is set, the environment before the file; raises ImproperlyConfigured."""
    path = home / "sso.toml"
    try:
        told: dict[str, Any] = tomllib.loads(path.read_text()) if path.exists() else {}
    except tomllib.TOMLDecodeError as error:
        raise ImproperlyConfigured(f"{path}: {error}") from None
    oidc, saml = told.get("oidc", {}), told.get("saml", {})

    def text(name: str, default: object) -> str:
        return environ.get(f"LECTERN_{name}", str(default or "")).strip()

    def flag(name: str, default: bool) -> bool:
        return text(name, int(default)).lower() in ON

    sign_on = SignOn(
        name=text("SSO_NAME", told.get("name")) or "your firm",
        domains=tuple(_items(text("SSO_DOMAINS", ",".join(told.get("domains", []))).lower())),
        passwords=flag("SSO_PASSWORDS", told.get("passwords", True)),
        addresses_verified=flag("SSO_ADDRESSES_VERIFIED", told.get("addresses_verified", False)),
        workspaces=_workspaces(environ.get("LECTERN_SSO_WORKSPACES"), told.get("workspaces", {})),
        oidc=_oidc(
            text("OIDC_ISSUER", oidc.get("issuer")),
            text("OIDC_CLIENT_ID", oidc.get("client_id")),
            text("OIDC_SECRET", oidc.get("secret")),
        ),
        saml=_saml(text("SAML_METADATA", saml.get("metadata")), text("SAML_ENTITY_ID", saml.get("entity_id"))),
    )
    if (sign_on.oidc or sign_on.saml) and not sign_on.domains:
        raise ImproperlyConfigured("Single sign-on needs LECTERN_SSO_DOMAINS: the domains that it speaks for.")
    return sign_on


def providers(sign_on: SignOn) -> dict[str, Any]:
    """Return what allauth wants to know of the providers that are set."""
    found: dict[str, Any] = {}
    if sign_on.oidc:
        settings: dict[str, Any] = {"server_url": sign_on.oidc.issuer, "oauth_pkce_enabled": True}
        if sign_on.addresses_verified:
            settings["verified_email"] = list(sign_on.domains)
        app = {"provider_id": ID, "name": sign_on.name, "client_id": sign_on.oidc.client_id}
        found["oidc"] = {"APPS": [{**app, "secret": sign_on.oidc.secret, "settings": settings}]}
    if sign_on.saml:
        # An assertion is the firm's own word on its own people; SAML has no claim for "verified".
        saml = {
            "idp": {"entity_id": sign_on.saml.entity_id, "metadata_url": sign_on.saml.metadata},
            "verified_email": list(sign_on.domains),
            "use_nameid_for_email": False,
            "advanced": {"want_assertion_signed": True, "reject_idp_initiated_sso": True, "strict": True},
        }
        app = {"provider_id": f"{ID}-saml", "name": sign_on.name, "client_id": ID}
        found["saml"] = {"provider_class": "workspaces.sso.saml.SamlProvider", "APPS": [{**app, "settings": saml}]}
    return found


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _workspaces(text: str | None, told: dict[str, str]) -> dict[str, str]:
    pairs = told if text is None else dict(item.partition(":")[::2] for item in _items(text))
    for slug, role in pairs.items():
        if role not in ROLES:
            raise ImproperlyConfigured(f"LECTERN_SSO_WORKSPACES: {slug}'s role {role!r} is none of {ROLES}.")
    return pairs


def _oidc(issuer: str, client_id: str, secret: str) -> Oidc | None:
    if not issuer:
        return None
    if not client_id:
        raise ImproperlyConfigured("LECTERN_OIDC_ISSUER is set, and LECTERN_OIDC_CLIENT_ID is not.")
    _secure(issuer, "LECTERN_OIDC_ISSUER")
    return Oidc(issuer.rstrip("/"), client_id, secret)


def _saml(metadata: str, entity_id: str) -> Saml | None:
    if not metadata:
        return None
    _secure(metadata, "LECTERN_SAML_METADATA")
    return Saml(metadata, entity_id)


def _secure(url: str, name: str) -> None:
    """Raise ImproperlyConfigured unless nobody on the way can put his own keys in place of the provider's."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and _loopback(parts.hostname or "")):
        raise ImproperlyConfigured(f"{name} is to begin with https://.")


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
