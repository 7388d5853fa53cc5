"""An OpenAI-compatible endpoint on loopback that says what a test scripts, and remembers what it was asked.

It can be any provider: plain, or llama.cpp's server with its own calls, whose slots hold what they have really been
sent, so that a test can count to the token what was read again.
"""

from __future__ import annotations

import json
import re
import select
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

WORD = re.compile(r"\w+|[^\w\s]|\s")
PATIENCE_SECONDS = 20  # a test that forgets to let the server go on fails after this


@dataclass
class Reply:
    """One completion, as the endpoint will send it.

    words, reasoning: the deltas; reasoning_field: where the latter stand. finish None: the stream ends without a
    finish_reason; cut: the connection is closed in the middle of a chunk. raw: bytes sent instead of all that. hold,
    after: wait for the event after that many words, noticing when the client goes away. status other than 200: `body`
    is sent with it. usage_in: "chunk" (one of its own), "choice" (with the finish_reason), "inside" (within that
    choice), or "" (nowhere). content_type: of the answer.
    """

    words: list[str] = field(default_factory=lambda: ["The", " answer", "."])
    reasoning: list[str] = field(default_factory=list)
    reasoning_field: str = "reasoning_content"
    usage_in: str = "chunk"
    content_type: str = "text/event-stream"
    finish: str | None = "stop"
    usage: dict[str, Any] | None = None
    raw: bytes | None = None
    cut: bool = False
    status: int = 200
    body: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None
    after: int = 0


@dataclass
class Upload:
    """A file that was sent to the endpoint, and the fields beside it."""

    path: str
    fields: dict[str, str]
    name: str
    mime: str
    data: bytes


class ScriptedLLM:
    """The endpoint. `replies` are used up in order; the last one answers all further requests. reply_to: instead.

    pages: what further calls are answered with, by "GET /api/ps": (status, JSON). uploads: files put up under /v1/files
    or sent to a page. files: those that are still there, by id. calls: each "METHOD /path" that was asked, in order.
    """

    def __init__(
        self, folder: Path, *, llamacpp: bool = False, model: str = "scripted", window_tokens: int = 4096
    ) -> None:
        self.folder = folder
        self.llamacpp = llamacpp
        self.model = model
        self.window_tokens = window_tokens
        self.replies: list[Reply] = [Reply()]
        self.reply_to: Callable[[dict[str, Any]], Reply] | None = None
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.prefills: list[int] = []
        self.slots: dict[int, list[int]] = {0: [], 1: [], 2: []}
        self.told_tokens: int | None = None
        self.pages: dict[str, tuple[int, Any]] = {}
        self.uploads: list[Upload] = []
        self.files: dict[str, Upload] = {}
        self.calls: list[str] = []
        self.holding = threading.Event()
        self.disconnected = threading.Event()
        self.vocabulary: dict[str, int] = {}
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def restart(self) -> None:
        """Forget what the slots have read, as a restarted server has."""
        self.slots = {number: [] for number in self.slots}

    def next_reply(self, body: dict[str, Any]) -> Reply:
        if self.reply_to is not None:
            return self.reply_to(body)
        with self.lock:
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def tokenize(self, text: str) -> list[int]:
        """Return a token a word, a sign or a blank; equal pieces have equal ids."""
        with self.lock:
            return [self.vocabulary.setdefault(piece, len(self.vocabulary)) for piece in WORD.findall(text)]

    @staticmethod
    def template(messages: list[dict[str, Any]]) -> str:
        return "".join(f"<{m['role']}>{flat(m['content'])}</>" for m in messages) + "<assistant>"

    def read(self, slot: int, tokens: list[int]) -> int:
        """Have the slot hold `tokens`; return how many of them it held already."""
        held = self.slots[slot]
        shared = next(
            (i for i, (a, b) in enumerate(zip(held, tokens, strict=False)) if a != b), min(len(held), len(tokens))
        )
        self.slots[slot] = list(tokens)
        return shared


def flat(content: Any) -> str:
    """Return a message's text, whether it is one string or parts."""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def parsed_upload(path: str, content_type: str, data: bytes) -> Upload:
    """Return the form that was sent, which holds one file."""
    form = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + data)
    fields: dict[str, str] = {}
    upload = Upload(path, fields, "", "", b"")
    for part in form.get_payload():
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        if part.get_filename():
            upload.name, upload.mime, upload.data = part.get_filename(), part.get_content_type(), content
        else:
            fields[name] = content.decode()
    return upload


