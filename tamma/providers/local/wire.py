"""Small JSON calls to a model server beside its chat: its models, what they can do, how long a text is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from tamma.errors import ProviderError, StreamInterrupted
from tamma.providers.chat.errors import to_error
from tamma.providers.common.errors import CallContext, transport_error
from tamma.providers.interface import ProviderSettings

if TYPE_CHECKING:
    import httpx2

Refusal = Callable[[int, object, Mapping[str, str], CallContext], ProviderError]
MAX_BODY_BYTES = 16 * 1024 * 1024
"""More than any list of models; a port may belong to anything, even to a server that never stops."""
ASIDE_TIMEOUT = 30.0
"""Seconds. A server that loads a model meanwhile may be slow to say what it can do."""


def headers_of(settings: ProviderSettings) -> dict[str, str]:
    """The credential, where there is one, and the configured headers."""
    key = {"authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
    return {**key, **settings.headers}


async def read_bounded(response: httpx2.Response, limit: int = MAX_BODY_BYTES) -> bytes:
    """The body, up to a little over `limit` bytes of it."""
    content = bytearray()
    async for part in response.aiter_bytes():
        content += part
        if len(content) > limit:
            break
    return bytes(content)


async def call(
    client: httpx2.AsyncClient,
    url: str,
    headers: Mapping[str, str],
    context: CallContext,
    body: object = None,
    refusal: Refusal = to_error,
) -> object:
    """The parsed JSON of an answer with status 200: a GET, or a POST where there is a `body`.

    Raises ProviderError, for another status what `refusal` makes of it. LM Studio answers 200 with an `error`
    for paths that it does not know.
    """
    request = client.build_request("GET" if body is None else "POST", url, json=body, headers=dict(headers))
    try:
        async with asyncio.timeout(ASIDE_TIMEOUT):
            response = await client.send(request, stream=True)
            try:
                content = await read_bounded(response)
            finally:
                await response.aclose()
    except Exception as error:
        raise ours(error, context, streaming=False) from None
    if response.status_code != 200:
        raise refusal(response.status_code, parsed(content), response.headers, context)
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise context.error(StreamInterrupted, f"the answer of {request.url.path!r} is not JSON") from None


def parsed(content: bytes) -> object:
    """JSON where it is some, else the text."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content.decode(errors="replace")


def as_object(value: object) -> Mapping[str, Any]:
    """`value` where it is a JSON object, else an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def entries(body: object, name: str) -> list[Mapping[str, Any]]:
    """The objects in the list `name` of `body`; empty where there is no such list."""
    found = as_object(body).get(name)
    listed = cast("list[object]", found) if isinstance(found, list) else []
    return [cast("Mapping[str, Any]", entry) for entry in listed if isinstance(entry, dict)]


def ours(error: Exception, context: CallContext, *, streaming: bool) -> ProviderError:
    """Ours for what went wrong below. The cause is not chained: our words hold what is fit to be stored."""
    import httpx2

    match error:
        case ProviderError():
            return error
        case httpx2.HTTPError() | TimeoutError() | json.JSONDecodeError() | UnicodeDecodeError():
            return transport_error(error, context, streaming=streaming)
        case ValueError():  # a line without end
            return context.error(StreamInterrupted, str(error))
        case _:
            raise error
