"""The interface of tool servers: tools for agents that other programs offer, beside the workspace's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tamma.model.conversation import Tool, ToolCall, ToolResult

SEPARATOR = "__"
"""Between a server's name and its tool's. No tool of a workspace has it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the tool servers offer now. `notes` says what is missing and why, for whoever uses the tools."""

    tools: tuple[Tool, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServedOutcome:
    """What a call gave. `error_kind`: None, unknown_tool, bad_arguments, tool_error or tool_server."""

    result: ToolResult
    error_kind: str | None = None


class ToolServers(Protocol):
    """All configured tool servers, as one. Names are `server__tool`."""

    async def offer(self) -> Offer:
        """The tools of all servers that answer. Never raises: a server that is down is a note."""
        ...

    def owns(self, name: str) -> bool:
        """Whether a call of `name` is for a tool server, whether or not there is such a tool."""
        ...

    async def read_only(self, name: str) -> bool:
        """Whether the server claims that the tool changes nothing."""
        ...

    async def call(self, call: ToolCall) -> ServedOutcome:
        """Call a tool. Whatever goes wrong is an error result, never an exception."""
        ...

    async def close(self) -> None: ...


class NoToolServers:
    """Where none are configured."""

    async def offer(self) -> Offer:
        return Offer()

    def owns(self, name: str) -> bool:
        return False

    async def read_only(self, name: str) -> bool:
        return False

    async def call(self, call: ToolCall) -> ServedOutcome:
        raise LookupError(f"there are no tool servers, so none has {call.name!r}")

    async def close(self) -> None:
        pass


NO_TOOL_SERVERS: ToolServers = NoToolServers()
