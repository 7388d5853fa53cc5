"""The servers and providers that an administrator can add without looking anything up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """A server or provider. base_url: its own address, or where such a server usually listens on this machine."""

    id: str
    name: str
    base_url: str
    dialect: str
    self_hosted: bool = False


PRESETS = {
    preset.id: preset
    for preset in (
        Preset("moonshot", "Moonshot (Kimi)", "https://api.moonshot.ai/v1", "moonshot"),
        Preset(
            "dashscope",
            "Alibaba Model Studio (Qwen)",
            "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            "dashscope",
        ),
        Preset("deepseek", "DeepSeek", "https://api.deepseek.com", "deepseek"),
        Preset("zai", "Z.ai (GLM)", "https://api.z.ai/api/paas/v4", "zai"),
        Preset("vllm", "vLLM", "http://127.0.0.1:8000/v1", "vllm", self_hosted=True),
        Preset("sglang", "SGLang", "http://127.0.0.1:30000/v1", "sglang", self_hosted=True),
        Preset("ollama", "Ollama", "http://127.0.0.1:11434/v1", "ollama", self_hosted=True),
        Preset("transformers", "transformers serve", "http://127.0.0.1:8000/v1", "transformers", self_hosted=True),
        Preset("other", "Another OpenAI-compatible server", "", ""),
    )
}
