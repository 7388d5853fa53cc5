"""PDF: exact text, spans, boxes that lie on the ink, order, forms, encryption, scans."""

from __future__ import annotations

from pathlib import Path

import pytest
from pypdf import PdfWriter
from pypdf.generic import RectangleObject
from reportlab.pdfgen.canvas import Canvas

from analysis.errors import UserError
from analysis.ingest.boxes import rectangles, text_lines
from analysis.ingest.parse import parse_file
from analysis.types import PageSource, ParsedDocument, Span
from tests.analysis.ingest import papers
from tests.analysis.ingest.papers import lines


def parse(path: Path, password: str = "", page_limit: int = 5000) -> ParsedDocument:
    return parse_file(path, name=path.name, password=password, page_limit=page_limit, report=lambda *_: None)


def span_of(document: ParsedDocument, quote: str) -> Span:
    assert document.text.count(quote) == 1, document.text
    start = document.text.index(quote)
    return Span(start, start + len(quote))


def boxes_of(document: ParsedDocument, quote: str) -> tuple[int, list[tuple[float, float, float, float]]]:
    span = span_of(document, quote)
    page = next(page for page in document.pages if page.start_char <= span.start_char < page.end_char)
    assert page.boxes
    found = rectangles(page.boxes, page.start_char, span)
    return page.number, [(one.x0, one.y0, one.x1, one.y1) for one in found]


def covered(document: ParsedDocument) -> None:
    assert document.pages[0].start_char == 0
    assert document.pages[-1].end_char == len(document.text)
    for before, after in zip(document.pages, document.pages[1:], strict=False):
        assert before.end_char == after.start_char
        assert after.number == before.number + 1


def test_lines_paragraphs_and_pages(tmp_path: Path) -> None:
    path = papers.pdf(
        tmp_path / "a.pdf",
        lines(
            "The Tenant shall pay the rent on the first day of",
            "each month.",
            "",
            "The Landlord shall repair the roof and",
        ),
        lines("the walls."),
    )
    document = parse(path)
    assert document.text == (
        "The Tenant shall pay the rent on the first day of\neach month.\n\n"
        "The Landlord shall repair the roof and\nthe walls."
    )
    covered(document)
    assert [document.text[page.start_char : page.end_char] for page in document.pages][1] == "the walls."
    assert (round(document.pages[0].width), round(document.pages[0].height)) == (595, 842)
    assert document.kind == "pdf"


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_words_rectangle_lies_on_its_ink_on_turned_and_cropped_pages(tmp_path: Path, rotation: int) -> None:
    plain = papers.pdf(tmp_path / "plain.pdf", lambda canvas: canvas.drawString(300, 500, "rent"))

    def edit(writer: PdfWriter) -> None:
        writer.pages[0].cropbox = RectangleObject((100, 200, 500, 700))
        writer.pages[0].rotate(rotation)

    path = papers.edited(plain, tmp_path / "turned.pdf", edit)
    document = parse(path)
    number, (box,) = boxes_of(document, "rent")
    assert papers.ink_inside(path, number, box)
    assert papers.without(path, number, box)
    assert (box[2] - box[0]) * (box[3] - box[1]) < 0.01


def test_each_words_rectangle_holds_where_it_was_drawn(tmp_path: Path) -> None:
    places = {"alpha": (72, 700), "bravo": (250, 500), "charlie": (400, 120)}

    def draw(canvas: Canvas) -> None:
        for word, (x, y) in places.items():
            canvas.drawString(x, y, word)

    document = parse(papers.pdf(tmp_path / "a.pdf", draw))
    for word, (x, y) in places.items():
        _, ((x0, y0, x1, y1),) = boxes_of(document, word)
        assert x0 - 0.002 <= x / papers.WIDTH <= x0 + 0.01
        assert y0 < 1 - (y + 4) / papers.HEIGHT < y1
        assert x1 - x0 == pytest.approx(Canvas("x").stringWidth(word, "Helvetica", 11) / papers.WIDTH, abs=0.005)


def test_two_columns_are_read_one_after_the_other_even_if_written_across(tmp_path: Path) -> None:
    left = [f"left column line {n} goes on and on" for n in range(12)]
    right = [f"right column line {n} goes on too" for n in range(12)]

    def draw(canvas: Canvas) -> None:
        canvas.drawString(72, 800, "A title that runs over the whole width of the page, both columns and the gutter")
        for n in range(12):
            canvas.drawString(72, 760 - 14 * n, left[n])
            canvas.drawString(320, 760 - 14 * n, right[n])

    text = parse(papers.pdf(tmp_path / "a.pdf", draw)).text
    assert text.index("both columns") < text.index(left[0])
    assert "\n".join(left) in text
    assert text.index(left[11]) < text.index(right[0])
    assert "\n".join(right) in text


