"""What Details says of a document, in words that a person reads."""

from __future__ import annotations

import pytest
from django.test import Client

from analysis.views.details import language_name, shown
from tests.analysis.views.reading import text_document, understood
from tests.conftest import Cast

SUPPLY = """SUPPLY AGREEMENT

This Supply Agreement is made between Harbour Foods, Inc. (the "Supplier") and Quill Bakeries Limited (the "Buyer"), who
agree that the Supplier delivers flour to the Buyer every week of the year.
"""


def test_who_the_parties_are_is_said(client: Client, cast: Cast):
    document = understood(text_document(SUPPLY, cast.workspace, cast.viewer))
    client.force_login(cast.viewer)
    page = client.get(f"/d/{document.pk}/?tab=details").content.decode()
    assert "<dt>Calls itself</dt><dd>SUPPLY AGREEMENT</dd>" in page
    assert "Harbour Foods, Inc. (Supplier)<br>Quill Bakeries Limited (Buyer)" in page
    assert "<dt>Language</dt><dd>English</dd>" in page


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("D:20230804060209-04'00'", "4 Aug 2023, 06:02"),
        ("2024-02-29T09:30:00Z", "29 Feb 2024, 09:30"),
        ("2023-02-29", "2023-02-29"),
        ("D:20230804", "4 Aug 2023"),
        ("0000320193-23-000077", "0000320193-23-000077"),
        (True, "yes"),
        (7, "7"),
    ],
)
def test_what_a_file_says_of_itself(value: str | float, words: str):
    assert shown(value) == words


def test_languages_by_name():
    assert [language_name(code) for code in ("de", "zh", "xx", "")] == ["German", "Chinese", "xx", ""]
