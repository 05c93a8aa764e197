"""How much a service may send in one answer, whoever reads it: our own code or a vendor's SDK.

Import it only when a client is made.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

MOST_STREAMED = 256 * 1024 * 1024
"""Bytes of a stream of events. The longest answers of models come to a quarter of it."""
MOST_AT_ONCE = 32 * 1024 * 1024
"""Bytes of any other body, which is read whole: a list of models, a count, a refusal."""
_STREAMS = ("text/event-stream", "application/x-ndjson")


async def bound(response: httpx2.Response) -> None:
    """A hook for responses: their bodies raise RemoteProtocolError where they go on and on.

    A compressed one raises at once: a megabyte of it may hold a gigabyte, and it was not asked for.
    """
    if response.headers.get("content-encoding", "identity") != "identity":
        raise httpx2.RemoteProtocolError(
            "the service compressed its answer although it was asked not to", request=response.request
        )
    streams = response.status_code == 200 and response.headers.get("content-type", "").startswith(_STREAMS)
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Bounded(response.stream, MOST_STREAMED if streams else MOST_AT_ONCE)


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, limit: int) -> None:
        self._inner = inner
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._limit
        async for part in self._inner:
            left -= len(part)
            if left < 0:
                raise httpx2.RemoteProtocolError(f"the answer is larger than {self._limit} bytes")
            yield part

    async def aclose(self) -> None:
        await self._inner.aclose()
