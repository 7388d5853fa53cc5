"""What templates need to speak in the reader's language."""

from django import template
from django.utils.html import json_script
from django.utils.safestring import SafeString, mark_safe

from workspaces.language import lowered, translated
from workspaces.scripted import scripted

register = template.Library()
register.filter(lowered)
register.filter(translated)


@register.simple_tag
def scripted_words() -> SafeString:
    """Return the element that scripts read their sentences from; "" where the page is in English."""
    words = scripted()
    return json_script(words, "scripted-words") if words else mark_safe("")
