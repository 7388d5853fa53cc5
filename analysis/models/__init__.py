"""What Lectern keeps, one file a noun."""

from analysis.models.answer import Answer, AnswerStatus, CitationRow, SentenceRow
from analysis.models.call import Call, CallStatus
from analysis.models.chunk import Chunk, ChunkVector, Lexicon, Posting
from analysis.models.clauses import ClauseFindingRow, ClauseReview, ReviewStatus, SentenceVectors
from analysis.models.document import Document, DocumentVersion, IngestStatus, VersionText
from analysis.models.embedder import Embedder, EmbedderStatus
from analysis.models.endpoint import Endpoint, ServedLLM
from analysis.models.evaluation import EvaluationRun, EvaluationTrial
from analysis.models.page import Heading, Page
from analysis.models.question import Purpose, Question
from analysis.models.reading import Reading, ReadingStatus
from analysis.models.repository import (
    BY_WORDS_ALONE,
    Disposition,
    Import,
    Origin,
    Repository,
    Secret,
    Snapshot,
    SnapshotFile,
    Symbol,
    SymbolUse,
)
from analysis.models.sweep import PartStatus, SweepPart
from analysis.models.table import Table
from analysis.models.term import CrossReference, DefinedTerm, UndefinedTerm
from analysis.models.transcript import Transcript

__all__ = [
    "BY_WORDS_ALONE",
    "Answer",
    "AnswerStatus",
    "Call",
    "CallStatus",
    "Chunk",
    "ChunkVector",
    "CitationRow",
    "ClauseFindingRow",
    "ClauseReview",
    "CrossReference",
    "DefinedTerm",
    "Disposition",
    "Document",
    "DocumentVersion",
    "Embedder",
    "EmbedderStatus",
    "Endpoint",
    "EvaluationRun",
    "EvaluationTrial",
    "Heading",
    "Import",
    "IngestStatus",
    "Lexicon",
    "Origin",
    "Page",
    "PartStatus",
    "Posting",
    "Purpose",
    "Question",
    "Reading",
    "ReadingStatus",
    "Repository",
    "ReviewStatus",
    "Secret",
    "SentenceRow",
    "SentenceVectors",
    "ServedLLM",
    "Snapshot",
    "SnapshotFile",
    "SweepPart",
    "Symbol",
    "SymbolUse",
    "Table",
    "Transcript",
    "UndefinedTerm",
    "VersionText",
]
