"""The server inside the web process: /mcp is its, everything else Django's."""

from __future__ import annotations

from typing import Any, cast

from mcp.server import MCPServer
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings

from analysis.api.mcp.gate import Gate
from analysis.api.mcp.tools import add_tools
from config.uploads import App, Receive, Scope, Send
from config.version import version

PATH = "/mcp"
INSTRUCTIONS = (
    "Lectern reads whole contracts and code repositories. Ask for answers with checked citations; search and read to "
    "look things up yourself; plan before a question to much text, to see what it takes."
)


class WithMcp:
    """An ASGI application that answers /mcp and hands everything else to `app`.

    The protocol's tasks live as long as the process serves: they start and end with the server's lifespan, which
    Django knows nothing of.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.gate: Gate | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the process's lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self.gate is not None and scope["type"] == "http" and scope["path"].rstrip("/") == PATH:
            await self.gate(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        manager = session_manager()
        await receive()  # lifespan.startup
        async with manager.run():
            self.gate = Gate(cast(App, manager.handle_request))  # the SDK's types are Starlette's
            await send({"type": "lifespan.startup.complete"})
            await receive()  # lifespan.shutdown
            self.gate = None
        await send({"type": "lifespan.shutdown.complete"})


def session_manager() -> StreamableHTTPSessionManager:
    """Return what speaks the protocol over HTTP; it can be run once."""
    server: MCPServer[Any] = MCPServer("lectern", title="Lectern", instructions=INSTRUCTIONS, version=version())
    add_tools(server)
    # The gate has looked at host and origin, by the names that Django knows itself under.
    looked_at = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    server.streamable_http_app(stateless_http=True, transport_security=looked_at)
    return server.session_manager
