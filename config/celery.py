"""The Celery application; its settings stand in config/settings.py, each named CELERY_..."""

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("lectern")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["analysis", "workspaces"])


@setup_logging.connect
def keep_django_logging(**_: object) -> None:
    """Leave logging as Django has set it; Celery would replace the handlers."""
