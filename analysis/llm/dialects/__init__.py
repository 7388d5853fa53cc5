"""How the OpenAI-compatible endpoints differ, one small class each; what is not in a class is the same everywhere."""

from __future__ import annotations

from analysis.llm.catalogue import LLM
from analysis.llm.dialects.dashscope import DashScope
from analysis.llm.dialects.deepseek import DeepSeek
from analysis.llm.dialects.llamacpp import LlamaCpp
from analysis.llm.dialects.moonshot import Moonshot
from analysis.llm.dialects.ollama import Ollama
from analysis.llm.dialects.openai import Dialect
from analysis.llm.dialects.qwen_long import QwenLong
from analysis.llm.dialects.sglang import SGLang
from analysis.llm.dialects.transformers import Transformers
from analysis.llm.dialects.vllm import VLLM
from analysis.llm.dialects.zai import ZAI

_ALL = (
    Dialect(), LlamaCpp(), VLLM(), SGLang(), Ollama(), Transformers(), Moonshot(), DashScope(), QwenLong(), DeepSeek(),
    ZAI(),
)  # fmt: skip
DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in _ALL}


def dialect_of(llm: LLM) -> Dialect:
    """Return the dialect that the LLM's endpoint speaks; the plain one for a name that is not known."""
    return DIALECTS.get(llm.dialect, DIALECTS[Dialect.name])
