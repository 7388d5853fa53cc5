"""Pictures as documents: read by the real OCR, upright, page by page, and not blown up by."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.errors import UserError
from analysis.ingest import boxes, sandbox
from analysis.ingest.parse import picture
from analysis.ingest.parse.signatures import media_kind
from analysis.types import PageSource, ParsedDocument, Span
from tests.analysis.ingest import papers

RENT = "The Tenant shall pay rent monthly."
ORIENTATION = 0x0112


def read(path: Path) -> ParsedDocument:
    return picture.parse_picture(path, page_limit=10, transcripts=None, report=lambda *_: None)


def test_a_photograph_is_read_upright_with_boxes_on_its_words(tmp_path: Path) -> None:
    """The camera lay on its side: the picture says so in its EXIF orientation."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    papers.drawn(RENT, "Section 9").rotate(90, expand=True).save(tmp_path / "a.jpg", exif=exif, quality=95)
    document = read(tmp_path / "a.jpg")
    assert document.kind == "picture"
    assert document.text.startswith(RENT)
    page = document.pages[0]
    assert (page.source, page.width, round(page.height, 1)) == (PageSource.OCR, 842.0, 374.2)
    assert page.boxes is not None
    [line] = boxes.rectangles(page.boxes, 0, Span(0, len(RENT)))
    # Drawn at (80, 60) of 900 x 400, 34 pixels high.
    assert line.x0 == pytest.approx(80 / 900, abs=0.02)
    assert 60 / 400 - 0.02 < line.y0 < line.y1 < 110 / 400
    assert [warning.message for warning in document.warnings] == [
        "Page 1 was scanned and read by OCR; check quotes against the image."
    ]


def test_a_tiff_has_a_page_a_frame_and_a_blank_one_is_blank(tmp_path: Path) -> None:
    frames = [papers.drawn("Second page here."), papers.drawn()]
    papers.drawn(RENT).save(tmp_path / "a.tif", save_all=True, append_images=frames, compression="tiff_lzw")
    document = sandbox.parse(tmp_path / "a.tif", name="a.tif", on_progress=lambda *_: None)
    assert [page.source for page in document.pages] == [PageSource.OCR, PageSource.OCR, PageSource.BLANK]
    first, second, _ = document.pages
    assert document.text[first.start_char : first.end_char].strip() == RENT
    assert document.text[second.start_char : second.end_char].strip() == "Second page here."


def test_dark_words_on_nothing_and_on_16_bits_are_read(tmp_path: Path) -> None:
    shown = papers.drawn(RENT)
    ink = Image.merge("LA", (shown.convert("L"), shown.convert("L").point(lambda level: 255 - level)))
    ink.save(tmp_path / "clear.png")
    assert read(tmp_path / "clear.png").text.strip() == RENT
    deep = np.asarray(shown.convert("L"), np.uint16) * 257
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert read(tmp_path / "deep.png").text.strip() == RENT


def test_a_fax_is_stretched_to_square_dots(tmp_path: Path) -> None:
    papers.drawn(RENT).resize((900, 200)).save(tmp_path / "fax.tif", dpi=(204, 98))
    with picture.open_picture(tmp_path / "fax.tif") as image:
        page = picture.sheet(image, 0)
    assert page.size == (900, 416)
    assert page.width / page.height == pytest.approx((900 / 204) / (200 / 98), abs=0.01)


@pytest.mark.parametrize("side", [30_000, 60_000])
def test_a_picture_that_unpacks_to_gigabytes_is_refused_before_it_does(tmp_path: Path, side: int) -> None:
    (tmp_path / "bomb.png").write_bytes(png_header(side, side))
    with pytest.raises(UserError) as error:
        sandbox.parse(tmp_path / "bomb.png", name="bomb.png", on_progress=lambda *_: None)
    assert error.value.code == "too_large"
    assert error.value.message == (
        f"This picture has {side:,} × {side:,} pixels; at most 100 million are read. Make it smaller, and upload that."
    )


def png_header(width: int, height: int) -> bytes:
    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(bytes(1000))) + part(b"IEND", b"")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_half_a_file_is_damaged(tmp_path: Path, name: str) -> None:
    papers.drawn(RENT, "Section 9").save(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError) as error:
        read(tmp_path / name)
    assert error.value.code == "damaged"


def test_a_picture_without_words_says_so(tmp_path: Path) -> None:
    papers.drawn().save(tmp_path / "a.png")
    with pytest.raises(UserError, match="No words could be read in this file: its page is blank") as error:
        read(tmp_path / "a.png")
    assert error.value.code == "empty_document"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"\xff\xd8\xff\xe1\0\0Exif", "picture"),
        (b"II*\0\x08\0\0\0", "picture"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "picture"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "recording"),
        (b"RIFF\x24\0\0\0AVI LIST", ""),
        (b"ID3\x03\0", "recording"),
        (b"\xff\xfb\x90\x64", "recording"),
        (b"\0\0\0\x20ftypM4A \0\0", "recording"),
        (b"fLaC\0\0\0\x22", "recording"),
        (b"OggS\0\x02", "recording"),
        (b"\0\0\0\x18ftypheic\0\0", "HEIC"),
        (b"GIF89a", "GIF"),
        ("\ufeffRecital".encode("utf-16-le"), ""),
        (b"ID3 is a format of tags.", ""),
        (b"BMW AG, a company of Germany", ""),
        (b"", ""),
        (b"\xff", ""),
    ],
)
def test_what_the_first_bytes_say(head: bytes, kind: str) -> None:
    assert media_kind(head) == kind


def test_a_page_that_lies_upside_down_is_read(tmp_path: Path) -> None:
    papers.drawn(RENT, "Section 9 is silent").rotate(180).save(tmp_path / "a.png")
    document = read(tmp_path / "a.png")
    assert sorted(document.text.split("\n")) == ["Section 9 is silent", RENT]
    page = document.pages[0]
    assert page.boxes is not None
    start = document.text.index(RENT)
    [line] = boxes.rectangles(page.boxes, 0, Span(start, start + len(RENT)))
    # Its first letter is now at the right, its line at the foot.
    assert line.x1 == pytest.approx(1 - 80 / 900, abs=0.02)
    assert 1 - 110 / 400 < line.y0 < line.y1 < 1 - 60 / 400 + 0.02
