"""What a person is told when a file, or a part of it, cannot be read as it should be."""

from __future__ import annotations

from analysis.errors import UserError

DAMAGED = (
    "This file is damaged and could not be read. Open it in the program that made it, save it again, "
    "and upload the new copy."
)
STALLED = "Reading this file stopped making progress and was ended. Print it to a new PDF, and upload that."
OUT_OF_MEMORY = (
    "This file needs more memory to read than is allowed. Split it into smaller files, "
    "or raise LECTERN_PARSE_MEMORY_MIB."
)
EMPTY_FILE = "This file is empty: it has no bytes in it."
NO_PAGES = "This PDF has no pages."
NO_TEXT = "There is no text in this file."
READS = "Lectern reads PDF, DOCX, ODT, RTF, HTML, Markdown, plain text and e-mail (.eml)."
UNPACKS_TOO_LARGE = "This file unpacks to far more than a document holds, and was refused."
STRUCTURE_DAMAGED = "This PDF is damaged; its text could be read, its outline and properties could not."


def password_error(kind: str, *, given: bool) -> UserError:
    """Return the error for an encrypted file, without or with a wrong password."""
    if given:
        return UserError(f"That password does not open this {kind}. Try another one.", code="password_wrong")
    return UserError(
        f"This {kind} is protected by a password. Enter it to read the document.", code="password_required"
    )


def unsupported(what: str, mend: str = "Save it as PDF or DOCX, and upload that.") -> UserError:
    """Return the error for a format that Lectern does not read."""
    return UserError(f"{what} cannot be read. {READS} {mend}", code="unsupported_type", status=415)


def too_many_pages(pages: int, limit: int) -> str:
    """Return the sentence for a file past the page limit."""
    return f"This file has {pages:,} pages; at most {limit:,} are read. Split it, and upload the parts."


def no_words(pages: int) -> str:
    """Return the sentence for a file of which no page gave a word."""
    which = "its page is" if pages == 1 else f"its {pages:,} pages are"
    return f"No words could be read in this file: {which} blank, or pictures without text."


def page_unreadable(number: int) -> str:
    """Return the sentence for a page that has something on it and gave no text."""
    return f"Page {number} has something on it, but no words on it could be read."


def scanned(numbers: list[int]) -> str:
    """Return the sentence for pages that OCR has read."""
    one = len(numbers) == 1
    pages = f"{'Page' if one else 'Pages'} {ranges(numbers)} {'was' if one else 'were'} scanned and read by OCR"
    return f"{pages}; check quotes against the image."


def ranges(numbers: list[int]) -> str:
    """Return page numbers as people write them: "1-3, 7, 9"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
