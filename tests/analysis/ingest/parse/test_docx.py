"""DOCX: numbers as printed, tables, notes, comments, tracked changes, pages; hostile archives."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from docx import Document
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from analysis.errors import UserError
from analysis.ingest.parse import parse_file
from analysis.ingest.parse.docx_numbering import format_number
from analysis.types import ParsedDocument


def parse(path: Path, password: str = "") -> ParsedDocument:
    return parse_file(path, name=path.name, password=password, page_limit=5000, report=lambda *_: None)


def saved(document: object, tmp_path: Path) -> Path:
    path = tmp_path / "a.docx"
    document.save(str(path))  # type: ignore[attr-defined]
    return path


def element(xml: str) -> object:
    name = xml[1 : min(xml.index(" ") if " " in xml else 99, xml.index(">"))].rstrip("/")
    return parse_xml(xml.replace(f"<{name}", f"<{name} {nsdecls('w')}", 1))


def run(text: str) -> str:
    return f"<w:r><w:t xml:space='preserve'>{text}</w:t></w:r>"


def with_body(tmp_path: Path, *blocks: str) -> Path:
    """A document of raw paragraphs and tables."""
    document = Document()
    for block in blocks:
        document.element.body.insert(len(document.element.body) - 1, element(block))
    return saved(document, tmp_path)


def test_headings_and_paragraphs(tmp_path: Path) -> None:
    document = Document()
    document.core_properties.author = "Ada"
    document.core_properties.title = "Lease"
    document.add_heading("Term", 1)
    document.add_paragraph("The term is five years.")
    document.add_heading("Renewal", 2)
    document.add_paragraph("It renews.")
    document.add_heading("Rent", 1)
    found = parse(saved(document, tmp_path))
    assert found.text == "Term\n\nThe term is five years.\n\nRenewal\n\nIt renews.\n\nRent"
    assert [(h.level, h.title, found.text[h.start_char : h.section_end_char]) for h in found.headings] == [
        (1, "Term", "Term\n\nThe term is five years.\n\nRenewal\n\nIt renews.\n\n"),
        (2, "Renewal", "Renewal\n\nIt renews.\n\n"),
        (1, "Rent", "Rent"),
    ]
    assert (found.metadata["author"], found.metadata["title"]) == ("Ada", "Lease")
    assert (found.kind, found.pages[0].width, found.pages[0].boxes) == ("docx", 0, None)


_NUMBERING = """<w:numbering>
<w:abstractNum w:abstractNumId="77">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="ARTICLE %1"/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:isLgl/><w:lvlText w:val="%1.%2"/></w:lvl>
<w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%3)"/></w:lvl>
<w:lvl w:ilvl="3"><w:start w:val="1"/><w:numFmt w:val="bullet"/><w:lvlText w:val="x"/></w:lvl></w:abstractNum>
<w:num w:numId="77"><w:abstractNumId w:val="77"/></w:num>
<w:num w:numId="78"><w:abstractNumId w:val="77"/>
<w:lvlOverride w:ilvl="2"><w:startOverride w:val="5"/></w:lvlOverride></w:num>
</w:numbering>"""


def test_numbers_are_resolved_as_word_prints_them(tmp_path: Path) -> None:
    document = Document()
    numbering = document.part.numbering_part.element
    for one in list(element(_NUMBERING)):  # type: ignore[call-overload]
        (numbering.insert(0, one) if one.tag.endswith("abstractNum") else numbering.append(one))
    for text, depth, list_id in [
        ("Rent", 0, 77),
        ("Amount", 1, 77),
        ("base", 2, 77),
        ("extra", 2, 77),
        ("note", 3, 77),
        ("Due date", 1, 77),
        ("first", 2, 77),
        ("Term", 0, 77),
        ("Start", 1, 77),
        ("override", 2, 78),
    ]:
        paragraph = document.add_paragraph(text)
        paragraph._p.get_or_add_pPr().append(
            element(f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{list_id}"/></w:numPr>')
        )
    assert parse(saved(document, tmp_path)).text.split("\n\n") == [
        "ARTICLE I Rent",
        "1.1 Amount",
        "(a) base",
        "(b) extra",
        "• note",
        "1.2 Due date",
        "(a) first",
        "ARTICLE II Term",
        "2.1 Start",
        "(e) override",
    ]


@pytest.mark.parametrize(
    ("value", "style", "printed"),
    [
        (4, "lowerRoman", "iv"),
        (1999, "upperRoman", "MCMXCIX"),
        (27, "lowerLetter", "aa"),
        (3, "ordinal", "3rd"),
        (11, "ordinal", "11th"),
        (7, "decimalZero", "07"),
        (2, "cardinalText", "Two"),
    ],
)
def test_number_styles(value: int, style: str, printed: str) -> None:
    assert format_number(value, style) == printed


def test_tracked_changes_are_settled_and_on_record(tmp_path: Path) -> None:
    change = 'w:author="Ada" w:date="2024-03-01T10:00:00Z" w:id="1"'
    found = parse(
        with_body(
            tmp_path,
            f"<w:p>{run('The fee is ')}<w:del {change}><w:r><w:delText>100</w:delText></w:r></w:del>"
            f"<w:ins {change}>{run('150')}</w:ins>{run(' a year.')}</w:p>",
            f"<w:p><w:pPr><w:rPr><w:del {change}/></w:rPr></w:pPr>{run('Joined ')}</w:p>",
            "<w:p><w:r><w:t>paragraph.</w:t></w:r></w:p>",
        )
    )
    assert found.text == "The fee is 150 a year.\n\nJoined paragraph."
    assert found.metadata["tracked_changes"] == [
        {"kind": "deletion", "author": "Ada", "date": "2024-03-01T10:00:00Z", "text": "100"},
        {"kind": "insertion", "author": "Ada", "date": "2024-03-01T10:00:00Z", "text": "150"},
    ]
    assert [warning.message for warning in found.warnings] == [
        "This document has tracked changes by Ada. They were read as accepted: "
        "1 insertion in the text, 1 deletion left out."
    ]


def test_fields_hyperlinks_controls_boxes_and_hidden_text(tmp_path: Path) -> None:
    box = "<w:txbxContent><w:p><w:r><w:t>In a box.</w:t></w:r></w:p></w:txbxContent>"
    found = parse(
        with_body(
            tmp_path,
            f"<w:p>{run('Page ')}<w:r><w:fldChar w:fldCharType='begin'/><w:instrText>PAGE</w:instrText></w:r>"
            f"{run('not this')}<w:r><w:fldChar w:fldCharType='separate'/></w:r>{run('7')}"
            f"<w:r><w:fldChar w:fldCharType='end'/></w:r><w:hyperlink>{run(' and link')}</w:hyperlink>"
            "<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r></w:p>",
            "<w:sdt><w:sdtContent><w:p><w:r><w:t>Controlled.</w:t></w:r></w:p></w:sdtContent></w:sdt>",
            f"<w:p><w:r><w:t>Around.</w:t></w:r><w:r><w:pict>{box}</w:pict></w:r></w:p>",
        )
    )
    assert found.text == "Page 7 and link\n\nControlled.\n\nAround.\n\nIn a box."
    assert [warning.code for warning in found.warnings] == ["hidden_text"]


def test_headers_footers_and_comments_come_once_at_the_end(tmp_path: Path) -> None:
    document = Document()
    document.sections[0].header.paragraphs[0].text = "Draft of May"
    document.sections[0].footer.paragraphs[0].text = "Confidential"
    paragraph = document.add_paragraph("The rent is due.")
    document.add_comment(paragraph.runs, text="When exactly?", author="Ada")
    text = parse(saved(document, tmp_path)).text
    assert text.startswith("The rent is due.\n\nComment by Ada, ")
    assert text.endswith(": When exactly?\n\nHeader: Draft of May\n\nFooter: Confidential")


def test_pages_end_where_word_ended_them(tmp_path: Path) -> None:
    found = parse(
        with_body(
            tmp_path,
            "<w:p><w:r><w:t>One.</w:t></w:r></w:p>",
            f"<w:p>{run('Two ends ')}<w:r><w:lastRenderedPageBreak/><w:t>here.</w:t></w:r></w:p>",
            "<w:p><w:r><w:lastRenderedPageBreak/><w:t>Three.</w:t></w:r></w:p>",
        )
    )
    assert [found.text[page.start_char : page.end_char] for page in found.pages] == [
        "One.\n\nTwo ends ",
        "here.\n\n",
        "Three.",
    ]


def test_a_web_page_in_the_documents_place_is_read(tmp_path: Path) -> None:
    document = Document()
    page = Part(PackURI("/word/chunk.html"), "text/html", b"<p>The rent is due.</p>", document.part.package)
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/aFChunk"
    relation = document.part.relate_to(page, kind)
    document.element.body.insert(0, parse_xml(f'<w:altChunk {nsdecls("w", "r")} r:id="{relation}"/>'))
    assert parse(saved(document, tmp_path)).text == "The rent is due."


def test_a_bomb_is_refused_without_being_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", b"\0" * (64 * 2**20))
    with pytest.raises(UserError) as error:
        parse(path)
    assert (error.value.code, error.value.status) == ("too_large", 413)


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    path = saved(Document(), tmp_path)
    evil = tmp_path / "evil.docx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(evil, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "word/document.xml":
                data = (
                    b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
                    b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
                    b"<w:p><w:r><w:t>safe &x;</w:t></w:r></w:p></w:body></w:document>"
                )
            target.writestr(name, data)
    assert parse(evil).text == "safe"


@pytest.mark.parametrize("share", [0.2, 0.7, 0.98])
def test_a_truncated_archive_is_damaged(tmp_path: Path, share: float) -> None:
    path = saved(Document(), tmp_path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(UserError) as error:
        parse(path)
    assert error.value.code == "damaged"
