"""Runs that go on from one whose change was put, or half put, onto another base."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.client import Client

from tamma.cli.retrying.ordering import Changes
from tamma.model.ids import SessionId
from tamma.model.task import Accepted, AgentChoice, Control, Gate, TaskStatus
from tamma.providers.interface import ProviderSettings
from tests.support.loop import FILES, call, git, running_loop, turn
from tests.workflows.test_conflicts import (
    DONE,
    SOLVED,
    agent,
    approve,
    at_the_merge,
    conflicting,
    move_main,
    on_the_new_base,
    write,
)
from tests.workflows.test_going_on import BEGUN, begin, cancelled_at, limits, request_at_the_end, tell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HANGS = {**turn(), "text": "I look at it.", "delay_ms": 600_000}


async def test_after_a_clean_replay_it_goes_on_from_the_new_base(client: Client, tmp_path: Path) -> None:
    """The agent's last step, with its checkpoint, is of before the replay."""
    async with running_loop(client, tmp_path, upToDate=True) as loop:
        first = await at_the_merge(loop)
        move_main(loop, {"other.py": "other = 1\n"})
        await approve(first)
        await on_the_new_base(loop, first)
        old = await cancelled_at(loop, first, Gate.MERGE)
        second = await begin(loop, await request_at_the_end(loop, old.task_id))
        await on_the_new_base(loop, second)
        await approve(second)
        result = await second.result()
        assert (result.status, result.spend.turns) == (TaskStatus.COMPLETED, 0)
        assert loop.show("main:other.py") == "other = 1"
        assert "/ len(values)" in loop.show("main:calc.py")


async def test_a_retry_that_is_cancelled_leaves_a_good_pull_request_alone(
    client: Client, tmp_path: Path
) -> None:
    async with running_loop(client, tmp_path, turns=agent(write(SOLVED), DONE)) as loop:
        first, _ = await conflicting(loop)
        seen = await on_the_new_base(loop, first)
        published = git(loop.remote, "rev-parse", seen.branch)
        old = await cancelled_at(loop, first, Gate.MERGE)

        second = await begin(loop, await request_at_the_end(loop, old.task_id))
        # As soon as it has read its issue: long before it can publish anything.
        await second.execute_update("accepted", result_type=Accepted)  # pyright: ignore[reportUnknownMemberType]
        await second.signal("pause")
        middle = await cancelled_at(loop, second, Gate.PAUSED)
        assert git(loop.remote, "rev-parse", seen.branch) == published

        third = await begin(loop, await request_at_the_end(loop, middle.task_id))
        await on_the_new_base(loop, third)
        await approve(third)
        result = await third.result()
        assert (result.status, result.spend.turns) == (TaskStatus.COMPLETED, 0)
        assert loop.show("main:calc.py") == SOLVED.strip()


async def test_a_conflict_that_is_not_solved_is_gone_on_with_before_anything_is_published(
    client: Client, tmp_path: Path
) -> None:
    # The session that was cut short, and then what git has to say of it: a file too many.
    ends = [write(SOLVED), DONE, turn(call("bash", command="rm later.py")), DONE]
    other = ProviderSettings("another", "scripted", options=dict(agent(turn(), *ends)))
    half = agent(write("x = 1\n", "later.py"), HANGS)
    async with running_loop(client, tmp_path, turns=half, accounts=[other]) as loop:
        first, published = await conflicting(loop)
        session = SessionId(f"{(await loop.view(first)).task_id}/agent")
        async with asyncio.timeout(120):
            while "later.py" not in repr(await loop.parts.store.read_entries(session)):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        seen = await loop.view(first)
        await tell(first, "cancel", Control("ada"))
        assert (await first.result()).status is TaskStatus.CANCELLED
        assert git(loop.remote, "rev-parse", seen.branch) == published, "no markers over the good change"

        changes = Changes(agent=AgentChoice("another"))
        second = await begin(loop, await request_at_the_end(loop, seen.task_id, changes))
        again = await on_the_new_base(loop, second)
        assert "<<<<" not in loop.show(f"{again.branch}:calc.py")
        await approve(second)
        assert (await second.result()).status is TaskStatus.COMPLETED
        assert loop.show("main:calc.py") == SOLVED.strip()


async def test_the_projects_gates_judge_who_goes_on_too(client: Client, tmp_path: Path) -> None:
    files = {
        **FILES,
        ".tamma.json": '{"version": "1.0", "commands": {"lint": "python3 lint.py"}}',
        "lint.py": "",
    }
    async with running_loop(client, tmp_path, files=files) as loop:
        first = await loop.submit(limits=limits(BEGUN))
        old = await cancelled_at(loop, first, Gate.TURNS)
        second = await begin(loop, await request_at_the_end(loop, old.task_id, Changes(max_turns=20)))
        assert (await second.result()).status is TaskStatus.COMPLETED
        assert [gate.name for gate in (await loop.view(second)).gates] == ["lint"]
