"""Rows that search reads: the canonical text with its pages and headings, chunks with their vectors, and postings."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict

from django.db import connection, transaction

from analysis.ingest.chunk import CHUNKER_VERSION
from analysis.ingest.copying import copy_rows
from analysis.ingest.embed import Encoder, Vectors
from analysis.ingest.postings import pack_sentences, postings, sentences_of
from analysis.ingest.understand import UNDERSTANDING_VERSION
from analysis.ingest.understand.uses import key_of
from analysis.lexical import ANALYZER_VERSION
from analysis.models import (
    Chunk,
    ChunkVector,
    CrossReference,
    DefinedTerm,
    DocumentVersion,
    Embedder,
    EmbedderStatus,
    Heading,
    Lexicon,
    Page,
    Posting,
    Table,
    UndefinedTerm,
    VersionText,
)
from analysis.types import ChunkSpan, ParsedDocument, Span, Understanding

INSERT_ROWS = 500
EMBEDDED_CODE_CHARACTERS = 350
# pgvector's limits for an HNSW index.
VECTOR_MAX_DIMS = 2000
HALFVEC_MAX_DIMS = 4000


def current_embedder(encoder: Encoder) -> Embedder:
    """Return the encoder's row, made together with its vector index on first use; the first of all serves."""
    with transaction.atomic():
        embedder, created = Embedder.objects.get_or_create(name=encoder.name, defaults={"dims": encoder.dims})
        if created:
            ensure_vector_index(embedder)
            if not Embedder.objects.filter(status=EmbedderStatus.SERVING).exists():
                serve(embedder)
    return embedder


def serve(embedder: Embedder) -> None:
    """Let search use the embedder from now on, and retire the one before it."""
    with transaction.atomic():
        Embedder.objects.filter(status=EmbedderStatus.SERVING).update(status=EmbedderStatus.RETIRED)
        Embedder.objects.filter(pk=embedder.pk).update(status=EmbedderStatus.SERVING)


def ensure_vector_index(embedder: Embedder) -> None:
    """Make the embedder's HNSW index if it is missing; none is possible above 4,000 dimensions, where search is exact.

    Made while the embedder has no rows, since a build on rows keeps writers waiting.
    """
    if embedder.dims > HALFVEC_MAX_DIMS:
        return
    operators = f"{vector_type(embedder).partition('(')[0]}_cosine_ops"
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE INDEX IF NOT EXISTS {vector_index_name(embedder)} ON {ChunkVector._meta.db_table} "
            f"USING hnsw ((embedding::{vector_type(embedder)}) {operators}) WHERE embedder_id = {embedder.pk:d}"
        )


def vector_index_name(embedder: Embedder) -> str:
    """Return the name of the embedder's vector index."""
    return f"chunk_embedding_{embedder.pk:d}"


def vector_type(embedder: Embedder) -> str:
    """Return the type that the embedder's vectors are indexed and compared as; `halfvec` is half the size."""
    name = "vector" if embedder.dims <= VECTOR_MAX_DIMS or embedder.dims > HALFVEC_MAX_DIMS else "halfvec"
    return f"{name}({embedder.dims:d})"


def write_parsed(version: DocumentVersion, parsed: ParsedDocument) -> None:
    """Replace the version's text with its pages, headings and tables, and drop its chunks; in one transaction."""
    with transaction.atomic():
        for rows in (Chunk.objects, Page.objects, Heading.objects, Table.objects):
            rows.filter(version=version).delete()
        VersionText.objects.update_or_create(version=version, defaults={"text": parsed.text})
        Page.objects.bulk_create([Page(version=version, **vars(page)) for page in parsed.pages], INSERT_ROWS)
        Heading.objects.bulk_create(
            [
                Heading(version=version, ordinal=i, **asdict(h) | {"label": h.label[:60], "title": h.title[:300]})
                for i, h in enumerate(parsed.headings)
            ],
            INSERT_ROWS,
        )
        Table.objects.bulk_create(table_rows(version, parsed), INSERT_ROWS)


def table_rows(version: DocumentVersion, parsed: ParsedDocument) -> list[Table]:
    """Return the rows, not yet written, of the version's tables."""
    starts = [page.start_char for page in parsed.pages]
    return [
        Table.of(table, version=version, ordinal=i, page_number=page_at(starts, table.start_char))
        for i, table in enumerate(parsed.tables)
    ]


def write_understanding(version: DocumentVersion, facts: Understanding) -> None:
    """Replace what is known of the version's text by `facts`; in one transaction."""
    with transaction.atomic():
        DocumentVersion.objects.filter(pk=version.pk).update(
            language=facts.language, identity=asdict(facts.identity), understanding_version=UNDERSTANDING_VERSION
        )
        # What a document calls itself is in its postings: those of a ready one are soon written again (see `reindex`).
        Lexicon.objects.filter(version=version).update(analyzer_version=0)
        for rows in (DefinedTerm.objects, UndefinedTerm.objects, CrossReference.objects):
            rows.filter(version=version).delete()
        terms = [DefinedTerm(version=version, key=key_of(term.term), **vars(term)) for term in facts.terms]
        DefinedTerm.objects.bulk_create(terms, INSERT_ROWS)
        UndefinedTerm.objects.bulk_create(
            [UndefinedTerm(version=version, **vars(term)) for term in facts.undefined_terms], INSERT_ROWS
        )
        CrossReference.objects.bulk_create(
            [CrossReference(version=version, **vars(reference)) for reference in facts.references], INSERT_ROWS
        )


