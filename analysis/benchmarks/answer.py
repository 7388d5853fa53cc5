"""How fast an answer comes: its first word cold, on the second question and from disk, and its way to the stream."""

from __future__ import annotations

import argparse
import resource
import secrets
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from analysis import progress
from analysis.answer.prompt import DocumentText, whole_prompt
from analysis.answer.stream import Writer
from analysis.errors import UserError
from analysis.llm import llamacpp, slots
from analysis.llm.catalogue import LLM
from analysis.llm.client import stream_chat
from analysis.llm.registry import llm_get
from analysis.models import Document, IngestStatus
from analysis.types import Account, CallPurpose, Usage

QUESTIONS = ["Who are the parties?", "Which law governs this?", "When does it end?"]
ANSWER_TOKENS = 64
MEBIBYTE = 2**20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `manage.py benchmark answer` can be told."""
    parser.add_argument("--document", help="id of a ready document; the largest one that fits by default")
    parser.add_argument("--text", type=Path, help="a text file to read instead")
    parser.add_argument("--llm", default="", help="id of the language model; the default one if not given")


def run(*, document: str | None = None, text: Path | None = None, llm: str = "", **_: Any) -> dict[str, Any]:
    """Return the figures: seconds, tokens per second, milliseconds and MiB, each named so.

    The document is read under a name made up for this run, so that nothing read before can be re-used.
    """
    chosen = llm_get(llm)
    reads = DocumentText("0", f"benchmark {secrets.token_hex(8)}", 0, "", text=_text(document, text, chosen))
    figures = {"llm": chosen.id, "characters": len(reads.text)}
    if chosen.slots:
        with slots.slot_for(chosen, "", should_stop=lambda: False) as slot:
            if slot is not None:
                figures |= _measured(chosen, reads, slot.number)
    else:
        figures |= _measured(chosen, reads, None)
    return figures | _memory(chosen)


def _measured(llm: LLM, reads: DocumentText, slot: int | None) -> dict[str, Any]:
    delays = _Delays()
    cold = _ask(llm, reads, QUESTIONS[0], slot, delays)
    second = _ask(llm, reads, QUESTIONS[1], slot, delays)
    figures = {
        "prompt_tokens": cold.prompt_tokens,
        "cold_first_token_seconds": cold.seconds_to_first_token,
        "cold_prefill_tokens_per_second": (cold.prompt_tokens - cold.cached_tokens) / cold.seconds_to_first_token,
        "second_first_token_seconds": second.seconds_to_first_token,
        "second_cached_tokens": second.cached_tokens,
        "second_share_of_cold": second.seconds_to_first_token / cold.seconds_to_first_token,
        "decode_tokens_per_second": _decode_speed([cold, second]),
    }
    if slot is not None:
        figures |= _from_disk(llm, reads, slot, delays)
    return figures | delays.figures()


def _from_disk(llm: LLM, reads: DocumentText, slot: int, delays: _Delays) -> dict[str, Any]:
    """Return what a question takes whose document comes from disk, as it does after the server was restarted."""
    name = f"benchmark-{secrets.token_hex(8)}.kv"
    saved, seconds_to_save = _timed(lambda: llamacpp.save_slot(llm, slot, name))
    try:
        llamacpp.erase_slot(llm, slot)
        _, seconds_to_load = _timed(lambda: llamacpp.restore_slot(llm, slot, name))
        third = _ask(llm, reads, QUESTIONS[2], slot, delays)
    finally:
        from local.home import room

        (room("slots") / name).unlink(missing_ok=True)
    return {
        "state_mib": saved[1] / MEBIBYTE,
        "save_seconds": seconds_to_save,
        "load_seconds": seconds_to_load,
        "from_disk_first_token_seconds": seconds_to_load + third.seconds_to_first_token,
        "from_disk_cached_tokens": third.cached_tokens,
    }


def _ask(llm: LLM, reads: DocumentText, question: str, slot: int | None, delays: _Delays) -> Usage:
    prompt = whole_prompt([reads], [], question, max_output_tokens=ANSWER_TOKENS)
    usage = Usage()
    for token in stream_chat(llm, prompt, slot=slot):
        if token.kind == "text":
            delays.write(token.text)
        usage = token.usage or usage
    return usage


class _Delays:
    """How long after the model's token its event reaches a reader of the stream, as the event view reads it."""

    def __init__(self) -> None:
        self.writer = Writer(f"benchmark-{secrets.token_hex(8)}", lambda: False, Account(CallPurpose.TEST))
        self.sent_at: list[float] = []
        self.read_at: list[float] = []
        self.done = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def write(self, text: str) -> None:
        if text.strip():
            self.sent_at.append(time.perf_counter())
            self.writer.add(text)

    def figures(self) -> dict[str, Any]:
        self.done.set()
        self.reader.join()
        progress.forget(progress.answer_stream(self.writer.answer_id))
        delays = [1000 * (read - sent) for sent, read in zip(self.sent_at, self.read_at, strict=False)]
        if len(delays) < 2:
            return {}
        return {
            "token_to_stream_p50_ms": statistics.median(delays),
            "token_to_stream_p95_ms": statistics.quantiles(delays, n=20)[-1],
        }

    def _read(self) -> None:
        for _ in self._events():
            self.read_at.append(time.perf_counter())

    def _events(self) -> Iterator[str]:
        stream, after = progress.answer_stream(self.writer.answer_id), "0"
        while not self.done.is_set() or len(self.read_at) < len(self.sent_at):
            progress.connection().xread({stream: after}, block=100)
            for event in progress.replay(stream, after):
                after = event.id
                yield after


def _text(document: str | None, text: Path | None, llm: LLM) -> str:
    if text is not None:
        return text.read_text(errors="replace")
    ready = Document.objects.filter(version__status=IngestStatus.READY).select_related("version")
    ready = ready.filter(pk=document) if document else ready.filter(version__tokens__lt=llm.window_tokens - 2000)
    chosen = ready.order_by("-version__tokens").first()
    if chosen is None or chosen.version is None:
        raise UserError("There is no such document. Upload one, or name a text file with --text.")
    return chosen.version.read_text()


def _decode_speed(usages: list[Usage]) -> float:
    seconds = sum(usage.seconds - usage.seconds_to_first_token for usage in usages)
    return sum(usage.completion_tokens for usage in usages) / seconds if seconds else 0.0


def _timed(call: Any) -> tuple[Any, float]:
    begun = time.perf_counter()
    result = call()
    return result, time.perf_counter() - begun


def _memory(llm: LLM) -> dict[str, Any]:
    """Return the peak memory of this process and what the model's server holds, where it runs on this machine."""
    figures = {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    port = urlsplit(llm.base_url).port
    for process in psutil.process_iter(["pid"]) if llm.slots else []:
        try:
            listens = any(at.laddr.port == port for at in process.net_connections("tcp") if at.status == "LISTEN")
        except psutil.Error:
            continue
        if listens:
            figures["model_server_mib"] = process.memory_info().rss / MEBIBYTE
    return figures
