"""Calls of tool servers' tools: never blindly made again.

A batch that a crash cut short begins again. The work tree returns to where it was, but what a tool server did
stays done. So a call that may change something is written down before it is made, and its outcome after it:
an attempt that finds the outcome uses it, and one that finds only the beginning tells the model that nobody
knows. Calls that the server claims to change nothing are simply made again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from tamma.model.conversation import ToolCall, ToolResult
from tamma.model.ids import BlobId, SessionId
from tamma.store.interface import EventQuery, Lease, NewEvent, Store
from tamma.toolservers.interface import ServedOutcome, ToolServers
from tamma.workspace.interface import ToolOutcome

BEGUN = "tool_server.begun"
ANSWERED = "tool_server.answered"
UNKNOWN = (
    "This call was made before, and the worker was lost before its answer was stored: whether it had an "
    "effect is not known. Find out what is there now before you call it again."
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a run a call stands."""

    session_id: SessionId
    seq: int
    index: int

    @property
    def tag(self) -> str:
        return f"tool_call:{self.session_id}/{self.seq}/{self.index}"


class ServedCalls:
    """Makes the calls of tool servers' tools that a turn asks for."""

    def __init__(self, servers: ToolServers, store: Store) -> None:
        self._servers = servers
        self._store = store

    def owns(self, name: str) -> bool:
        """Whether a call of `name` is for a tool server."""
        return self._servers.owns(name)

    async def execute(self, call: ToolCall, place: Place, lease: Lease) -> ToolOutcome:
        """The outcome of `call`. Raises Superseded where a later attempt acts in this one's place."""
        if await self._servers.read_only(call.name):
            return _outcome(await self._servers.call(call))
        noted = await self._store.read_events(EventQuery(tags=(place.tag,)))
        known = {event.type: event.data for event in noted}
        if ANSWERED in known:
            return _outcome(await self._recall(call, known[ANSWERED]))
        if BEGUN in known:
            return _outcome(ServedOutcome(ToolResult(call.id, UNKNOWN, is_error=True), "tool_server"))
        await self._note(BEGUN, place, {"tool": call.name})
        # In this order: an attempt that takes the lease after this check sees what was just noted.
        await self._store.check_lease(lease)
        served = await self._servers.call(call)
        kept = json.dumps([served.result.content, served.result.is_error, served.error_kind])
        blob = await self._store.put_blob(kept.encode(), "application/json")
        await self._note(ANSWERED, place, {"tool": call.name, "outcome": blob, "error": served.error_kind})
        return _outcome(served)

    async def _recall(self, call: ToolCall, data: Mapping[str, object]) -> ServedOutcome:
        kept = await self._store.get_blob(BlobId(str(data["outcome"])))
        content, is_error, kind = cast("tuple[str, bool, str | None]", json.loads(kept))
        return ServedOutcome(ToolResult(call.id, content, is_error=is_error), kind)

    async def _note(self, kind: str, place: Place, data: Mapping[str, object]) -> None:
        task = place.session_id.partition("/")[0]
        event = NewEvent(
            id=f"{kind}/{place.session_id}/{place.seq}/{place.index}",
            type=kind,
            tags=(f"task:{task}", place.tag),
            actor="agent",
            data=data,
            correlation_id=task,
        )
        await self._store.append_events((event,))


def _outcome(served: ServedOutcome) -> ToolOutcome:
    """Servers do not see the work tree, so that it is as it was."""
    return ToolOutcome(served.result, changed=False, error_kind=served.error_kind)
