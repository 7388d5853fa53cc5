"""Celery entry points: load, call a recipe, return. Arguments are ids only."""

from __future__ import annotations
