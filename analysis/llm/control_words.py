"""Control words of chat templates, which must mean nothing where they stand in a document or a question."""

from __future__ import annotations

import re

# Qwen, Kimi, GLM <|...|>, DeepSeek <｜...｜>, Llama [INST] and </s>, thinking and tool tags, our own document tags.
_CONTROL = re.compile(
    r"<(?=[|｜][^<>\n]{1,40}[|｜]>)|<(?=/?(?:s|think|tool_call|tool_response|document)\b[^<>\n]{0,200}>)"
    r"|\[(?=/?INST\]|gMASK\])",
    re.IGNORECASE,
)
_BROKEN = "\u200b"  # zero width space: the reader sees the same words, a tokenizer does not see the control word


def quoted(text: str) -> str:
    """Return text from outside with every control word broken up, otherwise as it is."""
    return _CONTROL.sub(lambda match: match[0] + _BROKEN, text)
