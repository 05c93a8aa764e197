"""A streamed call over httpx2: opened within a deadline, its status judged, its events read to the end.

What goes wrong leaves here as one of our errors, and without its cause: that may repeat what the service
echoed, and our words hold what is fit to be stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from json import JSONDecodeError
from typing import TYPE_CHECKING

from tamma.errors import InvalidRequest, ProviderError, StreamInterrupted
from tamma.model.foreign import read_json
from tamma.providers.common.errors import CallContext, context_for, transport_error
from tamma.providers.common.http import read_until
from tamma.providers.common.sse import MAX_EVENT_BYTES, SSEDecoder
from tamma.providers.interface import ProviderSettings

if TYPE_CHECKING:
    import httpx2

MAX_ERROR_BYTES = 64 * 1024
"""As much of a refusal's body as is read."""
MAX_BODY_BYTES = 16 * 1024 * 1024
"""More than any list of models; a port may belong to anything, even to a server that never stops."""
ASIDE_TIMEOUT = 30.0
"""Seconds for a small call beside the answers: a list of models, what one can do, a count."""

Refusal = Callable[[int, object, Mapping[str, str], CallContext], ProviderError]
"""What a status, a parsed body and headers mean."""


@dataclass(slots=True)
class Call:
    """One call on its way: whom it asks, and how long it may take."""

    context: CallContext
    deadline: float
    """On the loop's clock."""
    patience: float
    """Seconds without a byte after which the transport gives up by itself."""

    def hurry(self, seconds: float) -> None:
        """Allow no more than `seconds` from now on."""
        self.deadline = min(self.deadline, asyncio.get_running_loop().time() + seconds)


def call_for(settings: ProviderSettings, model: str, base_url: str, timeout: float) -> Call:
    """A call that begins now and takes `timeout` seconds at most, or less where the settings say so."""
    deadline = asyncio.get_running_loop().time() + min(timeout, settings.timeout)
    return Call(context_for(settings, model, base_url), deadline, settings.stall_timeout)


@asynccontextmanager
async def opened(
    client: httpx2.AsyncClient, request: httpx2.Request, call: Call, refusal: Refusal
) -> AsyncGenerator[httpx2.Response]:
    """The response to `request`, of status 200, its body still to come; closed however the block is left.

    Raises ProviderError, for another status what `refusal` makes of it.
    """
    try:
        async with asyncio.timeout_at(call.deadline):
            response = await client.send(request, stream=True)
    except Exception as error:
        raise ours(error, call.context, streaming=False) from None
    try:
        if response.status_code != 200:
            content = await read_body(response, call, MAX_ERROR_BYTES)
            raise refusal(response.status_code, parsed(content), response.headers, call.context)
        refuse_page(response.headers, call.context)
        yield response
    finally:
        await response.aclose()


def refuse_page(headers: Mapping[str, str], context: CallContext) -> None:
    """Raise InvalidRequest where a page for people answers: an address that is wrong is no interruption."""
    if headers.get("content-type", "").startswith("text/html"):
        raise context.error(
            InvalidRequest,
            "it answers with a web page",
            hint="`baseUrl` names a web site, not its API: the path is often /v1; or a proxy stands between",
        )


async def fetched(
    client: httpx2.AsyncClient, request: httpx2.Request, call: Call, refusal: Refusal
) -> object:
    """The parsed JSON that `request` is answered with. Raises ProviderError."""
    async with opened(client, request, call, refusal) as response:
        content = await read_body(response, call)
    try:
        return read_json(content.decode())
    except ValueError:
        what = f"the answer of {request.url.path!r} is not JSON"
        raise call.context.error(StreamInterrupted, what) from None


async def read_body(response: httpx2.Response, call: Call, limit: int = MAX_BODY_BYTES) -> bytes:
    """The body, or its beginning up to a little over `limit` bytes. Raises ProviderError."""
    return await _joined(response.aiter_bytes(), call, limit)


async def _joined(parts: AsyncIterator[bytes], call: Call, limit: int) -> bytes:
    content = bytearray()
    try:
        while len(content) <= limit and (part := await read_until(call.deadline, parts, b"")):
            content += part
    except Exception as error:
        raise ours(error, call.context, streaming=False) from None
    return bytes(content)


async def event_data(
    parts: AsyncIterator[bytes], call: Call, seen: Callable[[bytes], object] | None = None
) -> AsyncGenerator[str]:
    """The data of each server-sent event in `parts`, without empty ones. Raises ProviderError.

    `seen` is shown each part first.
    """
    decoder = SSEDecoder()
    try:
        while part := await read_until(call.deadline, parts, b"", call.patience):
            if seen is not None:
                seen(part)
            for event in decoder.feed(part):
                if event.data:
                    yield event.data
        for event in decoder.flush():
            if event.data:
                yield event.data
    except Exception as error:
        raise ours(error, call.context, streaming=True) from None


async def whole(parts: AsyncIterator[bytes], call: Call) -> AsyncGenerator[str]:
    """The same for a service that answers in one piece although it was asked to stream: all of `parts`."""
    yield (await _joined(parts, call, MAX_EVENT_BYTES)).decode(errors="replace")


def parsed(content: bytes) -> object:
    """JSON where it is some, else the text."""
    text = content.decode(errors="replace")
    try:
        return read_json(text)
    except ValueError:
        return text


def ours(error: Exception, context: CallContext, *, streaming: bool) -> ProviderError:
    """Our error for one from below; raises `error` again where it is none that a service can cause."""
    import httpx2

    match error:
        case ProviderError():
            return error
        case httpx2.HTTPError() | TimeoutError() | JSONDecodeError() | UnicodeDecodeError():
            return transport_error(error, context, streaming=streaming)
        case ValueError() | RecursionError():  # an event without end, a strange body
            return context.error(StreamInterrupted, f"a part of the answer is not readable ({error})")
        case _:
            raise error
