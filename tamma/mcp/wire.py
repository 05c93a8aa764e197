"""One MCP session over either transport. Import it only when a server is needed: the SDK takes 0.5 s."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import anyio
from mcp import ClientSession, MCPError
from mcp.shared.message import SessionMessage
from mcp.types import (
    CONNECTION_CLOSED,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    Implementation,
    JSONRPCNotification,
    JSONRPCRequest,
    ListToolsResult,
    PaginatedRequestParams,
)

from tamma import __version__
from tamma.mcp.http import http_streams
from tamma.mcp.limits import MESSAGE_COST, REQUEST_COST, Meter
from tamma.mcp.server import McpServer
from tamma.mcp.stdio import stdio_streams

if TYPE_CHECKING:
    from mcp.client._transport import ReadStream

__all__ = ["CONNECTION_CLOSED", "CallToolResult", "ClientSession", "MCPError", "call", "page", "session"]

_LISTS_CHANGED = "notifications/tools/list_changed"


@contextlib.asynccontextmanager
async def session(
    server: McpServer, meter: Meter, on_change: Callable[[], None]
) -> AsyncGenerator[ClientSession]:
    """An initialised session. Enter and leave it in one task. Raises TimeoutError, MCPError, and what
    `stdio_streams` and `http_streams` raise, in exception groups where the SDK makes them."""
    # What goes wrong reaches us as an error. The SDK would also log it, with the server's words in it.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    streams = stdio_streams if server.url is None else http_streams
    us = Implementation(name="tamma", version=__version__)
    async with (
        streams(server, meter) as (incoming, outgoing),
        ClientSession(_Sieve(incoming, meter, on_change), outgoing, client_info=us) as opened,
    ):
        with anyio.fail_after(server.start_timeout):
            await opened.initialize()
        yield opened


async def page(opened: ClientSession, cursor: str | None) -> ListToolsResult:
    """One page of the server's tools."""
    return await opened.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)


async def call(opened: ClientSession, name: str, arguments: dict[str, object]) -> CallToolResult:
    """Call a tool. Not by the session's own `call_tool`: that holds the result to a schema that the server
    wrote, whose regular expressions may take for ever, and raises where the text would have done."""
    params = CallToolRequestParams(name=name, arguments=arguments)
    return await opened.send_request(CallToolRequest(params=params), CallToolResult)


class _Sieve:
    """What the session gets to see: answers and questions. Notifications end here, at a price."""

    def __init__(
        self, inner: ReadStream[SessionMessage | Exception], meter: Meter, on_change: Callable[[], None]
    ) -> None:
        self._inner = inner
        self._meter = meter
        self._on_change = on_change

    async def receive(self) -> SessionMessage | Exception:
        while True:
            item = await self._inner.receive()
            if isinstance(item, Exception) or self._wanted(item):
                return item

    def _wanted(self, item: SessionMessage) -> bool:
        message = item.message
        if isinstance(message, JSONRPCNotification):
            self._meter.take(MESSAGE_COST)
            if message.method == _LISTS_CHANGED:
                self._on_change()
            return False
        self._meter.take(REQUEST_COST if isinstance(message, JSONRPCRequest) else MESSAGE_COST)
        return True

    async def aclose(self) -> None:
        await self._inner.aclose()

    def __aiter__(self) -> ReadStream[SessionMessage | Exception]:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.aclose()
