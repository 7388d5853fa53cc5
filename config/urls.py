"""The URL map: accounts, workspaces, documents and questions, the APIs, health."""

from django.contrib import admin
from django.urls import include, path

from analysis.api import api
from analysis.api.openai import openai_api
from config.health import healthz
from config.metrics import metrics
from config.status import status

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("status/", status, name="status"),
    path("api/v1/", api.urls),
    path("v1/", openai_api.urls),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("", include("workspaces.urls")),
    path("", include("analysis.urls")),
]

handler400 = "analysis.views.errors.bad_request"
