"""A contract of any length, the same every time: its text, and a plain PDF of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import chain, count, islice

LINES_A_PAGE = 46
LINE_CHARACTERS = 84
_PARTIES = ("Supplier", "Customer", "Licensee", "Guarantor", "Agent", "Contractor")
_DUTIES = (
    "shall deliver the Goods", "shall pay the Fees", "shall keep the Confidential Information secret",
    "may terminate this Agreement", "shall indemnify the other party", "warrants that the Services conform to Schedule",
    "shall maintain insurance", "may assign its rights", "shall notify the other party in writing",
)  # fmt: skip
_CONDITIONS = (
    "within {n} days of the Effective Date", "upon a material breach that is not cured within {n} days",
    "subject to Section {a}.{b}", "for a term of {n} months", "in an amount not exceeding ${n},000",
    "unless the parties agree otherwise in writing", "in accordance with the laws of the Republic of Ireland",
)  # fmt: skip
_TITLES = (
    "Definitions",
    "Delivery",
    "Payment",
    "Warranties",
    "Liability",
    "Term",
    "Termination",
    "Notices",
    "Audit",
    "Law",
)


def paragraphs(seed: int = 1) -> Iterator[str]:
    """Yield an endless contract: headings, and clauses of two to five sentences."""
    rng = random.Random(seed)  # noqa: S311  # repeatable text, nothing secret
    for article in count(1):
        title = rng.choice(_TITLES)
        yield f"ARTICLE {article}. {title.upper()}"
        for section in range(1, rng.randint(4, 9)):
            sentences = " ".join(_sentence(rng) for _ in range(rng.randint(2, 5)))
            yield f"{article}.{section} {rng.choice(_TITLES)}. {sentences}"


def contract_pdf(page_count: int) -> bytes:
    """Return a born-digital PDF of `page_count` pages of text, about 3,500 characters each."""
    lines = islice(chain.from_iterable(_wrapped(paragraph) for paragraph in paragraphs()), page_count * LINES_A_PAGE)
    contents = [_page_content(list(islice(lines, LINES_A_PAGE))) for _ in range(page_count)]
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(page_count))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {page_count} /Kids [{kids}] >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman /Encoding /WinAnsiEncoding >>",
    ]
    for n, content in enumerate(contents):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> "
            + f"/Contents {5 + 2 * n} 0 R >>".encode()
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream")
    return _pdf(objects)


def _sentence(rng: random.Random) -> str:
    numbers = {"n": rng.randint(2, 90), "a": rng.randint(1, 40), "b": rng.randint(1, 9)}
    condition = rng.choice(_CONDITIONS).format(**numbers)
    return f"The {rng.choice(_PARTIES)} {rng.choice(_DUTIES)} {condition}, and the {rng.choice(_PARTIES)} accepts this."


def _wrapped(paragraph: str) -> list[str]:
    import textwrap

    return [*textwrap.wrap(paragraph, LINE_CHARACTERS), ""]


def _page_content(lines: list[str]) -> bytes:
    shown = "\n".join("T*" if not line else f"({_escaped(line)}) Tj T*" for line in lines)
    return f"BT /F1 11 Tf 14 TL 72 726 Td\n{shown}\nET".encode("latin-1")


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _pdf(objects: list[bytes]) -> bytes:
    """Return the file that holds the objects, numbered from 1, with its cross-reference table."""
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}".encode()
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)
