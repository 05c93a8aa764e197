"""A run works as the agent's version that it was handed in for, to its end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from temporalio.client import Client

from activities.agents import FINISH, Worker
from tamma.agents.pinning import resolve
from tamma.model.agent import AgentConfig, AgentId, ContextStrategy
from tamma.model.conversation import ToolResult
from tamma.model.ids import SessionId, uuid7
from tamma.model.task import AgentChoice, Approval, ApprovePolicy, Gate, Reply, TaskStatus
from tamma.store.memory import MemoryStore
from tamma.workspace.tools import TOOLS
from tests.support.loop import FILES, FIX_TURNS, RED_TURNS, call, running_loop, script, turn

FIRST = AgentConfig(
    provider="scripted",
    prompts={
        "red_test": "{{issue}}\n\n{{context}}\n\nFIRST VERSION: a failing test with `{{test_command}}`.",
        "implement": "FIRST VERSION: now mend it.",
    },
    tools=("bash", "view", "create", "str_replace"),
    context=ContextStrategy(map_files=1, slice_lines=1),
)
SECOND = replace(FIRST, prompts={"implement": "SECOND VERSION"}, tools=None)
DENIED = turn(call("grep", pattern="mean"), call("view", path="calc.py"))


async def test_a_run_keeps_its_version_though_the_agent_changes(client: Client, tmp_path: Path) -> None:
    store = MemoryStore()
    agent_id = AgentId(uuid7())
    await store.create_agent(agent_id, "careful", FIRST, author="ada", reason="first")
    agent = await store.activate(agent_id, 1, author="ada", reason="it is good", revision=1)
    turns = script(agent=[DENIED, *RED_TURNS, *FIX_TURNS])
    async with running_loop(client, tmp_path, turns=turns, store=store) as loop:
        choice = await resolve(store, "careful")
        handle = await loop.submit(agent=choice, approve=ApprovePolicy.PLAN)
        await loop.until(handle, lambda view: view.waiting_for)
        await store.add_version(
            agent_id, SECOND, parent=1, author="ada", reason="another", revision=agent.revision
        )
        await store.activate(agent_id, 2, author="ada", reason="better", revision=agent.revision + 1)
        assert (await resolve(store, "careful")).version == 2
        await handle.execute_update(  # pyright: ignore[reportUnknownMemberType] - an overload of the SDK
            "approve", Approval(Gate.PLAN, "approve", by="ada"), result_type=Reply
        )
        result = await handle.result()
        seen = await loop.view(handle)

    assert result.status is TaskStatus.COMPLETED, seen
    entries = await store.read_entries(SessionId(f"{seen.task_id}/agent"))
    told = "\n".join(entry.message.text for entry in entries)
    assert told.count("FIRST VERSION") == 2
    assert "SECOND VERSION" not in told

    opening = entries[0].message
    assert opening.text.index("<context>") < opening.text.index("<issue>")
    assert len(opening.parts) == 2, "what runs of one repository share is a piece of its own"
    assert f"... and {len(FILES) - 1} more" in opening.text

    results = [part for part in entries[2].message.parts if isinstance(part, ToolResult)]
    assert [result.is_error for result in results] == [True, False]
    assert "you have no tool 'grep'" in results[0].content
    assert "go on with start_line=2" in results[1].content

    assert seen.agent is not None
    assert seen.agent.label == "careful@1"
    assert "Tamma's agent careful@1 (scripted)" in (tmp_path / "state.json").read_text()
    run = seen.measured
    assert run is not None
    assert run == await store.read_run(run.run_id)
    assert run.agent is not None
    assert (run.agent.name, run.agent.version, run.agent.hash) == ("careful", 1, choice.config)
    assert [step.step for step in run.steps] == ["plan", "test", "implement", "review"]
    assert run.success
    assert run.quality == 100
    assert run.waiting_ms > 0
    assert run.turns == result.spend.turns == sum(step.turns for step in run.steps)
    assert run.duration_ms >= sum(step.duration_ms for step in run.steps)
    assert run.context.peak > 0


def test_every_agent_can_end_its_stage() -> None:
    worker = Worker(AgentChoice("scripted"), replace(FIRST, tools=()))
    assert [tool.name for tool in worker.usable(TOOLS)] == [FINISH]
