"""Who counts: the server, else the model's own tokenizer, else an estimate that says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.llm import tokenizers
from analysis.llm.catalogue import LLM, catalogue
from analysis.llm.tokenizers import fetch, folder, forget_tokenizers, present, problem_of, tokenizer_of
from analysis.llm.tokens import count, count_prompt, counted_by, estimate
from analysis.types import Media, Message
from tests.analysis.llm.scripted_server import ScriptedLLM

LLAMA = LLM("tiny", "Tiny", "", window_tokens=4096, max_output_tokens=100, tokenizer="tests/tiny", dialect="openai")
MESSAGES = [Message("system", "be brief"), Message("user", "how long is the term")]
TEMPLATE = (
    "{% for m in messages %}[{{ m.role }}] {{ m.content }} {% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    forget_tokenizers()


def keep_a_tokenizer_of_words(name: str) -> None:
    """Keep a tokenizer for which each word is a token, and <s> a control token."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    own = Tokenizer(models.WordLevel({"[unk]": 0}, unk_token="[unk]"))
    own.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=own, unk_token="[unk]", chat_template=TEMPLATE)
    fast.save_pretrained(folder(name))


def test_without_a_tokenizer_the_count_is_an_estimate_and_says_so() -> None:
    assert count("how long is the term", LLAMA) == (estimate("how long is the term"), False)
    assert not count_prompt(MESSAGES, LLAMA).exact
    assert counted_by(LLAMA) == "an estimate, made a tenth larger"


def test_a_kept_tokenizer_counts_text_and_template_exactly() -> None:
    keep_a_tokenizer_of_words("tests/tiny")
    assert present(LLAMA)
    assert count("how long is the term", LLAMA) == (5, True)
    # [system] be brief [user] how long is the term [assistant]
    assert count_prompt(MESSAGES, LLAMA) == (10, True)
    assert counted_by(LLAMA) == "its own tokenizer"


def test_a_picture_is_in_no_tokenizer() -> None:
    keep_a_tokenizer_of_words("tests/tiny")
    assert not count_prompt([replace(MESSAGES[1], media=(Media("image/png", b"x"),))], LLAMA).exact


def test_vllm_counts_text_and_whole_prompts(scripted_llm: ScriptedLLM) -> None:
    llm = replace(LLAMA, dialect="vllm", base_url=scripted_llm.url, self_hosted=True)
    scripted_llm.pages["POST /tokenize"] = (200, {"count": 37})
    assert count("how long", llm) == (37, True)
    assert count_prompt(MESSAGES, llm) == (37, True)
    scripted_llm.pages["POST /tokenize"] = (500, {})
    assert not count("how long", llm).exact


def test_the_qwen25_family_shares_one_folder() -> None:
    ids = [row.tokenizer for row in catalogue().values() if row.tokenizer.startswith("Qwen/Qwen2.5-")]
    shared = {name for name in ids if folder(name).name == "Qwen--Qwen2.5"}
    assert {"Qwen/Qwen2.5-72B-Instruct", "Qwen/Qwen2.5-Coder-7B-Instruct"} <= shared
    assert "Qwen/Qwen2.5-VL-7B-Instruct" not in shared
    assert folder("Qwen/Qwen3-32B").name == "Qwen--Qwen3-32B"


def test_fetching_where_the_hub_is_out_of_reach_says_so(db: None) -> None:
    problem = fetch(LLAMA)
    assert problem.startswith("Its tokenizer could not be fetched from the Hugging Face hub (")
    assert problem_of(LLAMA) == problem
    keep_a_tokenizer_of_words("tests/tiny")
    assert fetch(LLAMA) == ""
    assert problem_of(LLAMA) == ""


def test_a_damaged_tokenizer_is_an_estimate(caplog: pytest.LogCaptureFixture) -> None:
    folder("tests/tiny").mkdir()
    (folder("tests/tiny") / "tokenizer_config.json").write_text("{")
    assert tokenizer_of(LLAMA) is None
    assert "cannot be used" in caplog.text
    assert tokenizers.present(LLAMA)
