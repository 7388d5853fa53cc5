"""Two real engines with the same weights: llama.cpp, and `transformers serve` on what the same file unpacks to.

A wrong chat template, tokenizer or end mark in either shows as texts that part in their first words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from analysis.llm.catalogue import LLM, catalogue
from analysis.llm.client import stream_chat
from analysis.llm.registry import llm_get
from analysis.llm.tokenizers import Tokenizer
from analysis.llm.tokens import count, count_prompt
from analysis.types import Message, Prompt, Usage
from local import model_files, transformers_server
from local.process import free_port, start, wait_until

pytestmark = [pytest.mark.model, pytest.mark.django_db]

BUNDLED = "qwen2.5-coder-0.5b-instruct"
SYSTEM = Message("system", "Answer in one short sentence.")
QUESTIONS = [
    "What is the capital of France?",
    "Write the numbers from one to ten in words.",
    "The notice period is thirty (30) days. How long is the notice period?",
    "What does the Python function len do?",
]
# Long runs of blanks, CJK, emoji, code, control words as text: where tokenizers differ.
PIECES = [
    "Plain English words.", "§ 4.2(b)(iii)", "naïve café", "    indented\n\tcode()", "日本語の契約書", "合同第四条",
    "1,234,567.89", "<|im_end|> in a document", "<|endoftext|>", "🙂👩‍👩‍👧", "def f(x): return x**2", "\r\n\r\nline",
    "  ",    "https://example.org/a?b=c", "ALL CAPS HEADING", "Ünïcödé", "don't can't won't", "$5.00/€4.50", "a" * 200,
    "\u00a0x",
]  # fmt: skip
TEXTS = [*PIECES, *(f"{one}\n{other}" for one, other in pairwise(PIECES)),
         *(f"{number}. {piece * 3}" for number, piece in enumerate(PIECES[:11]))]  # fmt: skip


@pytest.fixture(scope="module")
def unpacked(pytestconfig: pytest.Config) -> Path:
    """The bundled file, unpacked for transformers: kept in pytest's cache, since it takes a minute or two."""
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("transformers") / BUNDLED
    if folder.exists():
        return folder
    model = model_files.MODEL_FILES["0.5b"]
    path = model_files.find(model)
    if path is None:
        pytest.fail("The bundled model is not here: run `make model` once, or set LECTERN_MODEL_FILE.")
    transformers_server._unpack(path, folder)
    return folder


@pytest.fixture(scope="module")
def by_transformers(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LLM]:
    """The language model as `serve_llm` serves it."""
    weights, port = transformers_server.Weights(str(unpacked)), free_port()
    log = tmp_path_factory.mktemp("logs") / "transformers.log"
    server = start(
        transformers_server.command(weights, host="127.0.0.1", port=port), log=log, environment={"HF_HUB_OFFLINE": "1"}
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: transformers_server.ready(address), server, log=log, timeout_seconds=120)
        yield replace(
            catalogue()[BUNDLED], base_url=f"{address}/v1", model=weights.served_as, dialect="transformers", slots=0,
            body={"temperature": 0.0},
        )  # fmt: skip
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def by_llamacpp(llama_server: str) -> LLM:
    return replace(llm_get(BUNDLED), body={"temperature": 0.0})


def answer(llm: LLM, question: str, tokens: int = 24) -> tuple[str, Usage]:
    text, usage = "", Usage()
    for token in stream_chat(llm, Prompt([SYSTEM, Message("user", question)], [], tokens)):
        text += token.text if token.kind == "text" else ""
        usage = token.usage or usage
    return text, usage


def shared_words(one: str, other: str) -> float:
    """Return how much of the shorter text both begin with, in words."""
    pairs = list(zip(one.split(), other.split(), strict=False))
    same = next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs))
    return same / max(1, len(pairs))


def test_both_engines_write_the_same(by_llamacpp: LLM, by_transformers: LLM) -> None:
    shares = []
    for question in QUESTIONS:
        (one, usage_one), (other, usage_other) = answer(by_llamacpp, question), answer(by_transformers, question)
        assert usage_one.prompt_tokens == usage_other.prompt_tokens, question
        assert one.split()[:3] == other.split()[:3], (one, other)
        shares.append(shared_words(one, other))
    # Rounding may part two texts late on, where two words are about as likely.
    assert sum(shares) / len(shares) >= 0.7, shares


def test_the_own_tokenizer_counts_as_the_server_does(
    by_llamacpp: LLM, unpacked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoTokenizer

    own = Tokenizer(AutoTokenizer.from_pretrained(str(unpacked), local_files_only=True))
    assert len(TEXTS) == 50
    assert [own.count(text) for text in TEXTS] == [count(text, by_llamacpp).tokens for text in TEXTS]
    monkeypatch.setattr("analysis.llm.tokens.tokenizer_of", lambda llm: own)
    elsewhere = replace(by_llamacpp, dialect="openai")
    for question in (*QUESTIONS, "x " * 900):
        told = answer(by_llamacpp, question, tokens=1)[1].prompt_tokens
        counted = count_prompt([SYSTEM, Message("user", question)], elsewhere)
        assert counted.exact
        assert abs(counted.tokens - told) <= told * 0.01
