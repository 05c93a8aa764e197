"""Carrying requests: the seam between the shared layer and whichever client speaks to the service.

A transport adds the credentials. It follows no redirect, repeats nothing, and bounds what it reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from tamma.errors import ConfigError
from tamma.platforms.http.address import tls
from tamma.platforms.http.messages import Body, NoAnswer, Request, Response
from tamma.platforms.interface import PlatformSettings

if TYPE_CHECKING:
    import httpx2

CONNECT_TIMEOUT = 10.0
"""Seconds."""


class Transport(Protocol):
    """One account's way to its service."""

    async def send(self, request: Request) -> Response:
        """Raises NoAnswer. `request.path` may be a whole address of the same origin."""
        ...

    async def refused(self) -> bool:
        """The service refused the credentials: whether a second try, with others, may help."""
        ...

    def secrets(self) -> Sequence[str]:
        """What it showed lately: a server, or a library, may repeat it in its words."""
        ...

    async def close(self) -> None: ...


class Credentials(Protocol):
    """What `HttpTransport` puts into the headers."""

    async def headers(self) -> Mapping[str, str]: ...

    async def refused(self) -> bool: ...

    def secrets(self) -> Sequence[str]: ...


class HttpTransport:
    """A client of httpx2, with credentials that may change. `url` has no slash at its end."""

    def __init__(self, settings: PlatformSettings, url: str, credentials: Credentials) -> None:
        import httpx2

        self._url = url
        self._credentials = credentials
        self._wire = Wire(make_client(settings), httpx2.HTTPError, httpx2.InvalidURL)

    async def send(self, request: Request) -> Response:
        address = request.path if "://" in request.path else self._url + request.path
        return await self._wire.send(request, address, await self._credentials.headers())

    async def refused(self) -> bool:
        return await self._credentials.refused()

    def secrets(self) -> Sequence[str]:
        return self._credentials.secrets()

    async def close(self) -> None:
        await self._wire.close()


def make_client(settings: PlatformSettings) -> httpx2.AsyncClient:
    """A client as every account has it: its own proxy and authorities, no redirects. Raises ConfigError."""
    import httpx2

    return proxied_client(
        headers={"user-agent": "tamma", "accept": "application/json"},
        timeout=httpx2.Timeout(settings.timeout, connect=min(CONNECT_TIMEOUT, settings.timeout)),
        limits=httpx2.Limits(max_connections=settings.max_concurrent + 4, max_keepalive_connections=10),
        follow_redirects=False,
        verify=tls(settings.ca_file),
        proxy=settings.proxy,
    )


def proxied_client(**options: Any) -> httpx2.AsyncClient:
    """A client of httpx2, which looks for a proxy in the environment where it is given none. Raises
    ConfigError where that is none that it can speak to; its address may hold a password, and is not told."""
    import httpx2

    try:
        return httpx2.AsyncClient(**options)
    except (ImportError, ValueError, httpx2.InvalidURL):
        raise ConfigError(
            "the HTTP proxy has no address that can be used",
            hint="write it as http://HOST:PORT: in `proxy` of the platform's entry, or in HTTPS_PROXY, "
            "HTTP_PROXY and ALL_PROXY",
        ) from None


class Wire:
    """A request over a client of httpx or httpx2, which differ in nothing but their name."""

    def __init__(self, client: Any, *failures: type[Exception]) -> None:
        self._client = client
        self._failures = failures

    async def send(self, request: Request, address: str, headers: Mapping[str, str]) -> Response:
        """Raises NoAnswer."""
        try:
            made = self._client.build_request(
                request.method,
                address,
                params=dict(request.query) or None,
                json=request.json,
                content=request.content,
                files=_files(request),
                headers={**headers, **request.headers},
            )
            answer = await self._client.send(made, stream=True)
            try:
                body = Body(request.tail)
                async for piece in answer.aiter_bytes():
                    body.add(piece)
            finally:
                await answer.aclose()
        except self._failures as error:
            raise NoAnswer(f"{type(error).__name__} ({error})") from error
        named = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, named, *body.end())

    async def close(self) -> None:
        await self._client.aclose()


def _files(request: Request) -> Any:
    if not request.parts:
        return None
    return [
        (part.name, (part.filename, part.content, part.content_type if part.filename else None))
        for part in request.parts
    ]
