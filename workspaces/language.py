"""The language that a page is in: the person's, else the browser's, else English. Programs are answered in English."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.functional import Promise

from workspaces.models import User

# Whose sentences programs read, and people in logs.
FOR_PROGRAMS = ("/api/", "/healthz", "/metrics", "/mcp", "/v1/")


class LanguageMiddleware:
    """Turns the language on that the signed-in person has chosen. What the browser prefers is on already."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if chosen := language_for(request):
            translation.activate(chosen)
            request.LANGUAGE_CODE = chosen
        return self.get_response(request)


def language_for(request: HttpRequest) -> str:
    """Return the language that this request decides on, whatever the browser prefers; "" where the browser decides."""
    if request.path.startswith(FOR_PROGRAMS):
        return settings.LANGUAGE_CODE
    return language_of(request.user)


def language_of(person: object) -> str:
    """Return the language a person has chosen, "" for none, or one that is no longer there."""
    chosen = person.language if isinstance(person, User) else ""
    return chosen if chosen in dict(settings.LANGUAGES) else ""


def written_for(reader: object) -> translation.override:
    """Return the context in which a message is written: the reader's language, this one if they have chosen none."""
    return translation.override(language_of(reader) or translation.get_language())


def lowered(label: str | Promise) -> str:
    """Return a label as it stands within a sentence: in lower case, where the language does not write nouns large."""
    return str(label) if translation.get_language() == "de" else str(label).lower()


def translated(sentence: Any) -> str:
    """Return a sentence that was stored in English in the reader's language, as it stands if nobody has translated it.

    A worker stores sentences without knowing who will read them. Those with numbers or names in them stay English.
    """
    return translation.gettext(str(sentence)) if sentence else ""
