"""Secrets at rest: a text field whose column holds only ciphertext."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.db import models


def _cipher() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"field:" + settings.SECRET_KEY.encode()).digest()))


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """A TextField encrypted with Fernet under a key derived from SECRET_KEY; "" stays "". It cannot be filtered on."""

    def get_prep_value(self, value: Any) -> Any:
        return _cipher().encrypt(value.encode()).decode() if value else value

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return _cipher().decrypt(value.encode()).decode() if value else value
