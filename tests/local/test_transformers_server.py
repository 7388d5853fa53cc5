"""What `serve_llm` is told to serve, and how it appears among the language models while it runs."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from analysis.llm.registry import llms
from analysis.llm.served import local_llm
from analysis.management.commands import serve_llm
from analysis.models import Endpoint, ServedLLM
from config.env import env
from local import process, transformers_server
from local.process import free_port
from local.transformers_server import Weights, command, weights

GGUF = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"


def test_a_repository_a_folder_and_a_file(tmp_path: Path) -> None:
    (tmp_path / GGUF).touch()
    assert weights("Qwen/Qwen3-0.6B") == Weights("Qwen/Qwen3-0.6B")
    assert weights("org/repo-GGUF", "q4.gguf").served_as == "org/repo-GGUF:q4.gguf"
    assert weights(str(tmp_path)) == Weights(str(tmp_path))
    from_file = weights(str(tmp_path / GGUF))
    assert from_file == weights(str(tmp_path), GGUF) == Weights(str(tmp_path), GGUF)
    assert (from_file.name, from_file.unquantised) == (GGUF[:-5], "qwen2.5-coder-0.5b-instruct")
    with pytest.raises(FileNotFoundError):
        weights(str(tmp_path / "absent.gguf"))


def test_the_command_names_the_weights_and_where_to_listen(tmp_path: Path) -> None:
    (tmp_path / GGUF).touch()
    program, *told = command(weights(str(tmp_path / GGUF)), host="127.0.0.1", port=8123)
    assert Path(program).name == "transformers"
    assert told[:6] == ["serve", f"{tmp_path}:{GGUF}", "--host", "127.0.0.1", "--port", "8123"]


def test_a_gguf_file_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformers_server, "room", lambda name: tmp_path)
    monkeypatch.setattr(transformers_server, "_unpack", lambda path, folder: folder.mkdir(parents=True))
    wanted = Weights(str(tmp_path), GGUF)
    unpacked = transformers_server.unpacked(wanted)
    assert unpacked == Weights(str(tmp_path / GGUF[:-5]))
    assert unpacked.name == GGUF[:-5]  # so that it keeps its id
    monkeypatch.setattr(transformers_server, "_unpack", None)
    assert transformers_server.unpacked(wanted) == unpacked
    assert transformers_server.unpacked(Weights("Qwen/Qwen3-0.6B")) == Weights("Qwen/Qwen3-0.6B")


def test_what_is_not_there_is_said_in_a_sentence(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=rf"^There is no {tmp_path}/absent\.gguf on this machine\.$"):
        call_command("serve_llm", str(tmp_path / "absent.gguf"))


def test_it_is_offered_while_it_runs_and_is_the_same_row_the_next_time(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env, "llm_url", "")
    monkeypatch.setattr(env, "llm_key", "")
    wanted = Weights("/models", GGUF)
    with local_llm(wanted, base_url="http://127.0.0.1:8123/v1", window_tokens=16384) as row:
        (llm,) = llms()
        assert (llm.id, llm.served_as) == (f"{GGUF[:-5]}@transformers", f"/models:{GGUF}")
        assert (llm.dialect, llm.base_url, llm.window_tokens) == ("transformers", "http://127.0.0.1:8123/v1", 16384)
        assert (llm.self_hosted, llm.price_in_usd_per_million, llm.slots) == (True, 0.0, 0)
        assert row.facts_id == "qwen2.5-coder-0.5b-instruct"
        assert set(llm.body) <= {"temperature", "top_p", "top_k", "chat_template_kwargs"}
        ServedLLM.objects.filter(pk=row.pk).update(parallel=2)
    assert llms() == []
    with local_llm(wanted, base_url="http://127.0.0.1:9000/v1", window_tokens=16384) as again:
        assert again.pk == row.pk
        assert (llms()[0].base_url, llms()[0].parallel) == ("http://127.0.0.1:9000/v1", 2)
    assert Endpoint.objects.count() == 1
    assert not Endpoint.objects.get().enabled


HEALTHY = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_ctrl_c_stops_the_server_and_takes_it_off_the_list(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    port = free_port()

    class Stdout(io.StringIO):
        def write(self, text: str) -> int:
            if "is served at" in text:
                assert [llm.base_url for llm in llms()] == [f"http://127.0.0.1:{port}/v1"]
                signal.raise_signal(signal.SIGINT)
            return super().write(text)

    def start(*args: Any, **kwargs: Any) -> subprocess.Popen[bytes]:
        started.append(process.start(*args, **kwargs))
        return started[-1]

    monkeypatch.setattr(env, "llm_url", "")
    monkeypatch.setattr(env, "llm_key", "")
    monkeypatch.setattr(
        transformers_server, "command", lambda wanted, host, port: [sys.executable, "-c", HEALTHY, port]
    )
    monkeypatch.setattr(transformers_server, "window_tokens", lambda wanted: 4096)
    monkeypatch.setattr(serve_llm, "start", start)
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in a shell's background job
    try:
        with pytest.raises(SystemExit) as ended:
            call_command("serve_llm", "Qwen/Qwen3-0.6B", port=port, stdout=Stdout())
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert ended.value.code == 130
    assert started[0].poll() is not None
    assert llms() == []


def test_a_server_that_cannot_load_is_said_with_its_last_words(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = [sys.executable, "-c", "raise SystemExit('no such weights')"]
    monkeypatch.setattr(transformers_server, "command", lambda wanted, host, port: failing)
    with pytest.raises(CommandError, match=r"ended with code 1\.(.|\n)*no such weights"):
        call_command("serve_llm", "no/such-model")
    assert not ServedLLM.objects.exists()
