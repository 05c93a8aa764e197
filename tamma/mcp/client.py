"""A client for one MCP server, started when first used and again after it died.

The SDK's scopes must be entered and left in one task, so each connection lives in an owner task of its own.
Calls come from any task: they only write to the session and wait for an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from tamma.errors import (
    ConfigError,
    InvalidRequest,
    ProviderTimeout,
    ProviderUnreachable,
    StreamInterrupted,
    TammaError,
)
from tamma.mcp.limits import MAX_TRAFFIC, Meter
from tamma.mcp.server import McpServer, check_server

if TYPE_CHECKING:
    from mcp import ClientSession
    from mcp.types import CallToolResult

MOST_PAGES = 50
MOST_TOOLS = 1000
"""A server that pages without end must not hold us."""
CLOSE_TIMEOUT = 5.0
"""Seconds, after which closing no longer waits for a connection's end."""


@dataclass(frozen=True, slots=True)
class McpTool:
    """A tool as its server describes it. `read_only` is what the server claims, not a fact."""

    name: str
    description: str
    input_schema: Mapping[str, object]
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class McpAnswer:
    """What a tool answered. `data` is its structured content, where there is any."""

    text: str
    is_error: bool
    data: object = None


@dataclass(slots=True)
class _Link:
    """One connection, as long as it lasts. Its owner fills in the session, and at the end the reason."""

    meter: Meter
    session: asyncio.Future[ClientSession]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    error: TammaError | None = None
    owner: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        return self.owner is not None and not self.owner.done() and not self.stop.is_set()

    async def ended(self) -> None:
        """Have the owner clean up, and wait for it; one that cannot is made to."""
        self.stop.set()
        if self.owner is None:
            return
        done, _ = await asyncio.wait({self.owner}, timeout=CLOSE_TIMEOUT)
        if not done:
            self.owner.cancel()
            await asyncio.wait({self.owner}, timeout=CLOSE_TIMEOUT)


