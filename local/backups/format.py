"""What writing and reading a backup share: names, digests, the sealed secrets, the database's programs."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from local import postgres

FORMAT = 1
ABOUT, SECRETS, DUMP, MANIFEST, FILES = "about.json", "secrets.json", "database.dump", "manifest.jsonl", "files/"
# Of one home's engines; another home makes its own.
ENGINE_SECRETS = frozenset({"postgres", "valkey", "llama"})
SCRYPT = {"n": 2**15, "r": 8, "p": 1}  # 32 MiB and a tenth of a second for each guess


class BackupError(RuntimeError):
    """A backup could not be made or restored; the message is a sentence for whoever runs the command."""


class Reads(Protocol):
    """Anything that bytes are read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, none at the end."""


class Hashing:
    """A file that counts and hashes what is read from it."""

    def __init__(self, file: Reads) -> None:
        self.file = file
        self.size_bytes = 0
        self._digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        piece = self.file.read(size)
        self._digest.update(piece)
        self.size_bytes += len(piece)
        return piece

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


@dataclass(frozen=True)
class Place:
    """Where a database is: what psycopg and PostgreSQL's programs need to reach it."""

    host: str
    port: str
    user: str
    password: str
    name: str

    @classmethod
    def of(cls, settings: dict[str, Any]) -> Place:
        """Return the place that Django's settings of a database name."""
        return cls(*(str(settings[key]) for key in ("HOST", "PORT", "USER", "PASSWORD", "NAME")))

    @property
    def for_psycopg(self) -> dict[str, str]:
        found = {
            "host": self.host, "port": self.port, "user": self.user, "password": self.password, "dbname": self.name,
        }  # fmt: skip
        return {name: value for name, value in found.items() if value}

    def run(self, program: str, *arguments: str | Path, stdin: IO[bytes] | None = None) -> None:
        """Run one of PostgreSQL's programs on the database; raises BackupError with its last words.

        The password goes by the environment: a command line can be read by everybody on the machine.
        """
        given = {"PGHOST": self.host, "PGPORT": self.port, "PGUSER": self.user, "PGPASSWORD": self.password}
        done = subprocess.run(
            [postgres.binary(program), *arguments, f"--dbname={self.name}"],
            env=os.environ | {name: value for name, value in given.items() if value},
            stdin=stdin,
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()[-8:]
            raise BackupError(f"{program} failed.\n" + "\n".join(said))


def fingerprint(secret_key: str) -> str:
    """Return what tells two keys apart and gives neither away."""
    return hashlib.pbkdf2_hmac("sha256", secret_key.encode(), b"lectern backup", 200_000).hex()[:16]


def sealed(secrets: dict[str, str], passphrase: str) -> bytes:
    """Return the secrets as JSON that opens with the passphrase only."""
    salt = os.urandom(16)
    token = _cipher(passphrase, salt).encrypt(json.dumps(secrets).encode())
    return json.dumps({"scrypt": SCRYPT, "salt": salt.hex(), "fernet": token.decode()}).encode()


def opened(content: bytes, passphrase: str) -> dict[str, str]:
    """Return the secrets again; raises BackupError when the passphrase is another."""
    held = json.loads(content)
    try:
        found = _cipher(passphrase, bytes.fromhex(held["salt"])).decrypt(held["fernet"].encode())
    except InvalidToken:
        raise BackupError("The passphrase is not the one that this backup was made with.") from None
    secrets: dict[str, str] = json.loads(found)
    return secrets


def _cipher(passphrase: str, salt: bytes) -> Fernet:
    key = Scrypt(salt=salt, length=32, **SCRYPT).derive(passphrase.encode())
    return Fernet(base64.urlsafe_b64encode(key))
