"""Language models' own tokenizers, where no server counts: kept in the home, fetched once, never in a request."""

from __future__ import annotations

import logging
import re
import time
from pathlib import Path
from threading import Lock
from typing import Any

from django.core.cache import cache

from analysis.llm.catalogue import LLM
from analysis.types import Message
from local import model_files
from local.home import room

logger = logging.getLogger(__name__)

# One vocabulary and one chat template serve the whole family, the bundled model included.
QWEN25 = re.compile(r"^Qwen/Qwen2\.5-(Coder-)?[\d.]+B-Instruct", re.IGNORECASE)
QWEN25_FOLDER = "Qwen--Qwen2.5"
FILES = ["tokenizer*", "*.jinja", "vocab*", "merges*", "special_tokens_map.json", "added_tokens.json", "config.json"]
LOOK_AGAIN_SECONDS = 60.0
FETCH_TIMEOUT_SECONDS = 10.0

_loaded: dict[str, tuple[float, Tokenizer | None]] = {}
_lock = Lock()


class Tokenizer:
    """A tokenizer of transformers, for one reader at a time: counting sets and resets its state."""

    def __init__(self, own: Any) -> None:
        self._own = own
        self._lock = Lock()

    def count(self, text: str) -> int:
        """Return the text's tokens; control words in it are words, as they are in a document."""
        with self._lock:
            return len(self._own(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])

    def count_prompt(self, messages: list[Message]) -> int | None:
        """Return the tokens of the messages in the chat template; None for a model that has none."""
        if not self._own.chat_template:
            return None
        turns = [{"role": message.role, "content": message.content} for message in messages]
        with self._lock:
            text = self._own.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
            return len(self._own(text, add_special_tokens=False)["input_ids"])


def tokenizer_of(llm: LLM) -> Tokenizer | None:
    """Return the language model's own tokenizer; None when this machine does not have it. Reaches no network.

    Loading it takes a second or two once, and whether it has come meanwhile is looked up once a minute.
    """
    name = repository(llm)
    if not name:
        return None
    with _lock:
        look_at, known = _loaded.get(name, (0.0, None))
        if known is None and time.monotonic() > look_at:
            known = _load(name)
            _loaded[name] = (time.monotonic() + LOOK_AGAIN_SECONDS, known)
        return known


def present(llm: LLM) -> bool:
    """Return whether this machine has the language model's own tokenizer, without loading it."""
    name = repository(llm)
    return bool(name) and _place(name) is not None


def forget_tokenizers() -> None:
    """Make the next count look at the disk again."""
    with _lock:
        _loaded.clear()


def repository(llm: LLM) -> str:
    """Return the Hugging Face repository with the language model's tokenizer, "" when none is known."""
    return llm.tokenizer or (llm.served_as if llm.served_as.count("/") == 1 else "")


def folder(name: str) -> Path:
    """Return where the tokenizer of repository `name` is kept in the home, there or not."""
    return room("tokenizers") / (QWEN25_FOLDER if QWEN25.match(name) else name.replace("/", "--"))


def fetch(llm: LLM) -> str:
    """Return "" once the tokenizer is on this machine, else why it is not, in a sentence that is kept for the page.

    From this machine if it has it, from the bundled model's file if that speaks the same, else from the hub.
    """
    name = repository(llm)
    if not name:
        return ""
    forget_tokenizers()
    problem = "" if tokenizer_of(llm) else _fetch(name)
    cache.set(_key(name), problem, timeout=None)
    forget_tokenizers()
    return problem


def problem_of(llm: LLM) -> str:
    """Return why the tokenizer could not be had when it was last looked for, "" if it could or was not."""
    return str(cache.get(_key(repository(llm)), ""))


def from_gguf(path: Path, into: Path) -> None:
    """Write the tokenizer that a GGUF file holds to a folder; takes tens of seconds."""
    from transformers import AutoTokenizer

    own = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
    partial = into.with_name(into.name + ".partial")
    own.save_pretrained(partial)
    if not into.exists():
        partial.rename(into)


def _fetch(name: str) -> str:
    if QWEN25.match(name) and (path := _bundled_file()):
        from_gguf(path, folder(name))
        return ""
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(name, local_dir=folder(name), allow_patterns=FILES, etag_timeout=FETCH_TIMEOUT_SECONDS)
    except Exception as error:  # the hub's client lets through whatever its transport raises
        logger.warning("The tokenizer of %s could not be fetched: %s", name, error)
        return f"Its tokenizer could not be fetched from the Hugging Face hub ({type(error).__name__})."
    return "" if _load(name) else "Its tokenizer cannot be used without running code from its repository."


def _load(name: str) -> Tokenizer | None:
    """Return the tokenizer from the home or from the hub's cache on this machine. Code from a repository is not run."""
    place = _place(name)
    if place is None:
        return None
    from transformers import AutoTokenizer

    try:
        return Tokenizer(AutoTokenizer.from_pretrained(place, local_files_only=True, trust_remote_code=False))
    except Exception:  # damaged, or of a kind that transformers does not know: an estimate is made instead
        logger.warning("The tokenizer in %s cannot be used.", place, exc_info=True)
        return None


def _place(name: str) -> str | None:
    """Return the folder with the tokenizer's files: the home's, else one of the hub's cache; None for neither."""
    from huggingface_hub import try_to_load_from_cache

    kept = folder(name)
    if (kept / "tokenizer_config.json").exists():
        return str(kept)
    cached = try_to_load_from_cache(name, "tokenizer_config.json")
    return str(Path(cached).parent) if isinstance(cached, str) else None


def _bundled_file() -> Path | None:
    return next((path for model in model_files.MODEL_FILES.values() if (path := model_files.find(model))), None)


def _key(name: str) -> str:
    return f"tokenizer:{name}"
