"""The configured MCP servers as tools for agents.

A server is untrusted text and may be down: discovery leaves out what does not answer and says so, and a call
always ends in a result that a model can read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import structlog

from tamma.errors import TammaError
from tamma.mcp.client import McpClient, McpTool
from tamma.mcp.server import McpServer
from tamma.model.conversation import Tool, ToolCall, ToolResult
from tamma.model.foreign import mend_text, mended, read_json
from tamma.model.wording import fenced
from tamma.toolservers.interface import SEPARATOR, Offer, ServedOutcome
from tamma.toolservers.names import named

RESULT_LIMIT = 20_000
"""Characters of a result that a model sees: its first and last halves."""
DESCRIPTION_LIMIT = 1000
SCHEMA_LIMIT = 8000
"""Characters of one tool's schema; a larger one would be paid for at every turn."""
MOST_TOOLS = 128
"""Of all servers together: services refuse more, and models choose badly among so many."""
PATIENCE = 60.0
"""Seconds before a server that could not be used is tried again for discovery."""
FRESH = 600.0
"""Seconds that a discovery stands; servers that say their tools changed are asked anyway."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Allowed:
    """One configured server; `tools` are those that agents may use, None for all."""

    server: McpServer
    tools: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """All tools of the servers that answered, by the names that models see."""

    offer: Offer = field(default_factory=Offer)
    tools: Mapping[str, tuple[str, McpTool]] = field(default_factory=dict[str, tuple[str, McpTool]])


class McpToolServers:
    """Implements `tamma.toolservers.interface.ToolServers` over MCP."""

    def __init__(self, allowed: Sequence[Allowed]) -> None:
        """Raises ConfigError where a server cannot be right."""
        self._allowed = {each.server.name: each for each in allowed}
        self._clients = {name: McpClient(each.server) for name, each in self._allowed.items()}
        self._down: dict[str, tuple[float, str]] = {}
        self._found: _Found | None = None
        self._looked = 0.0
        self._lock = asyncio.Lock()

    @property
    def allowed(self) -> tuple[Allowed, ...]:
        """The configured servers."""
        return tuple(self._allowed.values())

    async def offer(self) -> Offer:
        return (await self._discovered()).offer

    def owns(self, name: str) -> bool:
        return SEPARATOR in name

    async def read_only(self, name: str) -> bool:
        found = (await self._discovered()).tools.get(name)
        return found is not None and found[1].read_only

    async def call(self, call: ToolCall) -> ServedOutcome:
        found = await self._discovered()
        if call.name not in found.tools:
            there = ", ".join(sorted(found.tools)) or "none"
            why = "".join(f" ({note})" for note in found.offer.notes)
            return _failed(call, "unknown_tool", f"there is no tool {call.name!r}; served are: {there}{why}")
        try:
            arguments = mended(read_json(call.args_json or "{}"))
        except ValueError as error:
            return _failed(call, "bad_arguments", f"the arguments are not valid JSON: {error}")
        if not isinstance(arguments, dict):
            return _failed(call, "bad_arguments", "the arguments must be a JSON object")
        server, tool = found.tools[call.name]
        try:
            answer = await self._clients[server].call(tool.name, cast("dict[str, object]", arguments))
        except TammaError as error:
            _log.warning("toolserver.call_failed", server=server, tool=tool.name, reason=error.message)
            return _failed(call, "tool_server", f"{error.message}. {error.hint or ''}".strip())
        text = shortened(mend_text(answer.text)) or "(no output)"
        # Anybody may have written it: a page, a ticket, a mail.
        shown = fenced("output", text, server=server)
        kind = "tool_error" if answer.is_error else None
        return ServedOutcome(ToolResult(call.id, shown, is_error=answer.is_error), kind)

    async def close(self) -> None:
        await asyncio.gather(*(client.close() for client in self._clients.values()))

    # --- discovery -------------------------------------------------------------------------------

    async def _discovered(self) -> _Found:
        async with self._lock:
            now = time.monotonic()
            age = PATIENCE if self._down else FRESH
            if self._found is None or now - self._looked > age:
                listed = await asyncio.gather(*(self._tools_of(name) for name in self._clients))
                self._found = _assembled(dict(zip(self._clients, listed, strict=True)), self._notes())
                self._looked = time.monotonic()
            return self._found

    async def _tools_of(self, name: str) -> tuple[McpTool, ...]:
        """The allowed tools of one server; none where it does not answer, which is remembered."""
        try:
            tools = await self._clients[name].tools()
        except TammaError as error:
            _log.warning("toolserver.unavailable", server=name, reason=error.message, hint=error.hint)
            self._down[name] = (time.monotonic(), error.message)
            return ()
        self._down.pop(name, None)
        wanted = self._allowed[name].tools
        return tuple(tool for tool in tools if wanted is None or tool.name in wanted)

    def _notes(self) -> tuple[str, ...]:
        return tuple(f"the tools of {name!r} are not available now" for name in sorted(self._down))


def _assembled(listed: Mapping[str, Sequence[McpTool]], notes: tuple[str, ...]) -> _Found:
    tools = {(server, tool.name): tool for server, found in listed.items() for tool in found}
    names = list(named(tools).items())
    if len(names) > MOST_TOOLS:
        notes = (*notes, f"only {MOST_TOOLS} of {len(names)} served tools are offered")
    kept = {name: (server, tools[server, tool]) for name, (server, tool) in names[:MOST_TOOLS]}
    offered = tuple(_offered(name, server, tool) for name, (server, tool) in kept.items())
    return _Found(Offer(offered, notes), kept)


def _offered(name: str, server: str, tool: McpTool) -> Tool:
    """The tool as a model sees it. Its words come from the server, and are marked as such."""
    about = mend_text(" ".join(tool.description.split()))[:DESCRIPTION_LIMIT]
    schema = cast("Mapping[str, object]", mended(dict(tool.input_schema)))
    if len(repr(schema)) > SCHEMA_LIMIT or schema.get("type") != "object":
        schema = {"type": "object"}
    return Tool(name, f"Of the tool server {server!r}, outside of the repository. It says: {about}", schema)


def shortened(text: str, limit: int = RESULT_LIMIT) -> str:
    """The first and last halves of a text that is too long, with a note of what is missing."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"


def _failed(call: ToolCall, kind: str, words: str) -> ServedOutcome:
    return ServedOutcome(ToolResult(call.id, shortened(mend_text(words)), is_error=True), kind)
