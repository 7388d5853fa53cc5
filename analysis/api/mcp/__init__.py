"""Lectern as a server of the Model Context Protocol: search, read, plan and ask as tools of other programs' models.

gate     who is let in: API tokens alone, before the protocol sees a request
tools    the tools, each an operation of the HTTP interface
results  what the tools give, as their schemas state it
serving  the server inside the web process, and its part in that process's start and end

Streamable HTTP at /mcp, without sessions: each request stands for itself, so that any web process can answer it.
"""
