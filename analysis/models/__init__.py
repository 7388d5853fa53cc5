"""What Lectern keeps, one file a noun."""

from analysis.models.answer import Answer, AnswerStatus, CitationRow, SentenceRow
from analysis.models.chunk import Chunk, Embedder
from analysis.models.document import Document, DocumentVersion, IngestStatus, VersionText
from analysis.models.page import Heading, Page
from analysis.models.question import Purpose, Question
from analysis.models.reading import Reading, ReadingStatus

__all__ = [
    "Answer",
    "AnswerStatus",
    "Chunk",
    "CitationRow",
    "Document",
    "DocumentVersion",
    "Embedder",
    "Heading",
    "IngestStatus",
    "Page",
    "Purpose",
    "Question",
    "Reading",
    "ReadingStatus",
    "SentenceRow",
    "VersionText",
]
