"""A scripted language model behind the product, as its configured endpoint or as the bundled one."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from analysis.llm import endpoint
from analysis.llm.catalogue import BUNDLED
from config.env import env
from local import home
from tests.analysis.llm.scripted_server import ScriptedLLM


@pytest.fixture
def scripted_llm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedLLM]:
    """An endpoint that LECTERN_LLM_URL points to: OpenAI-compatible, a window of 4,096 tokens, nothing else known."""
    yield from _configured(ScriptedLLM(tmp_path), monkeypatch)


@pytest.fixture
def bundled_llm(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedLLM]:
    """The endpoint as if `manage.py up` had started it: llama.cpp's calls, three slots, one token a word or sign."""
    server = ScriptedLLM(home.room("slots"), llamacpp=True, model=BUNDLED, window_tokens=8192)
    before = home.read_endpoints()
    home.write_endpoints({"llm_url": server.url, "llm_key": "scripted-key"})
    yield from _configured(server, monkeypatch)
    home.write_endpoints(before)


def _configured(server: ScriptedLLM, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedLLM]:
    monkeypatch.setattr(env, "llm_url", server.url)
    monkeypatch.setattr(env, "llm_key", "scripted-key")
    monkeypatch.setattr(env, "llm_model", "")
    endpoint.forget_endpoints()
    yield server
    endpoint.forget_endpoints()
    server.close()


@pytest.fixture
def words_as_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make two texts mean the same as far as they use the same words: loading the embedder takes seconds."""

    def embed(texts: list[str]) -> np.ndarray:
        vectors = np.zeros((len(texts), 512), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, zlib.crc32(word.encode()) % 512] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    monkeypatch.setattr("analysis.answer.cite._embed", embed)
