"""Token counts: the model's own where its server tells them, else an estimate that says it is one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

import httpx
from django.core.cache import cache

from analysis.egress import leave
from analysis.errors import EngineUnavailable, LecternError
from analysis.llm import llamacpp
from analysis.llm.catalogue import LLM
from analysis.llm.endpoint import headers, root_url
from analysis.llm.tokenizers import present, tokenizer_of
from analysis.types import Message

MARGIN = 1.1  # an estimate is made this much larger, so that what is said to fit does fit
_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
COUNTED_AT_ONCE = 8
_MESSAGE_TOKENS = 8  # what a chat template puts around a message, at most


class TokenCount(NamedTuple):
    """exact: by the model's own tokenizer."""

    tokens: int
    exact: bool


def count(text: str, llm: LLM) -> TokenCount:
    """Return how many tokens `text` is for `llm`: by its server, else by its own tokenizer, else estimated."""
    try:
        if llm.dialect == "llamacpp":
            return TokenCount(len(llamacpp.tokenize(llm, text)), True)
        if llm.dialect == "vllm":
            return TokenCount(_vllm_count(llm, {"prompt": text, "add_special_tokens": False}), True)
    except LecternError:
        pass
    own = tokenizer_of(llm)
    return TokenCount(own.count(text), True) if own else TokenCount(estimate(text), False)


def count_tokens(text: str, llm: LLM) -> int:
    """Return how many tokens `text` is for `llm`, by its own tokenizer where its server tells."""
    return count(text, llm).tokens


def count_prompt(messages: list[Message], llm: LLM) -> TokenCount:
    """Return how many tokens the messages are once they stand in the model's chat template.

    Pictures and recordings are in no tokenizer: with one of them the count is an estimate.
    """
    if not any(message.media for message in messages):
        try:
            if llm.dialect == "llamacpp":
                return TokenCount(len(llamacpp.tokenize(llm, llamacpp.template(llm, messages), special=True)), True)
            if llm.dialect == "vllm":
                turns = [{"role": message.role, "content": message.content} for message in messages]
                return TokenCount(_vllm_count(llm, {"messages": turns}), True)
        except LecternError:
            pass
        own = tokenizer_of(llm)
        tokens = own.count_prompt(messages) if own else None
        if tokens is not None:
            return TokenCount(tokens, True)
    counts = [count(message.content, llm) for message in messages]
    return TokenCount(sum(c.tokens + _MESSAGE_TOKENS for c in counts), False)


def counted_by(llm: LLM) -> str:
    """Return who counts this language model's tokens, in a few words for people."""
    if llm.dialect in {"llamacpp", "vllm"}:
        return "its server"
    return "its own tokenizer" if present(llm) else "an estimate, made a tenth larger"


def count_version(version_id: int, text: str, llm: LLM) -> TokenCount:
    """Return the count of a document version's text, and remember it if it is exact."""
    return count_versions({version_id: text}, llm)[version_id]


def count_versions(texts: Mapping[int, str], llm: LLM) -> dict[int, TokenCount]:
    """Return the counts of versions' texts, by version id, and remember those that are exact."""
    found = dict(zip(texts, count_many(list(texts.values()), llm), strict=True))
    exact = {_version_key(id, len(texts[id]), llm): each.tokens for id, each in found.items() if each.exact}
    if exact:
        cache.set_many(exact, timeout=None)
    return found


def count_many(texts: Sequence[str], llm: LLM) -> list[TokenCount]:
    """Return how many tokens each of the texts is for `llm`; a server is asked about several at a time."""
    if len(texts) < 2 or llm.dialect not in {"llamacpp", "vllm"}:
        return [count(text, llm) for text in texts]
    try:
        leave("Texts to be counted", llm.base_url, self_hosted=llm.self_hosted)
    except LecternError:
        return [count(text, llm) for text in texts]
    # Asked once and here: a thread of the pool knows neither whose text it is nor, without a connection, any policy.
    cleared = replace(llm, self_hosted=True)
    with ThreadPoolExecutor(COUNTED_AT_ONCE) as pool:
        return list(pool.map(lambda text: count(text, cleared), texts))


def known_version_counts(characters: Mapping[int, int], llm: LLM) -> dict[int, int]:
    """Return the remembered counts of versions' texts, by version id. characters: how long each text is."""
    keys = {_version_key(id, length, llm): id for id, length in characters.items()}
    return {keys[key]: tokens for key, tokens in cache.get_many(keys).items()} if keys else {}


def _version_key(version_id: int, characters: int, llm: LLM) -> str:
    return f"tokens:{llm.id}:{version_id}:{characters}"


def estimate(text: str) -> int:
    """Return an upper guess: four characters a token in alphabetic scripts, one in Chinese, Japanese and Korean."""
    wide = len(_WIDE.findall(text))
    return math.ceil((wide + (len(text) - wide) / 4) * MARGIN)


def _vllm_count(llm: LLM, what: dict[str, Any]) -> int:
    leave("Text to be counted", llm.base_url, self_hosted=llm.self_hosted)
    body = {"model": llm.served_as, **what}
    try:
        response = httpx.post(root_url(llm.base_url, "tokenize"), json=body, headers=headers(llm.key), timeout=30)
        response.raise_for_status()
        return int(response.json()["count"])
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise EngineUnavailable("The language model's server does not count tokens.") from error
