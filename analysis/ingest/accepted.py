"""What can be uploaded here: it depends on which language models are set."""

from __future__ import annotations

from analysis.errors import UserError
from analysis.ingest.parse.signatures import PICTURE_ENDINGS, RECORDING_ENDINGS
from analysis.llm.catalogue import LLM
from analysis.llm.registry import audio_llm
from config.env import env

DOCUMENT_ENDINGS = ".pdf .docx .docm .odt .rtf .html .htm .xhtml .md .markdown .txt .eml".split()
ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
NO_AUDIO_LLM = (
    "Recordings become documents once a language model that hears is set: name one in LECTERN_AUDIO_LLM, "
    "then upload the file again. Nothing was stored."
)


def require_audio_llm() -> LLM:
    """Return the language model that transcribes; raises UserError no_audio_llm (415) when none is set."""
    llm = audio_llm()
    if llm is None:
        named = f"LECTERN_AUDIO_LLM names “{env.audio_llm}”, which cannot be used here. Nothing was stored."
        raise UserError(named if env.audio_llm else NO_AUDIO_LLM, code="no_audio_llm", status=415)
    return llm


def kinds_read() -> str:
    """Return what can be read here, as a list for a sentence."""
    kinds = "PDF, Word (.docx), HTML, Markdown, text and pictures (PNG, JPEG, TIFF, WebP)"
    return f"{kinds.replace(' and', ',')} and recordings (WAV, MP3, M4A, FLAC, OGG)" if audio_llm() else kinds


def endings() -> list[str]:
    """Return what a file chooser should offer: the endings of what can be read here, and text of any name."""
    media = PICTURE_ENDINGS | RECORDING_ENDINGS if audio_llm() else PICTURE_ENDINGS
    return [*DOCUMENT_ENDINGS, *sorted(media), "text/*", *(f".{each.rpartition('.')[2]}" for each in ARCHIVE_ENDINGS)]


def is_archive(name: str) -> bool:
    """Return whether a file of that name is an archive, which becomes a repository."""
    return name.lower().endswith(ARCHIVE_ENDINGS)
