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
NO_SOUND = "There is no sound in this file."
NO_SPEECH = "No words could be heard in this recording."
RECORDING = "A recording is turned into a document by a language model that hears, and none is set (LECTERN_AUDIO_LLM)."
NO_PAGES = "This PDF has no pages."
NO_TEXT = "There is no text in this file."
READS = (
    "Lectern reads PDF, DOCX, ODT, RTF, HTML, Markdown, plain text, e-mail (.eml) and pictures (PNG, JPEG, TIFF, WebP)."
)
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


def too_long(limit_minutes: int) -> str:
    """Return the sentence for a recording past the limit."""
    number, unit = (limit_minutes // 60, "hour") if limit_minutes % 60 == 0 else (limit_minutes, "minute")
    return f"This recording is longer than {number:,} {unit}{'' if number == 1 else 's'}. Cut it, and upload the parts."


def heard_by(llm: str) -> str:
    """Return the sentence for a recording that a language model has transcribed."""
    return f"Transcribed by {llm}; check quotes against the recording."


def no_words(pages: int) -> str:
    """Return the sentence for a file of which no page gave a word."""
    which = "its page is" if pages == 1 else f"its {pages:,} pages are"
    return f"No words could be read in this file: {which} blank, or pictures without text."


def page_unreadable(number: int) -> str:
    """Return the sentence for a page that has something on it and gave no text."""
    return f"Page {number} has something on it, but no words on it could be read."


def page_damaged(number: int, code: str = "damaged") -> str:
    """Return the sentence for a page that cannot be opened. code: of the error that it gave."""
    what = "is too large to be read" if code == "too_large" else "is damaged and could not be read"
    return f"Page {number} {what}."


def too_many_pixels(width: int, height: int, limit: int) -> str:
    """Return the sentence for a picture past the limit."""
    size = f"{width:,} × {height:,} pixels"
    return f"This picture has {size}; at most {limit // 10**6} million are read. Make it smaller, and upload that."


def unread_picture(name: str) -> UserError:
    """Return the error for a format of pictures that is not read. name: "GIF", "HEIC"."""
    mend = "Save it as PNG" if name in {"GIF", "BMP"} else "Save it as JPEG or PNG, or send it as PDF"
    message = f"{name} pictures cannot be read. {mend}, and upload that."
    return UserError(message, code="unsupported_type", status=415)


def scanned(numbers: list[int], reader: str = "OCR") -> str:
    """Return the sentence for pages that were read from their images, by OCR or the language model `reader`."""
    one = len(numbers) == 1
    pages = f"{'Page' if one else 'Pages'} {ranges(numbers)} {'was' if one else 'were'} scanned and read by {reader}"
    return f"{pages}; check quotes against the image."


def vision_failed(numbers: list[int], llm: str) -> str:
    """Return the sentence for pages that a language model should have read and OCR has."""
    one = len(numbers) == 1
    pages = f"{'Page' if one else 'Pages'} {ranges(numbers)}"
    was = "was" if one else "were"
    return f"{pages} could not be read by {llm} and {was} read by OCR instead; check quotes against the image."


def ranges(numbers: list[int]) -> str:
    """Return page numbers as people write them: "1-3, 7, 9"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
