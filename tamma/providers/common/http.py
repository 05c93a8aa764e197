"""The one HTTP client of an adapter: httpx2, no retries, deadlines, and no key over an open network.

A stall is a read that brings no byte for `stall_timeout`; the transport itself watches for it. The limit of a
whole call is watched by `read_until`, which never spans a `yield`, so it can only ever cancel our own read.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Mapping, Set
from functools import cache
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import SplitResult, urlsplit

from tamma.errors import AuthFailed, ConfigError
from tamma.model.hosts import is_loopback
from tamma.providers.interface import ProviderSettings

if TYPE_CHECKING:
    import httpx2

CONNECT_TIMEOUT = 10.0
"""Seconds. A service that does not accept a connection by then is unreachable, not slow."""
DRAIN_TIMEOUT = 0.2
MAX_CONNECTIONS = 64

T = TypeVar("T")


def check_base_url(settings: ProviderSettings, url: str) -> None:
    """Raise ConfigError unless `url` is https, or http to this very machine, or http was allowed."""
    parts = _parts(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"provider {settings.name!r}: the base URL {_shown(url)!r} is not an http(s) address",
            hint="write it like https://host/v1",
        )
    if parts.query or parts.fragment:
        raise ConfigError(
            f"provider {settings.name!r}: the base URL {_shown(url)!r} has a query or a fragment",
            hint="paths are added to its end; a key belongs into `apiKey` or `headers`, as a reference",
        )
    if parts.scheme == "https":
        return
    if is_loopback(parts.hostname) or settings.options.get("allowInsecureHttp") is True:
        return
    raise ConfigError(
        f"provider {settings.name!r}: plain http to {parts.hostname!r} would show code and keys to all",
        hint='use https, or set "options": {"allowInsecureHttp": true} for a network you trust',
    )


def check_key(settings: ProviderSettings, *, required: bool = True, headers: Set[str] = frozenset()) -> None:
    """Raise AuthFailed where the key is missing, or cannot be a key: the transport would repeat it.

    A configured header of `headers`, which are in lower case, may bring it instead.
    """
    key = settings.api_key
    if not key:
        if not required or any(name.lower() in headers for name in settings.headers):
            return
        raise AuthFailed(
            f"provider {settings.name!r} has no API key",
            hint="set the environment variable that `apiKey` of its entry refers to",
            provider=settings.name,
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise AuthFailed(
            f"the API key of provider {settings.name!r} holds characters that no key has",
            hint="it may have been copied with a line break or an ellipsis: store it again",
            provider=settings.name,
        )


def headers_with_key(settings: ProviderSettings, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """The key as a bearer's, where there is one; `own`, the service's; and those configured, which win."""
    key = {"authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
    return {**key, **(own or {}), **settings.headers}


def make_client(settings: ProviderSettings, base_url: str) -> httpx2.AsyncClient:
    """A client for `base_url`, whose answers are bounded.

    Redirects are not followed: they would carry prompts elsewhere.
    """
    import httpx2

    from tamma.providers.common.bounds import bound

    read = min(settings.stall_timeout, settings.timeout)
    return httpx2.AsyncClient(
        headers={"accept-encoding": "identity"},  # what arrives is then what is kept, and can be bounded
        event_hooks={"response": [bound]},
        timeout=httpx2.Timeout(read, connect=min(CONNECT_TIMEOUT, read)),
        limits=httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS),
        follow_redirects=False,
        verify=_tls(),
        trust_env=not is_loopback(urlsplit(base_url).hostname or ""),  # no proxy between us and ourselves
    )


@cache
def _tls() -> ssl.SSLContext:
    """One for all clients: reading the certificates of the world takes 100 ms."""
    import httpx2

    return httpx2.create_ssl_context()


def read_until(deadline: float, source: AsyncIterator[T], end: T, patience: float = 0.0) -> Awaitable[T]:
    """The next item of `source`, or `end`. Raises TimeoutError at `deadline` (the loop's clock).

    `patience`: seconds in which `source` surely gives an item or fails by itself. A deadline further away
    needs no timer of ours, which would cost as much as parsing a chunk does.
    """
    if patience and asyncio.get_running_loop().time() + patience < deadline:
        return anext(source, end)
    return _read_within(deadline, source, end)


async def _read_within(deadline: float, source: AsyncIterator[T], end: T) -> T:
    async with asyncio.timeout_at(deadline):
        return await anext(source, end)


async def drain(source: AsyncIterator[object]) -> None:
    """Let a response come to its end after its answer did, so that the connection can serve again."""
    # The answer is complete: whatever goes wrong now costs no more than this one connection.
    with contextlib.suppress(Exception):
        async with asyncio.timeout(DRAIN_TIMEOUT):
            async for _ in source:
                pass


def _parts(url: str) -> SplitResult | None:
    """None where `url` is no address, which shows itself late: at its port, or in the transport."""
    if not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _shown(url: str) -> str:
    """`url` without what may be secret in it."""
    parts = _parts(url)
    return f"{parts.scheme}://{parts.hostname or ''}" if parts is not None and parts.scheme else "…"
