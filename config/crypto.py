"""Secrets at rest: text encrypted, and a text field whose column holds only ciphertext."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.db import models


def _cipher() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"field:" + settings.SECRET_KEY.encode()).digest()))


def encrypt(text: str) -> str:
    """Return `text` encrypted under a key derived from SECRET_KEY."""
    return _cipher().encrypt(text.encode()).decode()


def decrypt(text: str) -> str:
    """Return what `encrypt` was given; raises InvalidToken under another key."""
    return _cipher().decrypt(text.encode()).decode()


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """A TextField encrypted with Fernet under a key derived from SECRET_KEY; "" stays "". It cannot be filtered on."""

    def get_prep_value(self, value: Any) -> Any:
        return encrypt(value) if value else value

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return decrypt(value) if value else value
