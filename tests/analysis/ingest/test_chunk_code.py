"""Chunks of source files: whole symbols, exact tokens, no gap."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.ingest.chunk import Tokenizer
from analysis.ingest.chunk_code import MAX_TOKENS, chunk_code
from analysis.ingest.embed import BUNDLED, _tokenizer
from analysis.ingest.parse.code import read_code
from analysis.ingest.parse.code.syntaxes import syntaxes
from analysis.types import ChunkSpan, ParsedCode, ParsedSymbol, Span

LINE = "        letter = stamp(letter, 'by air', tomorrow)\n"  # 14 tokens


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return _tokenizer(BUNDLED)


def python(text: str) -> ParsedCode:
    code = read_code(text, syntaxes()["python"])
    assert code is not None
    return code


def pieces(text: str, chunks: list[ChunkSpan]) -> list[str]:
    return [text[c.start_char : c.end_char] for c in chunks]


def test_a_small_file_is_one_chunk(tokenizer):
    text = "def post(letter):\n    return stamp(letter)\n"
    [only] = chunk_code(text, python(text), tokenizer, path="src/post.py")
    assert (only.start_char, only.end_char, only.heading_path) == (0, len(text), "src/post.py")


def test_symbols_are_chunks_with_their_path(tokenizer):
    collect = "    def collect(\n        self,\n        boxes,\n    ):\n" + LINE * 14 + "\n"
    deliver = "    @slowly\n    def deliver(self):\n" + LINE * 14 + "\n\n"
    head = "class Postman(Person):\n    '''Walks from house to house, in all weathers.'''\n\n"
    main = "def main():\n" + LINE * 14
    text = "import stamps\n\n" + head + collect + deliver + main
    chunks = chunk_code(text, python(text), tokenizer, path="post.py")
    assert [(c.heading_path, piece) for c, piece in zip(chunks, pieces(text, chunks), strict=True)] == [
        ("post.py", "import stamps\n\n"),
        ("post.py > Postman(Person)", head),
        ("post.py > Postman(Person) > collect(self, boxes)", collect),
        ("post.py > Postman(Person) > deliver(self)", deliver),
        ("post.py > main()", main),
    ]


def test_small_neighbours_go_together_under_what_they_stand_in(tokenizer):
    small = "".join(f"    def box_{n}(self):\n        return self.boxes[{n}]\n\n" for n in range(4))
    large = "    def deliver(self):\n" + LINE * 20 + "\n"
    text = "class Postman:\n" + small + large
    chunks = chunk_code(text, python(text), tokenizer, path="post.py")
    assert pieces(text, chunks) == ["class Postman:\n" + small, large]
    assert [c.heading_path for c in chunks] == ["post.py > Postman", "post.py > Postman > deliver(self)"]


def test_a_long_function_is_cut_evenly_between_statements(tokenizer):
    text = "def deliver(self):\n" + LINE * 60
    chunks = chunk_code(text, python(text), tokenizer, path="post.py")
    assert len(chunks) == 3
    assert all(piece.endswith(LINE) for piece in pieces(text, chunks))
    assert max(c.token_count for c in chunks) <= MAX_TOKENS
    assert {c.heading_path for c in chunks} == {"post.py > deliver(self)"}


def test_cells_of_a_notebook_are_chunks(tokenizer):
    cell = "# %% [{}] code\n" + LINE.strip() + "\n" + LINE.strip() * 10 + "\n"
    text = "".join(cell.format(n) for n in (1, 2, 3))
    size = len(cell.format(1))
    code = ParsedCode("notebook", cells=tuple(Span(at, at + size) for at in range(0, len(text), size)))
    chunks = chunk_code(text, code, tokenizer, path="a.ipynb")
    assert [c.heading_path for c in chunks] == ["a.ipynb > [1] code", "a.ipynb > [2] code", "a.ipynb > [3] code"]


@settings(max_examples=60)
@given(text=st.text("ab(): \n\tdefclass🙂", min_size=1, max_size=3000), data=st.data())
def test_chunks_cover_any_text_with_any_symbols(text, data, tokenizer):
    edges = st.tuples(st.integers(0, len(text) - 1), st.integers(1, len(text))).filter(lambda edge: edge[0] < edge[1])
    symbols = tuple(
        ParsedSymbol("function", text[start], text[start], text[start:end].strip()[:50], start, end, start, start + 1)
        for start, end in sorted(data.draw(st.lists(edges, max_size=12)))
    )
    chunks = chunk_code(text, ParsedCode("python", symbols), tokenizer, path="a.py")
    assert "".join(pieces(text, chunks)) == text
    assert [c.ordinal for c in chunks] == list(range(len(chunks)))
    for c in chunks:
        piece = text[c.start_char : c.end_char]
        encodings = tokenizer([piece], add_special_tokens=False, verbose=False).encodings
        assert c.start_char < c.end_char
        assert c.token_count == len(encodings[0].offsets) <= MAX_TOKENS
        assert c.heading_path.startswith("a.py")
