"""Tables in a document's Details: listed with their captions, and saved as CSV."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from analysis.ingest import index
from analysis.models import DocumentVersion
from tests.api.test_tables import TEXT, parsed
from tests.conftest import Cast
from tests.rows import make_document


def test_details_list_tables_that_can_be_saved(client: Client, cast: Cast) -> None:
    version = make_document(cast, name="fees.docx", text=TEXT)
    DocumentVersion.objects.update(characters=len(TEXT))
    index.write_parsed(version, parsed())
    client.force_login(cast.viewer)
    page = client.get(reverse("document", args=[version.document_id])).content.decode()
    assert "Fees in euros:" in page
    assert "page 2, 2 × 2, some columns in doubt" in page
    address = reverse("document_table", args=[version.document_id, 1])
    assert address in page
    response = client.get(address)
    assert response.content == b'Item,Price\r\nRent,"1,000"\r\n'
    assert response["Content-Disposition"] == 'attachment; filename="fees.docx table 1.csv"'
    assert client.get(reverse("document_table", args=[version.document_id, 3])).status_code == 404
