"""Readers of event streams, as browsers are: many connections held by one process, frames read as they come.

Reads from standard input a line of JSON, `{"port": …, "drops": …, "pages": [[path, cookie, kind], …]}`; writes "open"
once every stream has answered; ends with the next line of its input, and writes what each page has seen as JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from dataclasses import dataclass, field
from typing import Any

OPENED_AT_ONCE = 32
PATIENCE_SECONDS = 60

BLOCK = re.compile(r'<div class="block" id="block-[^"]*?-(\d+)">(.*?)</div>', re.DOTALL)
NUMBER = {"answer": re.compile(r"\bw(\d+)\b"), "document": re.compile(r"Reading page (\d+) of")}


@dataclass
class Page:
    """One open page: what it shows, and when each number was on it first (seconds since the epoch)."""

    path: str
    cookie: str
    kind: str
    blocks: dict[int, str] = field(default_factory=dict)
    seen: dict[int, float] = field(default_factory=dict)
    last_id: str = ""
    status: int = 0
    frames: int = 0
    connections: int = 0

    @property
    def request(self) -> bytes:
        lines = [f"GET {self.path} HTTP/1.1", "Host: 127.0.0.1", "Accept: text/event-stream", f"Cookie: {self.cookie}"]
        if self.last_id:
            lines.append(f"Last-Event-ID: {self.last_id}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def take(self, message: str) -> None:
        """Take one message in, as a page does: each block replaces the one with its number."""
        now = time.time()
        lines = message.split("\n")
        data = "\n".join(line[6:] for line in lines if line.startswith("data: "))
        self.last_id = next((line[4:] for line in lines if line.startswith("id: ")), self.last_id)
        self.frames += 1
        for number, html in BLOCK.findall(data):
            self.blocks[int(number)] = html
        for number in NUMBER[self.kind].findall(data):
            self.seen.setdefault(int(number), now)

    def shown(self) -> list[int]:
        """Return the numbers as they stand on the page now, from its top to its end."""
        return [int(n) for block in sorted(self.blocks) for n in NUMBER["answer"].findall(self.blocks[block])]

    def report(self) -> dict[str, Any]:
        return {
            "seen": list(self.seen.items()),
            "shown": self.shown(),
            "status": self.status,
            "frames": self.frames,
            "connections": self.connections,
        }


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection that reads a chunked event stream into its page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()
        self.transport: Any = None  # uvloop's own class, which is not one of asyncio's
        self._raw = b""
        self._text = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.page.connections += 1
        transport.write(self.page.request)

    def data_received(self, data: bytes) -> None:
        self._raw += data
        if not self.opened.done():
            head, end, rest = self._raw.partition(b"\r\n\r\n")
            if not end:
                return
            self.page.status, self._raw = int(head.split(b" ", 2)[1]), rest
            self.opened.set_result(None)
        self._read_chunks()
        *messages, self._text = self._text.split(b"\n\n")
        for message in messages:
            if not message.startswith(b":"):
                self.page.take(message.decode())

    def _read_chunks(self) -> None:
        """Move what has come of complete chunks to the text."""
        while True:
            size, end, rest = self._raw.partition(b"\r\n")
            length = int(size, 16) if end else 0
            if not length or len(rest) < length + 2:
                return
            self._text += rest[:length]
            self._raw = rest[length + 2 :]

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("The server closed the connection."))

    def drop(self) -> None:
        """Cut the connection at once, as a network does: what has come of an unfinished message is gone with it."""
        self.transport.abort()


async def listen(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Open every page's stream, say so, drop and take up some of them each second, and return what all have seen."""
    pages = [Page(*page) for page in plan["pages"]]
    turn = asyncio.Semaphore(OPENED_AT_ONCE)

    async def connect(page: Page) -> Connection:
        async with turn:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(page), "127.0.0.1", plan["port"]
            )
            await asyncio.wait_for(connection.opened, PATIENCE_SECONDS)
            return connection

    held = await asyncio.gather(*map(connect, pages))
    tell("open")
    over = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    chosen = random.Random(len(pages))  # noqa: S311  the same pages every time
    while not over.done():
        await asyncio.wait([over], timeout=1.0)
        if over.done():
            break
        for number in chosen.sample(range(len(held)), min(plan["drops"], len(held))):
            held[number].drop()
            await held[number].closed.wait()
            held[number] = await connect(pages[number])
    for connection in held:
        connection.drop()
    return [page.report() for page in pages]


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    import uvloop

    tell(json.dumps(uvloop.run(listen(json.loads(sys.stdin.readline())))))
