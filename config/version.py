"""Which Lectern this is: its release and, in a checkout, its commit."""

from __future__ import annotations

import subprocess
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@cache
def version() -> str:
    """Return "0.1.0", or in a checkout "0.1.0, 2de8701", with "changed" after the commit where files differ from it."""
    release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    commit = _git("describe", "--always", "--exclude=*", "--dirty= changed")
    return f"{release}, {commit}" if commit else str(release)


def _git(*arguments: str) -> str:
    """Return what git says of the checkout, "" where there is none or no git."""
    try:
        said = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return said.stdout.strip()
