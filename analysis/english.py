"""Sentences that are stored: in English, whoever's browser they are made for. Pages translate what is fixed in them."""

from __future__ import annotations


def one_or_many(one: str, many: str, count: int) -> str:
    """Return the words for `count` of something."""
    return one if count == 1 else many
