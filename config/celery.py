"""The Celery application; its settings stand in config/settings.py, each named CELERY_..."""

import os

from celery import Celery
from celery.signals import setup_logging, worker_process_init

from config import heartbeat, warm, watch
from local.process import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

__all__ = ["app", "heartbeat", "warm", "watch"]

app = Celery("lectern")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["analysis", "workspaces"])


@setup_logging.connect
def keep_django_logging(**_: object) -> None:
    """Leave logging as Django has set it; Celery would replace the handlers."""


@worker_process_init.connect
def end_with_worker(**_: object) -> None:
    """Let a pool's child never outlive its worker, which may be killed while the child is busy."""
    die_with_parent()