def test_a_table_is_read_row_by_row(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        for column, cells in enumerate((["Item", "Rent", "Heat"], ["2023", "100", "20"], ["2024", "110", "22"])):
            for row, cell in enumerate(cells):
                canvas.drawString(72 + 150 * column, 700 - 16 * row, cell)

    assert parse(papers.pdf(tmp_path / "a.pdf", draw)).text == "Item | 2023 | 2024\nRent | 100 | 110\nHeat | 20 | 22"


def test_a_footer_that_is_first_in_the_file_comes_last(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(300, 30, "Page 1 of 1")
        lines("The first sentence stands here.", "The second follows it.")(canvas)

    text = parse(papers.pdf(tmp_path / "a.pdf", draw)).text
    assert text.startswith("The first sentence")
    assert text.endswith("Page 1 of 1")


def test_text_that_cannot_be_seen_is_not_text(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(72, 700, "seen")
        canvas.drawString(-400, 700, "unseen")

    assert parse(papers.pdf(tmp_path / "a.pdf", draw)).text == "seen"


def test_form_values_are_text(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(72, 700, "Name of the Tenant:")
        canvas.acroForm.textfield(name="tenant", value="Ada Lovelace", x=200, y=690, width=200, height=20)

    path = papers.pdf(tmp_path / "a.pdf", draw)
    document = parse(path)
    assert "Ada Lovelace" in document.text
    assert document.metadata["form_fields"] == {"tenant": "Ada Lovelace"}
    number, (box,) = boxes_of(document, "Ada Lovelace")
    assert number == 1
    assert box[0] == pytest.approx(200 / papers.WIDTH, abs=0.02)


def test_properties_and_outline(tmp_path: Path) -> None:
    def chapter(title: str) -> object:
        def draw(canvas: Canvas) -> None:
            canvas.setTitle("Lease")
            canvas.setAuthor("Ada")
            canvas.bookmarkPage(title)
            canvas.addOutlineEntry(title, title, level=0)
            lines(title, "", "Some words of this part.")(canvas)

        return draw

    titles = ["First Part", "Second Part", "Third Part"]
    document = parse(papers.pdf(tmp_path / "a.pdf", *(chapter(title) for title in titles)))  # type: ignore[arg-type]
    assert (document.metadata["title"], document.metadata["author"]) == ("Lease", "Ada")
    assert document.metadata["outline"] == [[1, title, page] for page, title in enumerate(titles, 1)]
    assert [document.text[h.start_char : h.end_char] for h in document.headings] == titles
    assert [h.section_end_char for h in document.headings] == [
        document.headings[1].start_char,
        document.headings[2].start_char,
        len(document.text),
    ]


def test_encryption(tmp_path: Path) -> None:
    path = papers.encrypted(papers.pdf(tmp_path / "a.pdf", lines("secret rent")), tmp_path / "b.pdf", "open sesame")
    with pytest.raises(UserError) as error:
        parse(path)
    assert (error.value.code, error.value.message) == (
        "password_required",
        "This PDF is protected by a password. Enter it to read the document.",
    )
    with pytest.raises(UserError) as error:
        parse(path, password="wrong")
    assert error.value.code == "password_wrong"
    document = parse(path, password="open sesame")
    assert document.text == "secret rent"
    assert document.metadata["encrypted"] is True


def test_blank_pages_are_blank_and_a_file_of_them_is_refused(tmp_path: Path) -> None:
    document = parse(papers.pdf(tmp_path / "a.pdf", lines("One."), lines(), lines("Three.")))
    assert [page.source for page in document.pages] == [PageSource.TEXT, PageSource.BLANK, PageSource.TEXT]
    assert document.text == "One.\n\nThree."
    covered(document)
    assert document.warnings == []
    with pytest.raises(UserError, match="No words could be read in this file: its 2 pages are blank") as error:
        parse(papers.pdf(tmp_path / "b.pdf", lines(), lines()))
    assert error.value.code == "empty_document"


def test_a_page_limit(tmp_path: Path) -> None:
    path = papers.contract(tmp_path / "a.pdf", 4)
    assert len(parse(path, page_limit=4).pages) == 4
    with pytest.raises(UserError, match="This file has 4 pages; at most 3 are read") as error:
        parse(path, page_limit=3)
    assert error.value.code == "too_many_pages"


def test_a_truncated_file_is_read_or_refused_and_never_crashes(tmp_path: Path) -> None:
    whole = papers.contract(tmp_path / "a.pdf", 3).read_bytes()
    for share in (0.01, 0.3, 0.6, 0.9, 0.99):
        path = tmp_path / "cut.pdf"
        path.write_bytes(whole[: int(len(whole) * share)])
        try:
            text = parse(path).text
        except UserError as error:
            text = {"damaged": "refused", "empty_document": "refused"}[error.code]
        assert text


def test_a_scan_is_read_by_ocr_and_says_so(tmp_path: Path) -> None:
    path = papers.scan(tmp_path / "a.pdf", "The Tenant shall pay the rent", "on the first day of each month.")
    document = parse(path)
    assert document.pages[0].source == PageSource.OCR
    assert "The Tenant shall pay the rent" in document.text
    assert "first day of each month" in document.text
    assert [warning.message for warning in document.warnings] == [
        "Page 1 was scanned and read by OCR; check quotes against the image."
    ]
    number, (box,) = boxes_of(document, "rent")
    assert papers.ink_inside(path, number, box)
    assert 0.1 < box[1] < box[3] < 0.3


def test_the_text_layer_names_each_line_with_its_offset(tmp_path: Path) -> None:
    document = parse(papers.pdf(tmp_path / "a.pdf", lines("One line.", "Another line.")))
    page = document.pages[0]
    assert page.boxes
    found = text_lines(page.boxes, document.text[page.start_char : page.end_char])
    assert [line.text for line in found] == ["One line.", "Another line."]
    assert all(document.text[line.start_char :].startswith(line.text) for line in found)
    assert found[0].y1 <= found[1].y0 + 0.005
