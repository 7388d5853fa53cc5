"""Z.ai's platform (GLM): numbers for errors, and the usage always in the last chunk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from analysis.llm.dialects.openai import Dialect
from analysis.llm.errors import Fault


class ZAI(Dialect):
    """As docs.z.ai has it (chat completion; api-reference/api-code; looked at 2026-11-23).

    The HTTP status says little: 429 is a busy endpoint as well as an empty account, so the number in the body decides.
    """

    name: ClassVar[str] = "zai"
    asks_for_usage: ClassVar[bool] = False
    think_tags: ClassVar[bool] = False
    transcriptions: ClassVar[bool] = False
    constrained: ClassVar[str] = "object"
    codes: ClassVar[Mapping[str, Fault]] = {
        **dict.fromkeys(("1000", "1001", "1002", "1003", "1004"), Fault.KEY),
        **dict.fromkeys(("1110", "1111", "1112", "1220"), Fault.PERMISSION),
        **dict.fromkeys(("1113", "1309"), Fault.CREDIT),
        "1211": Fault.NOT_SERVED,
        "1261": Fault.OVER_WINDOW,
        "1301": Fault.WITHHELD,
        **dict.fromkeys(("1302", "1303", "1305"), Fault.BUSY),
        **dict.fromkeys(("1120", "1230", "1234", "500"), Fault.AWAY),
    }
    over_window: ClassVar[tuple[str, ...]] = ("prompt exceeds max length",)
    finishes: ClassVar[Mapping[str, str]] = {
        "sensitive": "withheld",
        "network_error": "broken",
        "model_context_window_exceeded": "length",
    }
