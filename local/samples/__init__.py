"""The sample documents: a services agreement and its amendment, shipped as PDF beside the text they are set from."""

from __future__ import annotations

from pathlib import Path

NAMES = ("Master Services Agreement (sample).pdf", "First Amendment (sample).pdf")


def sample_paths() -> list[Path]:
    """Return the paths of the sample documents, the agreement first."""
    return [Path(__file__).parent / name for name in NAMES]
