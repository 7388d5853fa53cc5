"""The firm's SAML provider. Needs `python3-saml`, which only an installation with one set loads."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.saml.provider import SAMLProvider
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

NOT_BEGUN = gettext_lazy("This sign-in was not begun here, or it took too long. Begin again from the sign-in page.")


class SamlProvider(SAMLProvider):  # type: ignore[misc]  # allauth has no types
    """SAML 2.0, begun here and never by the provider, with signed assertions. An address can only start a sign-in."""

    package = "allauth.socialaccount.providers.saml"

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """Return where to come back to; not what else a link might ask for, such as connecting another's account."""
        return {**super().get_redirect_from_request_kwargs(request), "process": AuthProcess.LOGIN}

    def unstash_redirect_state(self, request: HttpRequest, state_id: str) -> Any:
        """Return with what the person left for the provider; one who has not left from here gets no further."""
        try:
            return super().unstash_redirect_state(request, state_id)
        except PermissionDenied:
            raise get_adapter().refusal(request, str(NOT_BEGUN)) from None
