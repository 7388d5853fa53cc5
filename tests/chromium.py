"""The Chromium for the browser tests: found, or installed; `python -m tests.chromium` prints its path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
ADVICE = "The browser tests need Chromium: install it, and set LECTERN_CHROMIUM to its path if it is not on the PATH."


def find() -> str | None:
    """Return the path of a Chromium on this machine: the one named in LECTERN_CHROMIUM, or one on the PATH."""
    named = os.environ.get("LECTERN_CHROMIUM")
    return next((path for path in [named, *map(shutil.which, NAMES)] if path and Path(path).exists()), None)


def install_package() -> str | None:
    """Return the path of Debian's Chromium after installing it; None where that is not possible."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    for command in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        subprocess.run(["apt-get", "--quiet", "--quiet", *command], check=False, stdout=sys.stderr)
    return find()


def install_playwrights() -> str | None:
    """Return the path of Playwright's own Chromium, fetched if it is not there; None where that is not possible."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if not Path(path).exists():
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False, stdout=sys.stderr)
    return path if Path(path).exists() else None


if __name__ == "__main__":
    chromium = find() or install_package() or install_playwrights()
    sys.exit(ADVICE) if chromium is None else print(chromium)
