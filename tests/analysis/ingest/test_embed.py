"""Vectors: unit length, in order, near in meaning; and the endpoint's dialect."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from analysis.errors import AppError, EngineUnavailable
from analysis.ingest import embed
from analysis.ingest.embed import (
    EmbedderTooShort,
    EndpointEncoder,
    LocalEncoder,
    embed_passages,
    embed_query,
    encoder,
    unit_length,
)
from analysis.ingest.families import Family, family_of

TEXTS = ["This Agreement is governed by the laws of Ireland.", "Fees.", "The term is five years. " * 20]


def test_vectors_are_of_unit_length_and_in_order():
    vectors = embed_passages(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((3, 384), np.float32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    for text, vector in zip(TEXTS, vectors, strict=True):
        assert float(embed_passages([text])[0] @ vector) > 0.9995


def test_nothing_to_embed():
    assert embed_passages([]).shape == (0, 384)


def test_query_is_nearest_to_the_passage_that_answers_it():
    scores = embed_passages(TEXTS) @ embed_query("Which law applies?")
    assert int(scores.argmax()) == 0


def test_fast_weights_agree_with_float32(monkeypatch):
    monkeypatch.setattr(embed, "_has_bfloat16_units", lambda: False)
    reference = LocalEncoder(embed.BUNDLED).passages(TEXTS)
    assert (reference * embed_passages(TEXTS)).sum(axis=1).min() > 0.999


def test_one_encoder_for_all_threads():
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(encoder())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(one) for one in found}) == 1


def test_unit_length_of_zeros_is_zeros():
    assert unit_length(np.array([[3, 4], [0, 0]], np.float32)).tolist() == [
        [pytest.approx(0.6), pytest.approx(0.8)],
        [0, 0],
    ]


class Endpoint(BaseHTTPRequestHandler):
    """An embeddings endpoint: the vector of a text is (its length, 1), and the rows come in reverse."""

    status = 200
    bodies: list[dict[str, object]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.bodies.append(body)
        rows = [{"index": i, "embedding": [len(text), 1]} for i, text in enumerate(body["input"])]
        reply = json.dumps({"data": rows[::-1]}).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def endpoint() -> Iterator[EndpointEncoder]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    Endpoint.status, Endpoint.bodies = 200, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield EndpointEncoder(f"http://127.0.0.1:{server.server_port}/v1/embeddings#bge-m3")
    server.shutdown()
    server.server_close()
    thread.join()


def test_endpoint_rows_are_put_in_order_and_scaled(endpoint):
    vectors = endpoint.passages(["abc", ""] + ["x"] * 70)
    assert vectors.shape == (72, 2)
    assert vectors[0].tolist() == pytest.approx([3 / 10**0.5, 1 / 10**0.5])
    assert vectors[1].tolist() == [0, 1]
    assert [(body["model"], len(body["input"])) for body in Endpoint.bodies] == [("bge-m3", 64), ("bge-m3", 8)]
    assert endpoint.dims == 2


@pytest.mark.parametrize(("status", "error"), [(503, EngineUnavailable), (429, EngineUnavailable), (401, AppError)])
def test_endpoint_that_refuses_is_tried_again_only_when_that_may_help(endpoint, status, error):
    Endpoint.status = status
    with pytest.raises(AppError) as refused:
        endpoint.query("abc")
    assert type(refused.value) is error
    assert refused.value.message == f"The embedding endpoint answered {status}."


def test_endpoint_that_is_not_there_may_come_back():
    with pytest.raises(EngineUnavailable):
        EndpointEncoder("http://127.0.0.1:9/v1/embeddings#none").query("abc")


@pytest.mark.parametrize(
    ("name", "query", "passage", "max_tokens"),
    [
        ("/models/Qwen3-Embedding-0.6B", "Instruct: ", "", 8192),
        ("intfloat/multilingual-e5-base", "query: ", "passage: ", 512),
        ("intfloat/multilingual-e5-large-instruct", "Instruct: ", "", 512),
        ("BAAI/bge-m3", "", "", 8192),
        ("BAAI/bge-large-zh-v1.5", "为这个句子", "", 512),
    ],
)
def test_families_put_their_words_before_a_text(name, query, passage, max_tokens):
    family = family_of(name)
    assert family.query.startswith(query)
    assert bool(family.query) == bool(query)
    assert (family.passage, family.max_tokens) == (passage, max_tokens)


def test_a_model_that_is_not_known_goes_by_its_own_configuration():
    assert family_of(embed.BUNDLED) is None


def test_endpoint_is_sent_what_its_family_wants(endpoint):
    e5 = EndpointEncoder(endpoint.name.replace("bge-m3", "multilingual-e5-base"))
    e5.passages(["The term."])
    e5.query("How long?")
    assert [body["input"] for body in Endpoint.bodies] == [["passage: The term."], ["query: How long?"]]


def test_local_model_is_given_what_its_family_wants(monkeypatch):
    monkeypatch.setattr(embed, "family_of", lambda name: Family(query="Which? ", max_tokens=256))
    asked = LocalEncoder(embed.BUNDLED)
    assert float(asked.query("law") @ embed_query("Which? law")) > 0.9995
    assert float(asked.passages(["law"])[0] @ embed_passages(["law"])[0]) > 0.9995


def test_model_that_would_read_only_the_beginning_of_passages_is_refused(monkeypatch):
    monkeypatch.setattr(embed, "family_of", lambda name: Family(max_tokens=128))
    with pytest.raises(EmbedderTooShort, match="128 tokens"):
        LocalEncoder(embed.BUNDLED)
