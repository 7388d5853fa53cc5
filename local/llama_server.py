"""The bundled language model's server: llama.cpp's own, OpenAI-compatible, from the xllamacpp wheel."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

import httpx

from local.home import room, secret
from local.model_files import ModelFile

SLOTS = 3  # 0 and 1 answer people, 2 reads in the background
WINDOW_TOKENS = 32_768  # what the bundled models were trained on
# Two prompts of a full window can be held at once; a third reader's oldest idle prompt makes room.
CACHE_TOKENS = 2 * WINDOW_TOKENS
# Prompts are read in steps of this many tokens; after each, progress is reported and a dropped request is noticed.
STEP_TOKENS = 512


def command(model: ModelFile, path: Path, port: int) -> list[str | Path]:
    """Return the command that serves the GGUF at `path` on `port` in the foreground."""
    return [sys.executable, "-m", "local.llama_server", path, "--name", model.name, "--port", str(port)]


def url(port: int) -> str:
    """Return the address of the server's OpenAI-compatible interface."""
    return f"http://127.0.0.1:{port}/v1"


def ready(port: int) -> bool:
    """Return whether the server has loaded its model and takes our key."""
    try:
        reply = httpx.get(f"{url(port)}/models", headers={"Authorization": f"Bearer {secret('llama')}"}, timeout=2)
    except httpx.HTTPError:
        return False
    return reply.status_code == httpx.codes.OK


def serve(path: Path, *, name: str, port: int) -> None:
    """Serve until a stop signal comes; the interface is for holders of the home's `llama` secret only."""
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = str(path)
    settings.model_alias = {name}
    settings.hostnames, settings.port, settings.api_keys = ["127.0.0.1"], port, [secret("llama")]
    settings.ui, settings.cors_origins = False, ""

    settings.n_parallel, settings.kv_unified = SLOTS, True
    settings.n_ctx, settings.kv_unified_per_slot = CACHE_TOKENS, WINDOW_TOKENS
    settings.n_batch = settings.n_ubatch = STEP_TOKENS
    settings.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = _cores()

    settings.cache_prompt, settings.cache_ram_mib = True, 512
    # Otherwise whatever a slot has read is dropped when another slot begins, and the next question reads it again.
    settings.cache_idle_slots = False
    # `settings.speculative` stays off: n-grams of the prompt were tried, and no gain was shown (docs/measurements.md).
    settings.slot_save_path = f"{room('slots')}/"
    settings.endpoint_slots = settings.endpoint_metrics = True

    server = xllamacpp.Server(settings)
    print(f"Serving {name} at {server.listening_address}", flush=True)
    stop = threading.Event()
    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop_signal, lambda *_: stop.set())
    stop.wait()
    # The server would first finish the answers being written; whoever stops it does not wait for them.
    os._exit(0)


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.llama_server", description=__doc__)
    parser.add_argument("path", type=Path, help="the GGUF file")
    parser.add_argument("--name", required=True, help="the model's name on the interface")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    serve(options.path, name=options.name, port=options.port)


if __name__ == "__main__":
    main()