def _handler(llm: ScriptedLLM) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            llm.calls.append(f"GET {self.path}")
            if self._scripted("GET"):
                return
            if self.path.startswith("/v1/files/"):
                known = self.path.rsplit("/", 1)[1] in llm.files
                self._json({"status": "processed"} if known else {}, 200 if known else 404)
            elif self.path == "/v1/models":
                owner = "llamacpp" if llm.llamacpp else "somebody"
                self._json({"data": [{"id": llm.model, "owned_by": owner, "max_model_len": llm.window_tokens}]})
            elif self.path == "/props" and llm.llamacpp:
                self._json({"default_generation_settings": {"n_ctx": llm.window_tokens}, "total_slots": len(llm.slots)})
            else:
                self._json({"error": {"message": "no such page"}}, 404)

        def do_POST(self) -> None:
            llm.calls.append(f"POST {self.path}")
            path, _, query = self.path.partition("?")
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get_content_type() == "multipart/form-data":
                self._uploaded(path, data)
                return
            body = json.loads(data or b"{}")
            if self._scripted("POST"):
                return
            if path == "/v1/chat/completions":
                llm.requests.append(body)
                llm.headers.append(dict(self.headers))
                self._complete(llm.next_reply(body), body)
            elif not llm.llamacpp:
                self._json({"error": {"message": "no such page"}}, 404)
            elif path == "/tokenize":
                self._json({"tokens": llm.tokenize(body["content"])})
            elif path == "/apply-template":
                self._json({"prompt": llm.template(body["messages"])})
            elif path == "/completion":
                cached = llm.read(body["id_slot"], body["prompt"])
                llm.prefills.append(len(body["prompt"]) - cached)
                self._json({"content": "", "timings": {"prompt_n": len(body["prompt"]) - cached}})
            else:
                self._slot(int(path.rsplit("/", 1)[1]), query, body)

        def do_DELETE(self) -> None:
            llm.calls.append(f"DELETE {self.path}")
            gone = llm.files.pop(self.path.rsplit("/", 1)[1], None)
            self._json({"deleted": gone is not None}, 200 if gone else 404)

        def _scripted(self, method: str) -> bool:
            """Answer as the test has laid down, if it has."""
            status, body = llm.pages.get(f"{method} {self.path}", (0, None))
            if status:
                self._json(body, status)
            return bool(status)

        def _uploaded(self, path: str, data: bytes) -> None:
            upload = parsed_upload(path, self.headers["Content-Type"], data)
            llm.uploads.append(upload)
            if self._scripted("POST"):
                return
            if path == "/v1/files":
                id = f"file-fe-{len(llm.uploads)}"
                llm.files[id] = upload
                self._json({"id": id, "status": "uploaded", "purpose": upload.fields["purpose"]})
            else:
                self._json({"error": {"message": "no such page"}}, 404)

        def _slot(self, slot: int, query: str, body: dict[str, Any]) -> None:
            if query == "action=erase":
                llm.slots[slot] = []
                self._json({"n_erased": 0})
                return
            file = llm.folder / body["filename"]
            if query == "action=save":
                file.write_text(json.dumps(llm.slots[slot]))
                self._json({"n_saved": len(llm.slots[slot]), "n_written": file.stat().st_size})
            elif not file.exists():
                self._json({"error": {"message": "no such file"}}, 400)
            else:
                llm.slots[slot] = json.loads(file.read_text())
                self._json({"n_restored": len(llm.slots[slot])})

        def _complete(self, reply: Reply, body: dict[str, Any]) -> None:
            tokens = llm.tokenize(llm.template(body["messages"]))
            cached = llm.read(body["id_slot"], tokens) if "id_slot" in body else 0
            if reply.status != 200:
                self._send(reply.status, reply.body.encode(), reply.headers)
                return
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", reply.content_type)
            self.end_headers()
            if reply.raw is not None:
                self.wfile.write(reply.raw)
                if reply.hold is not None:
                    self._held(reply)
                return
            for chunk in _chunks(llm, reply, body, len(tokens), cached):
                if chunk is None:
                    if not self._held(reply):
                        return
                else:
                    self.wfile.write(b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n")
                    self.wfile.flush()
            if reply.cut:
                self.wfile.write(b'data: {"choices": [{"delta": {"con')
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.wfile.write(b"data: [DONE]\n\n")

        def _held(self, reply: Reply) -> bool:
            """Wait for the script to go on; False when the client has gone away meanwhile."""
            assert reply.hold is not None
            llm.holding.set()
            for _ in range(PATIENCE_SECONDS * 100):
                if reply.hold.wait(0.01):
                    return True
                if self._gone():
                    llm.disconnected.set()
                    return False
            raise TimeoutError("The test did not let the scripted server go on.")

        def _gone(self) -> bool:
            readable, _, _ = select.select([self.connection], [], [], 0)
            try:
                return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
            except ConnectionResetError:
                return True

        def _json(self, body: dict[str, Any], status: int = 200) -> None:
            self._send(status, json.dumps(body).encode(), {"Content-Type": "application/json"})

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _chunks(
    llm: ScriptedLLM, reply: Reply, body: dict[str, Any], total: int, cached: int
) -> Iterator[dict[str, Any] | None]:
    """Yield the stream's chunks, None where it waits."""
    if body.get("return_progress"):
        yield {"choices": [], "prompt_progress": {"total": total, "cache": cached, "processed": cached, "time_ms": 0}}
    if reply.hold is not None and reply.after == 0:
        yield None
    for text in reply.reasoning:
        yield {"choices": [{"delta": {reply.reasoning_field: text}, "finish_reason": None}]}
    for number, text in enumerate(reply.words, start=1):
        yield {"choices": [{"delta": {"content": text}, "finish_reason": None}]}
        if reply.hold is not None and reply.after == number:
            yield None
    if reply.cut or reply.finish is None:
        return
    told = {"prompt_tokens": llm.told_tokens or total, "completion_tokens": len(reply.words)}
    if cached:
        told["prompt_tokens_details"] = {"cached_tokens": cached}
    usage = reply.usage or told
    last: dict[str, Any] = {"delta": {}, "finish_reason": reply.finish}
    if reply.usage_in == "choice":
        yield {"choices": [last], "usage": usage}
    else:
        yield {"choices": [last | ({"usage": usage} if reply.usage_in == "inside" else {})]}
    if reply.usage_in == "chunk":
        yield {"choices": [], "usage": usage}
