"""An agent uses the tool of an MCP server in a whole run."""

from __future__ import annotations

import json
from pathlib import Path

from temporalio.client import Client

from activities.served import ANSWERED, BEGUN
from tamma.mcp.server import McpServer
from tamma.model.conversation import ToolResult
from tamma.model.ids import SessionId
from tamma.model.task import TaskStatus
from tamma.store.interface import EventQuery
from tamma.store.memory import MemoryStore
from tamma.toolservers.servers import Allowed, McpToolServers
from tests.mcp.scripts import says, scripted
from tests.support.loop import FIX_TURNS, RED_TURNS, call, running_loop, script, turn

TICKET = {"name": "get ticket", "description": "Shows a ticket.", "inputSchema": {"type": "object"}}


async def results(store: MemoryStore, session: str) -> list[ToolResult]:
    entries = await store.read_entries(SessionId(session))
    return [part for entry in entries for part in entry.message.parts if isinstance(part, ToolResult)]


async def test_an_agent_uses_a_servers_tool(client: Client, tmp_path: Path) -> None:
    log, store = tmp_path / "calls.jsonl", MemoryStore()
    tracker = scripted(tools=[TICKET], answers=[says("Ticket 7: mean of [2, 4]")], log=str(log))
    down = McpServer("down", command="no-such-command-anywhere")
    servers = McpToolServers([Allowed(tracker), Allowed(down)])
    asking = turn(call("mine__get_ticket", id=7), call("down__x"), text="What does the ticket say?")
    turns = script(agent=[asking, *RED_TURNS, *FIX_TURNS])
    try:
        async with running_loop(client, tmp_path, turns=turns, store=store, servers=servers) as loop:
            result = await (await loop.submit()).result()
    finally:
        await servers.close()

    assert result.status is TaskStatus.COMPLETED, result
    assert [json.loads(line) for line in log.read_text().splitlines()] == [
        {"name": "get ticket", "arguments": {"id": 7}}
    ]
    noted = await store.read_events(EventQuery(types=(BEGUN, ANSWERED)))
    assert {event.data["tool"] for event in noted} == {"mine__get_ticket", "down__x"}
    session = noted[0].correlation_id + "/agent"
    ticket, missing = (await results(store, session))[:2]
    assert ticket.content == '<output server="mine">\nTicket 7: mean of [2, 4]\n</output>'
    assert missing.is_error
    assert "the tools of 'down' are not available now" in missing.content
    opening = (await store.read_entries(SessionId(session)))[0].message.text
    assert "the tools of 'down' are not available now" in opening
