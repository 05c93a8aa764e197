"""What is read from the store: conversations for `inspect`, the journal for `logs`."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tamma.cli import journal
from tamma.model.conversation import Message, Reasoning, Role, Text, ToolCall, ToolResult, user
from tamma.model.ids import SessionId
from tamma.store.interface import Entry, NewEvent
from tamma.store.memory import MemoryStore
from tests.cli.samples import TASK

LONG = "".join(f"line {number}\n" for number in range(1000))


def answer(seq: int, *parts: Text | ToolCall | Reasoning, cost: Decimal | None = Decimal("0.02")) -> Entry:
    return Entry(
        seq,
        Message(Role.ASSISTANT, parts),
        provider="p",
        model="m",
        finish="stop",
        input_tokens=1200,
        output_tokens=80,
        cost_usd=cost,
        duration_ms=1500,
    )


@pytest.fixture
async def store() -> MemoryStore:
    """A run with a plan and two turns of the agent, the second with broken arguments."""
    made = MemoryStore()
    await made.open()
    plan = '{"summary": "Mend the\\n parser", "steps": []}'
    await made.append_entries(SessionId(f"{TASK}/plan"), (Entry(0, user("Plan it.")), answer(1, Text(plan))))
    calls = (ToolCall("1", "bash", '{"command": "ls  -l"}'), ToolCall("2", "view", '{"path": "a.py"}'))
    results = Message(Role.USER, (ToolResult("1", LONG), ToolResult("2", "no such file", is_error=True)))
    await made.append_entries(
        SessionId(f"{TASK}/agent"),
        (
            Entry(0, user("Do it.")),
            answer(1, Text("Let me look."), *calls),
            Entry(2, results),
            answer(3, Reasoning("hm"), ToolCall("3", "edit", "{broken"), cost=None),
        ),
    )
    tags = (f"task:{TASK}", "repo:acme/tools")
    await made.append_events((NewEvent("e1", "phase.plan", tags, "tamma", {}),))
    await made.append_events((NewEvent("e2", "task.completed", tags, "tamma", {"summary": "All well."}),))
    await made.append_events((NewEvent("e3", "phase.plan", ("task:other",), "tamma", {}),))
    return made


async def test_the_journal_is_in_order_and_goes_on_where_it_stopped(store: MemoryStore) -> None:
    reader = journal.Reader(store, TASK)
    items = await reader.new()
    assert [item.at for item in items] == sorted(item.at for item in items)
    texts = [item.text for item in items]
    assert "  plan: Mend the parser  (1.2k in, 80 out, $0.0200)" in texts
    assert "  agent: bash ls -l; view a.py  (1.2k in, 80 out, $0.0200)" in texts
    assert "Plan" in texts
    assert "task completed: All well." in texts
    assert [item.text for item in items if item.final] == ["task completed: All well."]
    assert len(items) == 5, "another task's event is not ours"
    assert await reader.new() == []
    await store.append_entries(SessionId(f"{TASK}/review"), (Entry(0, user("?")), answer(1, Text("Fine."))))
    assert [item.json["session"] for item in await reader.new()] == ["review"]
