"""Text, Markdown, HTML, e-mail, RTF; what a file is, whatever its name says."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import UserError
from analysis.ingest.parse import parse_file
from analysis.ingest.parse.canonical import flow_pages
from analysis.types import ParsedDocument


def parse_bytes(data: bytes, name: str) -> ParsedDocument:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(data)
        return parse_file(path, name=name, password="", page_limit=5000, report=lambda *_: None)


TEXT = "1. Term\r\nThe term is “five” years — naïve.\r\n\r\n\tIndented;  two spaces. \n"
CANONICAL = TEXT.replace("\r\n", "\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_text_is_the_decoded_file_with_nothing_but_line_ends_changed(encoding: str) -> None:
    assert parse_bytes(TEXT.encode(encoding), "a.txt").text == CANONICAL


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Арендатор обязуется вносить арендную плату ежемесячно до пятого числа. " * 5),
        ("shift_jis", "賃借人は毎月五日までに賃料を支払うものとする。" * 10),
    ],
)
def test_other_alphabets_are_told_by_their_letters(encoding: str, text: str) -> None:
    assert parse_bytes(text.encode(encoding), "a.txt").text == text


def test_what_postgresql_cannot_keep_is_replaced_without_moving_anything() -> None:
    document = parse_bytes(b"x" * 9000 + b"\x00tail", "a.txt")
    assert document.text == "x" * 9000 + "\ufffdtail"
    assert [warning.code for warning in document.warnings] == ["encoding"]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), min_size=1, max_size=9000))
def test_pages_cover_a_text_without_gap_or_overlap(text: str) -> None:
    pages = flow_pages(text)
    assert "".join(text[page.start_char : page.end_char] for page in pages) == text
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))
    assert all(page.end_char - page.start_char <= 4500 for page in pages)


def test_long_texts_have_pages_cut_at_paragraph_ends() -> None:
    paragraph = "The Tenant shall pay. " * 20 + "\n\n"
    document = parse_bytes((paragraph * 30).encode(), "a.txt")
    assert len(document.pages) == 4
    assert all(document.text[: page.end_char].endswith("\n\n") for page in document.pages)


def test_markdown_headings_and_text_unchanged() -> None:
    source = "# Lease\n\nWords with `code` and **bold**.\n\n## 1.2 *Rent*\n\n```\n# not a heading\n```\n\nEnd\n===\n"
    document = parse_bytes(source.encode(), "a.md")
    assert document.text == source
    assert [(h.level, h.label, h.title) for h in document.headings] == [
        (1, "", "Lease"),
        (2, "1.2", "Rent"),
        (1, "", "End"),
    ]
    assert [source[h.start_char : h.end_char] for h in document.headings] == ["Lease", "1.2 *Rent*", "End"]


HTML = """<!DOCTYPE html><html><head><title>A lease</title><style>p {color: red}</style></head><body>
<script>alert(1)</script><h1>Lease</h1><p>The <b>Tenant</b>
shall&nbsp;pay.<br>Monthly.</p><div style="display:none">unseen</div>
<ol start="3"><li>first</li><li><p>second</p></li></ol><table><tr><th>Item</th><th>Price</th></tr>
<tr><td>Rent</td><td><p>100</p></td></tr></table><h2>Term</h2>five years</body></html>"""


@pytest.mark.parametrize("name", ["a.html", "a.pdf", "a.docx", "a"])
def test_html_is_read_as_what_it_is_whatever_its_name(name: str) -> None:
    document = parse_bytes(HTML.encode(), name)
    assert document.kind == "html"
    assert document.text == (
        "Lease\n\nThe Tenant shall pay.\nMonthly.\n\n3. first\n\n4. second\n\n"
        "Item | Price\nRent | 100\n\nTerm\n\nfive years"
    )
    assert [(h.level, h.title) for h in document.headings] == [(1, "Lease"), (2, "Term")]
    assert document.metadata["title"] == "A lease"


def test_deeply_nested_html_does_not_crash() -> None:
    assert parse_bytes(b"<html>" + b"<div>" * 1500 + b"deep", "a.html").text == "deep"


MAIL = b"""From: Ada <ada@firm.example>
To: Bob <bob@firm.example>
Subject: =?utf-8?q?R=C3=A9nt?=
Date: Fri, 1 Mar 2024 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="x"

--x
Content-Type: text/plain; charset=iso-8859-1

The r\xe9nt is due.

Ada
--x
Content-Type: application/pdf
Content-Disposition: attachment; filename="lease.pdf"

JVBERi0=
--x--
""".replace(b"\n", b"\r\n")


@pytest.mark.parametrize("name", ["a.eml", "a.txt"])
def test_a_message_has_its_headers_and_body_and_names_its_attachments(name: str) -> None:
    document = parse_bytes(MAIL, name)
    assert document.kind == "email"
    assert document.text == (
        "From: Ada <ada@firm.example>\nTo: Bob <bob@firm.example>\n"
        "Date: Fri, 01 Mar 2024 10:00:00 +0000\nSubject: Rént\n\n"
        "The rént is due.\n\nAda"
    )
    assert document.metadata["attachments"] == ["lease.pdf"]
    assert [warning.message for warning in document.warnings] == [
        "An attachment was not read: lease.pdf. Upload it too."
    ]


def test_rtf() -> None:
    assert (
        parse_bytes(rb"{\rtf1\ansi\ansicpg1252 The r\'e9nt is due.\par Monthly.}", "a.rtf").text
        == "The rént is due.\n\nMonthly."
    )


@pytest.mark.parametrize(
    ("data", "name", "code", "words"),
    [
        (b"\x89PNG\r\n\x1a\n0000", "a.pdf", "damaged", "This file is damaged"),
        (b"GIF89a\1\0\1\0", "a.pdf", "unsupported_type", "GIF pictures cannot be read. Save it as PNG"),
        (bytes(range(256)) * 40, "a.bin", "unsupported_type", "This kind of file cannot be read"),
        (bytes(range(256)) * 40, "a.pdf", "damaged", "This file is damaged"),
        (b"PK\x03\x04 not really a zip", "a.docx", "damaged", "This file is damaged"),
        (b" \n\t\n", "a.txt", "empty_document", "There is no text in this file"),
        (b"%PDF-1.7\nnothing", "a.pdf", "damaged", "This file is damaged"),
    ],
)
def test_refusals_say_what_is_wrong(data: bytes, name: str, code: str, words: str) -> None:
    with pytest.raises(UserError) as error:
        parse_bytes(data, name)
    assert error.value.code == code
    assert error.value.message.startswith(words)
