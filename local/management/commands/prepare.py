"""`manage.py prepare`: what every start needs before the first page can be served."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.urls import reverse

from local.demo import demo_create


class Command(BaseCommand):
    help = "Bring the database and static files up to date, make the demo workspace, and print a sign-in link's path."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=1, stdout=self.stderr)
        call_command("collectstatic", interactive=False, verbosity=0, stdout=self.stderr)
        token = demo_create()
        self.stdout.write(reverse("first_login", args=[token]) if token else "")