def embedded_text(heading_path: str, piece: str, language: str = "") -> str:
    """Return what is embedded of a chunk: its heading path and its text; of source code, how it begins.

    A function's head and comment say what it is for. With its body its vector was found less, and took longer to make.
    """
    words = piece[:EMBEDDED_CODE_CHARACTERS] if language == "code" else piece
    return f"{heading_path}\n{words}".strip()


def missing_chunks(version: DocumentVersion, embedder: Embedder, spans: Sequence[ChunkSpan]) -> list[ChunkSpan]:
    """Return the spans that have no vector of this embedder yet; rows of another chunker are removed."""
    Chunk.objects.filter(version=version).exclude(chunker_version=CHUNKER_VERSION).delete()
    place = ("ordinal", "start_char", "end_char")
    wanted = {(span.ordinal, span.start_char, span.end_char) for span in spans}
    if not set(version.chunks.values_list(*place)) <= wanted:
        Chunk.objects.filter(version=version).delete()
    done = set(version.chunks.filter(vectors__embedder=embedder).values_list(*place))
    return [span for span in spans if (span.ordinal, span.start_char, span.end_char) not in done]


def write_chunks(
    version: DocumentVersion,
    embedder: Embedder,
    spans: Sequence[ChunkSpan],
    vectors: Vectors,
    *,
    text: str,
    page_starts: Sequence[int],
) -> None:
    """Write one row a span with its vector; what is there already stays.

    vectors: float32[n, dims], the rows in the order of `spans`. page_starts: where each page of the version starts.
    """
    rows = [_row(version, span, text, page_starts) for span in spans]
    with transaction.atomic():
        Chunk.objects.bulk_create(rows, INSERT_ROWS, ignore_conflicts=True)
        ours = version.chunks.filter(chunker_version=CHUNKER_VERSION, ordinal__in=[span.ordinal for span in spans])
        ids = dict(ours.values_list("ordinal", "pk"))
        write_vectors(embedder, [(ids[span.ordinal], version.pk) for span in spans], vectors)


def write_vectors(embedder: Embedder, places: Sequence[tuple[int, int]], vectors: Vectors) -> None:
    """Write the vectors, float32[n, dims], of chunks and their versions, by id; those that are there stay."""
    ChunkVector.objects.bulk_create(
        [
            ChunkVector(chunk_id=chunk_id, embedder=embedder, version_id=version_id, embedding=vector)
            for (chunk_id, version_id), vector in zip(places, vectors, strict=True)
        ],
        INSERT_ROWS,
        ignore_conflicts=True,
    )


def write_postings(version: DocumentVersion, text: str, spans: Sequence[ChunkSpan]) -> None:
    """Replace what search by words knows of the version, in one transaction. spans: all chunks of `text`, in order."""
    sentences = sentences_of(text, spans, version.language)
    rows = postings(text, sentences, version.language, version.known_identity)
    columns = ("version_id", "term", "standing", "sentence_count", "places")
    with transaction.atomic():
        Posting.objects.filter(version=version).delete()
        copy_rows(Posting, columns, ((version.pk, *row) for row in rows))
        Lexicon.objects.update_or_create(
            version=version,
            defaults={
                "analyzer_version": ANALYZER_VERSION,
                "chunk_count": len(sentences),
                "sentence_count": sum(map(len, sentences)),
            },
        )
        _write_sentences(version, spans, sentences)


def _write_sentences(version: DocumentVersion, spans: Sequence[ChunkSpan], sentences: Sequence[Sequence[Span]]) -> None:
    sql = (
        f"UPDATE {Chunk._meta.db_table} c SET sentences = packed.sentences "
        "FROM unnest(%s::int[], %s::bytea[]) AS packed(ordinal, sentences) "
        "WHERE c.version_id = %s AND c.ordinal = packed.ordinal"
    )
    ordinals = [span.ordinal for span, _ in zip(spans, sentences, strict=False)]
    with connection.cursor() as cursor:
        cursor.execute(sql, [ordinals, [pack_sentences(one) for one in sentences], version.pk])


def _row(version: DocumentVersion, span: ChunkSpan, text: str, page_starts: Sequence[int]) -> Chunk:
    piece = text[span.start_char : span.end_char]
    return Chunk(
        workspace_id=version.document.workspace_id,
        document_id=version.document_id,
        version=version,
        chunker_version=CHUNKER_VERSION,
        page_number=page_at(page_starts, first_character(text, span)),
        text=piece,
        **asdict(span),
    )


def first_character(text: str, span: ChunkSpan) -> int:
    """Return where the span's first character stands that is not white space; its start if there is none."""
    piece = text[span.start_char : span.end_char]
    blank = len(piece) - len(piece.lstrip())
    return span.start_char + (blank if blank < len(piece) else 0)


def page_at(page_starts: Sequence[int], char: int) -> int:
    """Return the number of the page that holds the character at `char`; pages count from 1."""
    return max(1, bisect_right(page_starts, char))
