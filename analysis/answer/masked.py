"""Text as prompts have it: every secret in it replaced by as many bullets, so that all offsets hold.

Whatever is sent to a language model or quoted in an answer is read here and nowhere else. Who may open a file sees its
secrets in the viewer; a model, its provider and whoever an answer is handed on to do not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from analysis.models import DocumentVersion, Secret, VersionText
from analysis.types import Hit, Span

MASK = "\u2022"
_VISIBLE = re.compile(r"[^\n]")  # line breaks stay, and line numbers with them


def mask(text: str, start_char: int, secrets: Iterable[Span]) -> str:
    """Return `text` with the secrets in it masked. start_char: where it starts in the text that they are spans of."""
    for secret in secrets:
        first = max(0, secret.start_char - start_char)
        end = max(first, min(len(text), secret.end_char - start_char))
        text = text[:first] + _VISIBLE.sub(MASK, text[first:end]) + text[end:]
    return text


def secrets_of(version_ids: Iterable[int]) -> dict[int, list[Span]]:
    """Return where the secrets of the versions are, by version, in one query; versions without one are left out."""
    found: dict[int, list[Span]] = defaultdict(list)
    rows = Secret.objects.filter(version__in=set(version_ids)).order_by("version", "start_char")
    for version_id, start, end in rows.values_list("version_id", "start_char", "end_char"):
        found[version_id].append(Span(start, end))
    return found


def read(version: DocumentVersion | int, start_char: int = 0, end_char: int | None = None) -> str:
    """Return `text[start_char:end_char]` of a version, masked."""
    row = DocumentVersion(pk=version) if isinstance(version, int) else version
    return mask(row.read_text(start_char, end_char), start_char, secrets_of([row.pk]).get(row.pk, ()))


def texts(version_ids: Iterable[int]) -> dict[int, str]:
    """Return the versions' whole texts, masked, in two queries."""
    wanted = set(version_ids)
    secrets = secrets_of(wanted)
    rows = VersionText.objects.filter(version__in=wanted).values_list("version_id", "text")
    return {version_id: mask(text, 0, secrets.get(version_id, ())) for version_id, text in rows}


def masked_hits(hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits with their texts and headings masked: chunks are kept as the file has them."""
    secrets = secrets_of(hit.version_id for hit in hits)
    hidden = hider(secrets)
    return [
        replace(
            hit,
            text=mask(hit.text, hit.start_char, secrets.get(hit.version_id, ())),
            heading_path=hidden(hit.heading_path),
        )
        for hit in hits
    ]


def hider(version_ids: Iterable[int]) -> Callable[[str], str]:
    """Return what masks the versions' secrets in words made of their texts, such as the signature of a constant."""
    secrets = secrets_of(version_ids)
    if not secrets:
        return lambda words: words
    rows = VersionText.objects.filter(version__in=secrets).values_list("version_id", "text")
    found = {text[slice(*span)] for version_id, text in rows for span in secrets[version_id]}
    # The longest first: one secret may be the beginning of another.
    pattern = re.compile("|".join(re.escape(secret) for secret in sorted(found, key=len, reverse=True)))
    return lambda words: pattern.sub(lambda match: MASK * len(match[0]), words)
