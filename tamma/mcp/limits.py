"""How much an MCP server may say before it counts as broken: bytes, so that memory and time are bounded."""

from __future__ import annotations

from tamma.errors import InvalidRequest
from tamma.mcp.server import McpServer

MAX_MESSAGE = 8 * 1024 * 1024
"""Bytes of one message. The largest results that make sense (images, whole files) stay below."""
MAX_TRAFFIC = 32 * 1024 * 1024
"""Bytes from the server since our last request, whatever they are."""
MESSAGE_COST = 4096
"""What a message costs beside its bytes: 8,000 tiny ones are seconds of work for us, too."""
REQUEST_COST = 64 * 1024
"""What a question of the server costs: each is answered, and the answers wait until it reads them."""


class Meter:
    """Counts what a server sends, and says when it is too much."""

    def __init__(self, server: McpServer, limit: int = MAX_TRAFFIC) -> None:
        self._server = server
        self._limit = limit
        self._left = limit

    def renew(self) -> None:
        """We asked something: the server has its whole allowance again."""
        self._left = self._limit

    def take(self, cost: int) -> None:
        """Count `cost` bytes. Raises InvalidRequest where the allowance is used up."""
        self._left -= cost
        if self._left < 0:
            raise self.flood(f"sent more than {self._limit} bytes without answering")

    def flood(self, what: str) -> InvalidRequest:
        """Never retried: a server that floods once floods again."""
        return InvalidRequest(
            f"MCP server {self._server.name!r} ({self._server.place}) {what}: the connection was ended",
            hint="the server is broken or its tool answers too much: narrow the call, or fix the server",
            provider=self._server.name,
        )
