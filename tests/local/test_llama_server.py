"""The bundled model's server as the product meets it."""

from __future__ import annotations

import httpx
import pytest

from local.home import home, secret
from local.llama_server import SLOTS, WINDOW_TOKENS

pytestmark = pytest.mark.model


@pytest.fixture
def client(llama_server: str) -> httpx.Client:
    key = {"Authorization": f"Bearer {secret('llama')}"}
    # A connection for each request: the server closes one after a stream without saying so.
    return httpx.Client(
        base_url=llama_server.removesuffix("/v1"),
        headers=key,
        timeout=120,
        limits=httpx.Limits(max_keepalive_connections=0),
    )


def test_only_who_has_the_key_is_answered(llama_server: str) -> None:
    for headers in ({}, {"Authorization": "Bearer guess"}):
        assert httpx.get(f"{llama_server}/models", headers=headers).status_code == 401


def test_each_slot_has_the_whole_window(client: httpx.Client) -> None:
    slots = client.get("/slots").json()
    assert [slot["n_ctx"] for slot in slots] == [WINDOW_TOKENS] * SLOTS
    assert client.get("/v1/models").json()["data"][0]["id"] == "qwen2.5-coder-0.5b-instruct"


TEXT = "The supplier shall deliver the goods within thirty days of each order. " * 12


def timings(client: httpx.Client, question: str, slot: int) -> dict[str, int]:
    body = {"prompt": f"{TEXT}\n{question}", "n_predict": 1, "temperature": 0, "id_slot": slot, "cache_prompt": True}
    reported: dict[str, int] = client.post("/completion", json=body).json()["timings"]
    return reported


def test_what_was_read_once_is_not_read_again_after_it_was_saved(client: httpx.Client) -> None:
    assert timings(client, "When?", 0)["prompt_n"] > 150
    saved = client.post("/slots/0?action=save", json={"filename": "test.kv"}).json()
    assert (home() / "slots" / "test.kv").stat().st_size == saved["n_written"]
    client.post("/slots/0?action=erase")
    client.post("/slots/2?action=restore", json={"filename": "test.kv"})
    assert timings(client, "Who?", 2)["prompt_n"] < 10


def test_what_a_slot_has_read_outlives_the_work_of_another(client: httpx.Client) -> None:
    client.post("/slots/0?action=erase")
    assert timings(client, "When?", 0)["prompt_n"] > 150
    client.post("/completion", json={"prompt": "Something else. " * 40, "n_predict": 1, "id_slot": 2})
    assert timings(client, "Who?", 0)["prompt_n"] < 10
