"""A document's terms and references over the interface."""

from __future__ import annotations

from analysis.ingest.index import write_understanding
from analysis.ingest.understand import understand
from analysis.models import DocumentVersion
from tests.api.conftest import Caller
from tests.conftest import Cast
from tests.rows import make_document

TEXT = """\
1. Terms

“Fee” means ten pounds.

“Price” has the meaning set forth in Section 2.

2. Money

The Fee is due under Section 1, not Section 7, or Section 5 of the Sale Act. The price (the “Price”) is fair.

3. End
"""


def understood(cast: Cast) -> DocumentVersion:
    version = make_document(cast, text=TEXT)
    write_understanding(version, understand(TEXT))
    return version


def test_terms_come_with_all_their_definitions(viewer: Caller, cast: Cast) -> None:
    version = understood(cast)
    reply = viewer.get(f"/documents/{version.document_id}/terms").json()
    assert reply["undefined"] == []
    fee, price = reply["terms"]
    assert (fee["term"], fee["uses"]) == ("Fee", 1)
    (definition,) = fee["definitions"]
    assert TEXT[definition["start_char"] : definition["end_char"]] == "“Fee” means ten pounds."
    assert TEXT[definition["term_start_char"] : definition["term_end_char"]] == "Fee"
    assert [one["points"] for one in price["definitions"]] == [True, False]


def test_references_say_where_they_lead(viewer: Caller, cast: Cast) -> None:
    version = understood(cast)
    reply = viewer.get(f"/documents/{version.document_id}/references").json()
    assert [(one["label"], one["aim"]) for one in reply["items"]] == [
        ("Section 2", "here"),
        ("Section 1", "here"),
        ("Section 7", "nowhere"),
        ("Section 5", "elsewhere"),
    ]
    assert reply["count"] == 4
    first = reply["items"][0]
    assert TEXT[first["target_start_char"] : first["target_end_char"]].startswith("2. Money")


def test_references_are_chosen_by_aim_and_paged(viewer: Caller, cast: Cast) -> None:
    version = understood(cast)
    reply = viewer.get(f"/documents/{version.document_id}/references", aim="here", limit="1", offset="1").json()
    assert ([one["label"] for one in reply["items"]], reply["count"]) == (["Section 1"], 2)
    assert viewer.get(f"/documents/{version.document_id}/references", aim="away").status_code == 422


def test_a_document_that_is_not_ready_has_none_yet(viewer: Caller, cast: Cast) -> None:
    version = understood(cast)
    DocumentVersion.objects.update(status="ingesting")
    for noun in ("terms", "references"):
        response = viewer.get(f"/documents/{version.document_id}/{noun}")
        assert (response.status_code, response.json()["error"]["code"]) == (409, "not_ready")
