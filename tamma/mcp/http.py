"""MCP over streamable HTTP: the SDK's transport, on a client whose every response is counted and understood.

Import it only when a server is connected to.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
from mcp.client.streamable_http import streamable_http_client

from tamma.errors import (
    AuthFailed,
    Overloaded,
    ProviderError,
    ProviderUnreachable,
    RateLimited,
    StreamInterrupted,
)
from tamma.mcp.limits import MAX_MESSAGE, Meter
from tamma.mcp.server import McpServer

if TYPE_CHECKING:
    import ssl

    from mcp.client._transport import TransportStreams

CONNECT_TIMEOUT = 10.0
"""Seconds. A server that does not accept a connection by then is unreachable, not slow."""
_SLACK = 10.0
"""Seconds: a call's own limit comes first, and says better what happened than a read that timed out."""
_SESSION = "mcp-session-id"


@contextlib.asynccontextmanager
async def http_streams(server: McpServer, meter: Meter) -> AsyncGenerator[TransportStreams]:
    """Connect to the server. In the block, errors of HTTP arrive as ProviderErrors in an exception group."""
    assert server.url is not None
    tls = await asyncio.to_thread(_tls)
    ours = urlsplit(server.url).scheme == "http"  # allowed to this very machine alone: no proxy between
    client = httpx2.AsyncClient(
        transport=_Metered(server, meter, httpx2.AsyncHTTPTransport(verify=tls, trust_env=not ours)),
        # No compression: what is counted is what arrives, and what arrives is what is kept.
        headers={**server.headers, "accept-encoding": "identity"},
        timeout=httpx2.Timeout(max(server.timeout, server.start_timeout) + _SLACK, connect=CONNECT_TIMEOUT),
        follow_redirects=False,
    )
    async with (
        client,
        streamable_http_client(server.url, http_client=client, max_sse_event_size=MAX_MESSAGE) as streams,
    ):
        yield streams


@cache
def _tls() -> ssl.SSLContext:
    """One for all: reading the certificates of the world takes 100 ms."""
    return httpx2.create_ssl_context()


class _Metered(httpx2.AsyncBaseTransport):
    """Counts every response's bytes, and turns a refused POST into one of our errors.

    The SDK would answer with the same words for each status, and would take a compressed body of any size.
    """

    def __init__(self, server: McpServer, meter: Meter, inner: httpx2.AsyncBaseTransport) -> None:
        self._server = server
        self._meter = meter
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = await self._inner.handle_async_request(request)
        except httpx2.TransportError as error:
            raise self._error(
                ProviderUnreachable, f"cannot be reached: {error or type(error).__name__}"
            ) from error
        refusal = self._refusal(request, response)
        if refusal is not None:
            await response.aclose()
            raise refusal
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Counted(response.stream, self._meter)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _refusal(self, request: httpx2.Request, response: httpx2.Response) -> ProviderError | None:
        status = response.status_code
        if response.headers.get("content-encoding", "identity") != "identity":
            return self._error(StreamInterrupted, "compressed its answer although it was asked not to")
        if request.method != "POST" or status < 400:
            return None
        match status:
            case 401 | 403:
                return self._error(AuthFailed, f"refused the credentials (status {status})")
            case 404 if _SESSION in request.headers:
                return self._error(StreamInterrupted, "has forgotten our session")
            case 404 | 405:
                return self._error(ProviderUnreachable, f"has no MCP endpoint there (status {status})")
            case 429:
                return self._error(RateLimited, "says that there were too many requests", _seconds(response))
            case _ if status >= 500:
                return self._error(Overloaded, f"failed (status {status})", _seconds(response))
            case _:
                return None  # the body may hold an error of MCP's own, which the SDK reads

    def _error(self, kind: type[ProviderError], what: str, retry_after: float | None = None) -> ProviderError:
        name, place = self._server.name, self._server.place
        return kind(
            f"MCP server {name!r} ({place}) {self._server.clean(what)}",
            hint="check the server's `url` and `headers` in your configuration",
            retry_after=retry_after,
            provider=name,
        )


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, meter: Meter) -> None:
        self._inner = inner
        self._meter = meter

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._meter.take(len(chunk))
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def _seconds(response: httpx2.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else None
