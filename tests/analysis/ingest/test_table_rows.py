"""Tables in search: no row is cut, and every piece of a table knows its caption and its column headers."""

from __future__ import annotations

from pathlib import Path

from analysis.ingest.chunk import MAX_TOKENS, chunk, tokenise
from analysis.ingest.embed import passage_tokenizer
from analysis.ingest.parse import parse_file
from analysis.ingest.table_rows import CONTEXT_MAX_TOKENS
from analysis.types import ChunkSpan, ParsedDocument


def filing(tmp_path: Path, rows: int, label: str = "Product line") -> ParsedDocument:
    body = "".join(f"<tr><td>{label} {n}</td><td>{n},584</td><td>{n},355</td></tr>" for n in range(1, rows))
    path = tmp_path / "a.html"
    path.write_text(
        "<h1>Segment information</h1><p>The segments are these.</p><p>Net sales (in millions):</p><table>"
        "<tr><td></td><td colspan='2'>Three Months Ended</td></tr><tr><td></td><td>July 1, 2023</td>"
        f"<td>June 25, 2022</td></tr><tr><td>Services:</td></tr>{body}</table><p>Sales rose.</p>"
    )
    return parse_file(path, name="a.html", password="", page_limit=100, report=lambda *_: None)


def chunks(document: ParsedDocument) -> list[ChunkSpan]:
    return chunk(document.text, document.headings, passage_tokenizer(), document.tables)


def test_pieces_of_a_table_are_whole_rows_with_their_headers(tmp_path: Path) -> None:
    document = filing(tmp_path, rows=60)
    found = chunks(document)
    (table,) = document.tables
    inside = [c for c in found if table.start_char <= c.start_char < table.end_char]
    assert len(inside) > 5
    assert "".join(document.text[c.start_char : c.end_char] for c in found) == document.text
    for piece in inside[1:]:
        lines = document.text[piece.start_char : piece.end_char].strip("\n").split("\n")
        assert all(line.startswith("Product line") and line.count(" | ") == 2 for line in lines)
        assert piece.heading_path == (
            "Segment information > Net sales (in millions) > "
            "Three Months Ended July 1, 2023 | Three Months Ended June 25, 2022 > Services"
        )


def test_a_piece_and_its_path_fit_the_embedder(tmp_path: Path) -> None:
    document = filing(tmp_path, rows=12, label="A product line whose name goes on and on " * 12)
    for piece in chunks(document):
        path_tokens = len(tokenise(piece.heading_path, passage_tokenizer()).start_chars)
        assert path_tokens <= CONTEXT_MAX_TOKENS
        assert piece.token_count + path_tokens <= MAX_TOKENS


def test_no_chunk_goes_into_a_table_or_out_of_it(tmp_path: Path) -> None:
    document = filing(tmp_path, rows=4)
    (table,) = document.tables
    for piece in chunks(document):
        assert (
            piece.end_char <= table.start_char
            or piece.start_char >= table.end_char
            or (table.start_char <= piece.start_char and piece.end_char <= table.end_char)
        )
