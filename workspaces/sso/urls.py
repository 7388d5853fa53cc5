"""The addresses of the OpenID provider's sign-in, below /accounts/."""

from django.urls import path

from workspaces.sso import oidc

urlpatterns = [
    path("oidc/<str:provider_id>/login/", oidc.login, name="oidc_login"),
    path("oidc/<str:provider_id>/login/callback/", oidc.callback, name="oidc_callback"),
]
