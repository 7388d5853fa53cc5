"""What a person sees of a firm's workspace, told as JSON: run in a test, and in a home that was restored."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.apps import apps
from django.core.files.storage import default_storage

# Engines and sessions of one home, and what a restore itself adds.
NOT_KEPT = {"auditevent", "session"}


def rows() -> dict[str, int]:
    return {
        model._meta.label_lower: model._default_manager.count()
        for model in apps.get_models()
        if model._meta.model_name not in NOT_KEPT
    }


def look(question: str) -> dict[str, Any]:
    """Return the rows, files, an answer with its citations, and what a search finds."""
    from analysis.answer.payload import answer_payload
    from analysis.answer.retrieve import retrieve
    from analysis.models import Answer, Document, DocumentVersion, Endpoint

    files = {}
    for name in DocumentVersion.objects.exclude(file="").values_list("file", flat=True):
        with default_storage.open(name, "rb") as file:
            files[name] = hashlib.sha256(file.read()).hexdigest()
    hits = retrieve(question, documents=Document.objects.all(), limit=5)
    answer = Answer.objects.select_related("question").get()
    return {
        "rows": rows(),
        "files": files,
        "hits": [[str(hit.document_id), hit.start_char, hit.end_char, round(hit.score, 6), hit.text] for hit in hits],
        "answer": answer_payload(answer),
        "keys": list(Endpoint.objects.values_list("name", flat=True)),
        "opened": [endpoint.key for endpoint in Endpoint.objects.all()],
    }


if __name__ == "__main__":
    import sys

    import django

    django.setup()
    print(json.dumps(look(sys.argv[1]), default=str, sort_keys=True))
