"""The product's own settings, with the costs that tests do not test taken out."""

import os

from tests import engines

# Here, since pytest-django loads the settings before any conftest, and settings need to know where the engines are.
if "DATABASE_URL" not in os.environ:
    engines.start()

from config.settings import *  # noqa: F403

# One process is web, workers and the threads of tests in turn: a thread that a test lets go of keeps its connection.
DATABASES["default"]["OPTIONS"]["pool"]["max_size"] = 40  # noqa: F405

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# Its routes are there where a SAML provider is set; the tests set one, and none, as they need.
INSTALLED_APPS += ["allauth.socialaccount.providers.saml"]  # noqa: F405
SOCIALACCOUNT_PROVIDERS = {"saml": {"provider_class": "workspaces.sso.saml.SamlProvider"}}
