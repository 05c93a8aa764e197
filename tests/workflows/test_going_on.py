"""Runs that ended before their end, and runs that go another way, go on from where another one stood."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from tamma.cli.inspecting import reading, telling
from tamma.cli.inspecting.steps import Subject
from tamma.cli.retrying import places, starting
from tamma.cli.retrying.ordering import Changes
from tamma.errors import ConfigError
from tamma.model.ids import SessionId, TaskId
from tamma.model.task import (
    AgentChoice,
    Approval,
    ApprovePolicy,
    Control,
    DevRequest,
    Gate,
    Phase,
    Steer,
    TaskStatus,
    TaskView,
)
from tamma.providers.interface import ProviderSettings
from tests.support.loop import (
    APPROVE_TURN,
    FIX_TURNS,
    PLAN_TURN,
    QUICK,
    RED_TURNS,
    Handle,
    Loop,
    call,
    running_loop,
    script,
    tell,
    turn,
)

HAPPY = 1 + len(RED_TURNS) + len(FIX_TURNS) + 1
"""Model calls of a run in which nothing goes wrong."""
BEGUN = 1 + len(RED_TURNS) + 1
"""Of one that has made its first change."""
ANOTHER = AgentChoice("another")
OTHER_FIX = [
    turn(call("create", path="calc.py", content="from statistics import mean\n\n__all__ = ['mean']\n")),
    turn(call("finish", summary="mean() is the standard library's")),
]


async def request_at_the_end(loop: Loop, task_id: TaskId, changes: Changes | None = None) -> DevRequest:
    """What `tamma retry` hands in."""
    place = await places.at_the_end(loop.parts.store, task_id)
    return await starting.request_of(loop.parts.store, place, changes or Changes())


async def request_at(loop: Loop, task_id: TaskId, step: int, changes: Changes | None = None) -> DevRequest:
    """What `tamma fork` hands in."""
    told = await reading.read(loop.parts.store, Subject(task_id))
    place = await places.at_step(loop.parts.store, told, step)
    return await starting.request_of(loop.parts.store, place, changes or Changes())


async def begin(loop: Loop, request: DevRequest) -> Handle:
    return await loop.submit(**{name: getattr(request, name) for name in DevRequest.__slots__})


async def cancelled_at(loop: Loop, handle: Handle, gate: Gate) -> TaskView:
    """Its last word after somebody has cancelled it where it waited."""
    seen = await loop.until(handle, lambda view: view.waiting_for)
    assert seen.waiting_for is not None
    assert seen.waiting_for.gate is gate
    await tell(handle, "cancel", Control("ada"))
    assert (await handle.result()).status is TaskStatus.CANCELLED
    return await loop.view(handle)


def limits(turns: int) -> Any:
    from dataclasses import replace

    return replace(QUICK, max_turns=turns)


def another(**lanes: list[dict[str, Any]]) -> ProviderSettings:
    return ProviderSettings("another", "scripted", options=dict(script(**lanes)))


async def test_a_run_cancelled_in_the_middle_of_its_work_goes_on(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        first = await loop.submit(limits=limits(BEGUN))
        old = await cancelled_at(loop, first, Gate.TURNS)
        assert old.spend.turns == BEGUN
        assert "len(values)" in loop.show(f"{old.branch}:calc.py"), "its work is on its branch"

        with pytest.raises(ConfigError, match="nothing is left of the run's 6 turns"):
            await request_at_the_end(loop, old.task_id)
        # Once more cut short, after one call: what goes on may itself be gone on with.
        second = await begin(loop, await request_at_the_end(loop, old.task_id, Changes(max_turns=1)))
        middle = await cancelled_at(loop, second, Gate.TURNS)
        assert (middle.spend.turns, middle.spent_before.turns) == (1, BEGUN)
        assert middle.branch == old.branch

        third = await begin(loop, await request_at_the_end(loop, middle.task_id, Changes(max_turns=20)))
        result = await third.result()
        assert result.status is TaskStatus.COMPLETED
        assert BEGUN + 1 + result.spend.turns == HAPPY, "only what was missing was asked for"
        assert loop.show("main:calc.py").endswith("sum(values) / len(values)")
        assert "MeanValueTest" in loop.show("main:tests/test_mean.py")
        new = await loop.view(third)
        assert new.plan == old.plan
        assert new.red_test == old.red_test

        told = await reading.read(loop.parts.store, Subject(new.task_id))
        assert told.inherited is not None
        assert (told.inherited.task_id, told.inherited_steps) == (middle.task_id, BEGUN + 1)
        words = "\n".join(telling.overview(told, diffs=True))
        assert f"goes on from where it ended: {middle.task_id}" in words
        assert "+    return sum(values) / len(values)" in words, "the diffs of its steps came along"


@pytest.mark.slow
async def test_a_run_that_ends_before_it_has_gone_on_can_be_gone_on_with(
    client: Client, tmp_path: Path
) -> None:
    async with running_loop(client, tmp_path) as loop:
        first = await loop.submit(limits=limits(BEGUN))
        old = await cancelled_at(loop, first, Gate.TURNS)
        second = await begin(loop, await request_at_the_end(loop, old.task_id, Changes(max_turns=20)))
        await loop.until(second, lambda view: view.title)  # before that, it has nothing to keep
        await second.signal("pause")
        middle = await cancelled_at(loop, second, Gate.PAUSED)
        third = await begin(loop, await request_at_the_end(loop, middle.task_id))
        result = await third.result()
        assert result.status is TaskStatus.COMPLETED
        assert BEGUN + middle.spend.turns + result.spend.turns == HAPPY
        entries = await loop.parts.store.read_entries(SessionId(f"{(await loop.view(third)).task_id}/agent"))
        openings = [entry for entry in entries if "What this run may still use" in entry.message.text]
        assert len(openings) == 2, "of the test and of the change: neither was begun twice"


async def test_a_plan_that_was_rejected_is_asked_about_again(client: Client, tmp_path: Path) -> None:
    other_plan = {"text": PLAN_TURN["text"].replace("one too many", "a wrong number")}
    async with running_loop(client, tmp_path, turns=script(plan=[PLAN_TURN, other_plan])) as loop:
        first = await loop.submit(approve=ApprovePolicy.PLAN)
        await loop.until(first, lambda view: view.waiting_for)
        await tell(first, "approve", Approval(Gate.PLAN, "reject", by="ada"))
        assert (await first.result()).status is TaskStatus.CANCELLED
        old = await loop.view(first)

        second = await begin(loop, await request_at_the_end(loop, old.task_id))
        seen = await loop.until(second, lambda view: view.waiting_for)
        assert seen.phase is Phase.APPROVE_PLAN
        assert (seen.plan, seen.spend.turns) == (old.plan, 0)
        await tell(second, "steer", Steer("think again"))
        await loop.until(second, lambda view: "a wrong number" in view.plan and view.waiting_for)
        await tell(second, "approve", Approval(Gate.PLAN, "approve", by="ada"))
        result = await second.result()
        assert result.status is TaskStatus.COMPLETED
        assert result.spend.turns == HAPPY, "another plan, and all the rest"


@pytest.mark.slow
async def test_a_run_that_waits_for_its_merge_goes_on_without_any_model(
    client: Client, tmp_path: Path
) -> None:
    async with running_loop(client, tmp_path) as loop:
        first = await loop.submit(approve=ApprovePolicy.MERGE)
        old = await cancelled_at(loop, first, Gate.MERGE)
        second = await begin(loop, await request_at_the_end(loop, old.task_id))
        await loop.until(second, lambda view: view.phase is Phase.APPROVE_MERGE and view.waiting_for)
        await tell(second, "approve", Approval(Gate.MERGE, "approve", by="ada"))
        result = await second.result()
        assert result.status is TaskStatus.COMPLETED
        assert result.spend.turns == 0
        assert (await loop.view(second)).pull_request == old.pull_request
        assert loop.effects("ensure_pr") == 1
        assert "MeanValueTest" in loop.show("main:tests/test_mean.py")


@pytest.mark.slow
async def test_a_run_that_was_ended_by_force_goes_on_from_what_is_stored(
    client: Client, tmp_path: Path
) -> None:
    """It could say nothing at its end: there are its last phase, its conversation and its checkpoints."""
    hangs = [*RED_TURNS, FIX_TURNS[0], {**FIX_TURNS[1], "delay_ms": 60_000}, FIX_TURNS[2]]
    async with running_loop(client, tmp_path, turns=script(agent=hangs), accounts=[another()]) as loop:
        first = await loop.submit()
        old = await loop.until(first, lambda view: view.phase is Phase.IMPLEMENT and view.session_id)
        session = SessionId(f"{old.task_id}/agent")
        while len(await loop.parts.store.read_entries(session)) < 2 * (len(RED_TURNS) + 1) + 1:
            old = await loop.view(first)
        await first.terminate("the test")
        second = await begin(loop, await request_at_the_end(loop, old.task_id, Changes(agent=ANOTHER)))
        result = await second.result()
        assert result.status is TaskStatus.COMPLETED
        assert result.spend.turns == HAPPY - BEGUN
        assert (await loop.view(second)).spent_before.turns == BEGUN
        assert loop.show("main:calc.py").endswith("sum(values) / len(values)")


@pytest.mark.slow
async def test_a_fork_goes_another_way_from_a_step(client: Client, tmp_path: Path) -> None:
    accounts = [another(agent=[*RED_TURNS, *OTHER_FIX])]
    async with running_loop(client, tmp_path, accounts=accounts) as loop:
        first = await loop.submit(merge="never")
        assert (await first.result()).status is TaskStatus.COMPLETED
        old = await loop.view(first)
        with pytest.raises(ConfigError, match="there is no step 10") as caught:
            await request_at(loop, old.task_id, HAPPY + 1)
        assert caught.value.hint == "the run's steps are: 1 to 9"

        instructions = await loop.parts.store.put_blob(b"Prefer what the standard library has.")
        red = 1 + len(RED_TURNS)
        changes = Changes(agent=ANOTHER, instructions=instructions)
        forked = await begin(loop, await request_at(loop, old.task_id, red, changes))
        result = await forked.result()
        new = await loop.view(forked)
        assert result.status is TaskStatus.COMPLETED
        assert result.spend.turns == len(OTHER_FIX) + 1
        assert new.branch.startswith(f"{old.branch}-fork-")
        assert new.pull_request != old.pull_request
        assert "from statistics import mean" in loop.show(f"{new.branch}:calc.py")
        assert "MeanValueTest" in loop.show(f"{new.branch}:tests/test_mean.py")
        assert "statistics" not in loop.show(f"{old.branch}:calc.py"), "the other run's branch stays"
        told = await reading.read(loop.parts.store, Subject(new.task_id))
        assert f"forked from step {red} of {old.task_id}" in telling.overview(told, diffs=False)
        said = "\n".join("\n".join(telling.one(step, diffs=False)) for step in told.steps)
        assert said.count("Prefer what the standard library has.") == 1
        with pytest.raises(ConfigError, match="step 2 is none of this run's"):
            await request_at(loop, new.task_id, 2)


@pytest.mark.slow
async def test_a_fork_has_the_files_of_its_step(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        first = await loop.submit(merge="never")
        await first.result()
        old = await loop.view(first)
        forked = await begin(loop, await request_at(loop, old.task_id, BEGUN))
        result = await forked.result()
        assert result.status is TaskStatus.COMPLETED
        assert result.spend.turns == HAPPY - BEGUN
        assert loop.show(f"{result.branch}:calc.py") == loop.show(f"{old.branch}:calc.py")


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, HAPPY], ids=["the plan", "the review"])
async def test_a_fork_at_a_step_that_is_not_the_agents(client: Client, tmp_path: Path, step: int) -> None:
    rejects = {"text": '{"verdict": "reject", "summary": "no", "comments": ["say why"]}'}
    more = [turn(call("finish", summary="said why"))]
    lanes = {"agent": [*RED_TURNS, *FIX_TURNS, *more], "review": [rejects if step == HAPPY else APPROVE_TURN]}
    async with running_loop(client, tmp_path, accounts=[another(**lanes)]) as loop:
        first = await loop.submit(merge="never")
        await first.result()
        old = await loop.view(first)
        forked = await begin(loop, await request_at(loop, old.task_id, step, Changes(agent=ANOTHER)))
        result = await forked.result()
        assert result.status is TaskStatus.COMPLETED
        assert result.spend.turns == (HAPPY - 1 if step == 1 else 2)
        assert (await loop.view(forked)).plan == old.plan
