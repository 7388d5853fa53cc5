"""`manage.py serve_llm`: serve a model with transformers, and have it among the language models while it runs."""

from __future__ import annotations

import signal
import subprocess
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from analysis.llm.served import local_llm
from analysis.management.command import LecternCommand
from local import transformers_server
from local.home import room
from local.parts import own_address
from local.process import StartFailed, free_port, start, wait_until

LOADING_SECONDS = 6 * 3600  # a large model is downloaded first
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Command(LecternCommand):
    """Runs until Ctrl-C; then the server is stopped and its language model is no longer offered."""

    help = "Serve a Hugging Face model, a folder or a GGUF file with `transformers serve`, and register it here."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take MODEL, --gguf, --host and --port."""
        parser.add_argument("model", metavar="MODEL", help="a repository on the hub, a folder, or a .gguf file")
        parser.add_argument("--gguf", metavar="FILE", default="", help="the GGUF file in that repository or folder")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=0, help="port to listen on (a free one)")

    def run(self, *, model: str, gguf: str, host: str, port: int, **options: Any) -> None:
        """Serve until told to stop."""
        try:
            wanted = transformers_server.weights(model, gguf)
        except FileNotFoundError as error:
            raise CommandError(f"There is no {error} on this machine.") from None
        if wanted.gguf:
            self.stdout.write(f"Unpacking {wanted.gguf} for transformers, if that has not been done yet.")
        wanted = transformers_server.unpacked(wanted)
        # SIGTERM stops as cleanly as Ctrl-C; a shell has its background jobs ignore SIGINT until told otherwise.
        for stop_signal in (signal.SIGTERM, signal.SIGINT):
            signal.signal(stop_signal, signal.default_int_handler)
        port = port or free_port()
        server = start(transformers_server.command(wanted, host=host, port=port), log=room("logs") / "transformers.log")
        try:
            self._serve(server, wanted, host, port)
        finally:
            _stop(server)

    def _serve(
        self, server: subprocess.Popen[bytes], wanted: transformers_server.Weights, host: str, port: int
    ) -> None:
        address, log = f"http://{own_address(host)}:{port}", room("logs") / "transformers.log"
        self.stdout.write(f"Loading {wanted.served_as}. The log is {log}.")
        try:
            wait_until(lambda: transformers_server.ready(address), server, log=log, timeout_seconds=LOADING_SECONDS)
        except StartFailed as error:
            raise CommandError(str(error)) from error
        window_tokens = transformers_server.window_tokens(wanted)
        with local_llm(wanted, base_url=f"{address}/v1", window_tokens=window_tokens) as row:
            self.stdout.write(f"{row.slug} is served at {address}/v1 and can be chosen in Lectern. Ctrl-C stops it.")
            if host not in LOOPBACK:
                self.stdout.write("It asks for no key: whoever reaches this port can use it.")
            code = server.wait()
        raise CommandError(f"The server ended by itself, with code {code}. See {log}.")


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
