"""Takes a person's second factors away, when they have lost device and recovery codes alike."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.audit.origin import acting
from workspaces.models import User


class Command(BaseCommand):
    """Removes passkeys, authenticator app and recovery codes. Make sure first that it is the person who asks."""

    help = "Remove a person's passkeys, authenticator app and recovery codes: their password alone signs them in then."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    @transaction.atomic
    def handle(self, *args: Any, email: str, **options: Any) -> None:
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            raise CommandError(f"There is no account with the address {email}.")
        factors = Authenticator.objects.filter(user_id=user.pk)
        with acting("command"):
            for factor in factors:
                record(Action.SECOND_FACTOR_REMOVED, user, kind=factor.type)
        count, _ = factors.delete()
        self.stdout.write(f"{count} removed for {user.email}.")
