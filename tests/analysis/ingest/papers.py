"""Small real files, made where a test needs them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pypdfium2 as pdfium
from PIL import Image, ImageDraw, ImageFont
from pypdf import PdfReader, PdfWriter
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

WIDTH, HEIGHT = A4


def pdf(path: Path, *pages: Callable[[Canvas], None]) -> Path:
    """Write a PDF with a page for each function that draws one."""
    canvas = Canvas(str(path), pagesize=A4)
    for page in pages:
        canvas.setFont("Helvetica", 11)
        page(canvas)
        canvas.showPage()
    canvas.save()
    return path


def lines(*texts: str, x: float = 72, top: float = 770, pitch: float = 14) -> Callable[[Canvas], None]:
    """Return a page of lines; an empty one leaves a gap."""

    def draw(canvas: Canvas) -> None:
        for number, text in enumerate(texts):
            canvas.drawString(x, top - pitch * number, text)

    return draw


def contract(path: Path, page_count: int) -> Path:
    """Write a PDF of `page_count` pages of prose."""
    return pdf(
        path,
        *(
            lines(*(f"Line {n} of page {p} says that the Tenant shall pay." for n in range(40)))
            for p in range(page_count)
        ),
    )


def encrypted(source: Path, path: Path, password: str) -> Path:
    writer = PdfWriter(clone_from=PdfReader(source))
    writer.encrypt(password, algorithm="AES-256")
    writer.write(path)
    return path


def edited(source: Path, path: Path, edit: Callable[[PdfWriter], None]) -> Path:
    writer = PdfWriter(clone_from=PdfReader(source))
    edit(writer)
    writer.write(path)
    return path


def drawn(*texts: str) -> Image.Image:
    """Return a picture of lines: the first at (80, 60) of 900 x 400 pixels, one every 90 pixels."""
    picture = Image.new("RGB", (900, 400), "white")
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=34)
    for number, text in enumerate(texts):
        pen.text((80, 60 + 90 * number), text, fill="black", font=font)
    return picture


def scan(path: Path, *texts: str) -> Path:
    """Write a PDF whose one page is a picture of `texts`."""
    drawn(*texts).save(path, "PDF", resolution=150)
    return path


def ink_inside(path: Path, number: int, rectangle: tuple[float, float, float, float], password: str = "") -> bool:
    """Whether something dark is drawn within a rectangle (fractions) of a page."""
    document = pdfium.PdfDocument(path, password=password or None)
    picture = document[number - 1].render(scale=2, grayscale=True).to_numpy()
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = rectangle
    part = picture[int(y0 * height) : int(y1 * height) + 1, int(x0 * width) : int(x1 * width) + 1]
    return bool(part.size) and int(part.min()) < 128


def without(path: Path, number: int, rectangle: tuple[float, float, float, float]) -> bool:
    """Whether a page has no ink outside of a rectangle, a pixel's width aside."""
    document = pdfium.PdfDocument(path)
    picture = document[number - 1].render(scale=2, grayscale=True).to_numpy().copy()
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = rectangle
    picture[int(y0 * height) - 1 : int(y1 * height) + 2, int(x0 * width) - 1 : int(x1 * width) + 2] = 255
    return int(picture.min()) > 128


def as_bytes(write: Callable[[io.BytesIO], object]) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()