class McpClient:
    """One server. Any number of calls at once; each may be cancelled, which the server is told."""

    def __init__(self, server: McpServer, *, max_traffic: int = MAX_TRAFFIC) -> None:
        """Raises ConfigError where `server` cannot be right."""
        check_server(server)
        self.server = server
        self._max_traffic = max_traffic
        self._lock = asyncio.Lock()
        self._link: _Link | None = None
        self._tools: tuple[McpTool, ...] | None = None

    async def connect(self) -> None:
        """Start the server, or connect to it, and shake hands; nothing where that has been done.

        Raises ConfigError where its command cannot be started, and ProviderErrors.
        """
        await self._connected()

    async def tools(self) -> tuple[McpTool, ...]:
        """The server's tools, remembered until it says that they changed. Raises as `call`."""
        link = await self._connected()
        known = self._tools
        if known is None:
            known = self._tools = await self._asked(link, self._list(link), self.server.start_timeout)
        return known

    async def call(
        self, name: str, arguments: Mapping[str, object], *, timeout: float | None = None
    ) -> McpAnswer:
        """Call a tool; `timeout` in seconds, the server's own if not given.

        Raises ProviderTimeout, StreamInterrupted (it died), InvalidRequest (it flooded us, or refused the
        call), ConfigError and ProviderErrors of connecting. What a tool reports as its error is an answer.
        """
        link = await self._connected()
        link.meter.renew()
        asked = _wire().call(link.session.result(), name, dict(arguments))
        return _answer(await self._asked(link, asked, timeout or self.server.timeout))

    async def close(self) -> None:
        """End the connection, and the server where we started it. It may be used again."""
        link, self._link = self._link, None
        if link is not None:
            await link.ended()

    # --- connecting ------------------------------------------------------------------------------

    async def _connected(self) -> _Link:
        async with self._lock:
            if self._link is None or not self._link.alive:
                self._link = None
                self._link = await self._start()
            return self._link

    async def _start(self) -> _Link:
        await self._load()
        self._tools = None
        link = _Link(Meter(self.server, self._max_traffic), asyncio.get_running_loop().create_future())
        link.owner = asyncio.create_task(self._own(link), name=f"mcp {self.server.name}")
        try:
            await asyncio.wait({link.session, link.owner}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            link.owner.cancel()
            await link.ended()
            raise
        if not link.session.done():
            raise link.error or self._interrupted("ended at once")
        return link

    async def _load(self) -> None:
        """Import the SDK, off the event loop."""
        try:
            await asyncio.to_thread(_wire)
        except ImportError as error:
            raise ConfigError(
                f"{self._who} cannot be used: the MCP library is not installed ({error})",
                hint="pip install 'tamma[mcp]'",
            ) from error

    async def _own(self, link: _Link) -> None:
        """The whole life of one connection, in one task. Raises nothing but its cancellation."""
        try:
            async with _wire().session(self.server, link.meter, self._forget_tools) as opened:
                link.session.set_result(opened)
                await link.stop.wait()
        except Exception as error:  # whatever the SDK and the server do is an error of ours
            link.error = self._understood(error, connected=link.session.done())

    def _forget_tools(self) -> None:
        self._tools = None

    # --- asking ----------------------------------------------------------------------------------

    async def _asked(self, link: _Link, question: Any, timeout: float) -> Any:
        """The answer to `question`, a coroutine. Raises what `call` says."""
        wire = _wire()
        try:
            async with asyncio.timeout(timeout):
                return await question
        except TimeoutError as error:
            raise ProviderTimeout(
                f"{self._who} did not answer within {timeout:g} s",
                hint="the tool may be slow or stuck: raise the server's `timeout` if so",
                provider=self.server.name,
            ) from error
        except wire.MCPError as error:
            if error.code != wire.CONNECTION_CLOSED:
                raise self._refused(error) from error
            # The session learns of an end before its owner does, who knows the reason.
            await link.ended()
            raise link.error or self._interrupted("ended the connection") from error
        except (ValueError, RuntimeError) as error:  # the SDK's, for answers that are not MCP
            raise self._interrupted(f"gave an answer that is not MCP ({type(error).__name__})") from error

    async def _list(self, link: _Link) -> tuple[McpTool, ...]:
        found: list[McpTool] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            link.meter.renew()
            page = await _wire().page(link.session.result(), cursor)
            found += [
                McpTool(
                    tool.name,
                    tool.description or tool.title or "",
                    tool.input_schema,
                    read_only=bool(tool.annotations and tool.annotations.read_only_hint),
                )
                for tool in page.tools
            ]
            cursor = page.next_cursor
            if not cursor or len(found) >= MOST_TOOLS:
                break
        return tuple(found[:MOST_TOOLS])

    # --- errors ----------------------------------------------------------------------------------

    @property
    def _who(self) -> str:
        return f"MCP server {self.server.name!r} ({self.server.place})"

    def _interrupted(self, what: str) -> StreamInterrupted:
        return StreamInterrupted(
            f"{self._who} {what}",
            hint="it is started again when it is next needed",
            provider=self.server.name,
        )

    def _refused(self, error: Exception) -> InvalidRequest:
        words = self.server.clean(str(error))[:500]
        return InvalidRequest(
            f"{self._who} refused the request: {words}",
            hint="check the tool's name and its arguments",
            provider=self.server.name,
        )

    def _understood(self, error: Exception, *, connected: bool) -> TammaError:
        """Our error for whatever ended a connection: the SDK wraps causes in groups."""
        causes = list(_leaves(error))
        for cause in causes:
            if isinstance(cause, TammaError):
                return cause
        if any(isinstance(cause, TimeoutError) for cause in causes):
            return ProviderUnreachable(
                f"{self._who} did not complete the handshake within {self.server.start_timeout:g} s",
                hint="is it an MCP server that speaks this transport? Run it by hand to see",
                provider=self.server.name,
            )
        words = self.server.clean("; ".join(str(cause) or type(cause).__name__ for cause in causes))[:500]
        if connected:
            return self._interrupted(f"ended the connection: {words}")
        return ProviderUnreachable(
            f"{self._who} cannot be used: {words}",
            hint="is it an MCP server that speaks this transport? Run it by hand to see",
            provider=self.server.name,
        )


def _wire() -> Any:
    """The module that imports the SDK, when it is needed."""
    return import_module("tamma.mcp.wire")


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return [leaf for inner in group.exceptions for leaf in _leaves(inner)]
    return [error]


def _answer(result: CallToolResult) -> McpAnswer:
    """A result's content as text. What is no text is named, not shown."""
    parts: list[str] = []
    for block in result.content:
        match block.type:
            case "text":
                parts.append(block.text)
            case "resource":
                parts.append(getattr(block.resource, "text", None) or f"[resource {block.resource.uri}]")
            case "resource_link":
                parts.append(f"[resource {block.uri}]")
            case _:
                parts.append(f"[{block.type} of type {block.mime_type}, not shown]")
    data = result.structured_content
    return McpAnswer("\n".join(parts), bool(result.is_error), data)
