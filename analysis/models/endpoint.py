"""Endpoints that an administrator has added, and the language models that are used there."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models

from config.crypto import EncryptedTextField


class Endpoint(models.Model):
    """A server of language models.

    dialect: a name of `llm.dialects`, "" for the one that the server is found to speak. key: encrypted at rest, never
    shown again. test: what the last test found (ok, message, dialect, window_tokens, tokens_per_second, ...).
    """

    name = models.CharField(max_length=80, unique=True)
    base_url = models.URLField(max_length=300)
    key = EncryptedTextField(blank=True, default="")
    dialect = models.CharField(max_length=20, blank=True)
    self_hosted = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    tested_at = models.DateTimeField(null=True)
    test = models.JSONField(default=dict)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ServedLLM(models.Model):
    """A language model as one endpoint serves it; what is null here is as the catalogue's row says.

    slug: what questions and the HTTP interface call it; unique over all endpoints. model: what the server calls it.
    facts_id: the catalogue row with its facts, "" for none. Prices are US dollars per million tokens.
    """

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="llms")
    slug = models.CharField(max_length=120, unique=True)
    model = models.CharField(max_length=200)
    facts_id = models.CharField(max_length=120, blank=True)
    name = models.CharField(max_length=120, blank=True)
    window_tokens = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1024)])
    max_output_tokens = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(64)])
    parallel = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    price_in_usd_per_million = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0)])
    price_cached_usd_per_million = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0)])
    price_out_usd_per_million = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0)])
    enabled = models.BooleanField(default=True)
    default = models.BooleanField(default=False)

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "model"], name="llm_once_per_endpoint"),
            models.UniqueConstraint(fields=["default"], condition=models.Q(default=True), name="one_default_llm"),
        ]

    def __str__(self) -> str:
        return self.slug
