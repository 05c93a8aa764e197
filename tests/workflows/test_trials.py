"""Trials on real repositories: worked on by the steps of a run, graded, measured, waiting for nobody."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from temporalio.client import Client

from tamma.cli.inspecting import reading
from tamma.cli.inspecting.steps import Subject
from tamma.model.ids import SessionId, TaskId
from tamma.model.metrics import RunKind
from tamma.model.suite import GraderWeights, HiddenTests, TaskLimits
from tamma.model.task import Phase
from tamma.store.memory import MemoryStore
from tests.support.loop import (
    FIX_TURNS,
    RED_TURNS,
    Loop,
    git,
    make_repository,
    platform_settings,
    running_loop,
)
from tests.support.trials import CHEAT_TURNS, NEVER_RED, REFUSE, SLOW, Bench, actor, tasks_on


async def test_solved_work_is_graded_and_kept_with_its_cell(client: Client, tmp_path: Path) -> None:
    # Its one workspace is room enough: the copy that is graded needs no other trial to end first.
    async with running_loop(client, tmp_path, accounts=(actor("solver"),), max_workspaces=1) as loop:
        bench = await Bench.of(loop)
        before = git(loop.remote, "for-each-ref")
        result, kept = await bench.run("mean", "solver")

        assert result.success, kept
        await _assert_unseen(loop, kept.task_id)
        assert result.quality == 100
        assert kept.kind is RunKind.BENCH
        assert kept.cell is not None
        assert kept.cell.unit == "mean"
        assert kept.agent is not None
        assert kept.agent.name == "solver"
        assert kept.turns == 9
        assert [part.grader for part in kept.quality_parts] == ["hidden-tests", "diff-size"]
        assert "1 of 1 fixed, 1 of 1 kept" in kept.quality_parts[0].detail
        assert [step.step for step in kept.steps] == ["plan", "test", "implement", "review"]
        assert git(loop.remote, "for-each-ref") == before  # nothing is delivered
        assert not (tmp_path / "ledger.jsonl").exists()  # no platform is asked
        left = [path.name for path in (tmp_path / "workspaces").iterdir() if not path.name.startswith(".")]
        assert left == []
        # Its steps and what they changed are there to be looked at.
        told = await reading.read(loop.parts.store, Subject(kept.task_id))
        assert [(stage.name, len(stage.steps)) for stage in told.stages] == [
            ("plan", 1),
            ("test", 4),
            ("implement", 3),
            ("review", 1),
        ]
        changes = [step.change for step in told.steps if step.change]
        assert [change.ref.files for change in changes] == [("tests/test_mean.py",), ("calc.py",)]
        assert told.change is not None
        assert "+    return sum(values) / len(values)" in told.change.patch


@pytest.mark.slow
async def test_what_only_looks_solved_fails_by_its_hidden_tests(client: Client, tmp_path: Path) -> None:
    cheat = actor("cheat", agent=[*RED_TURNS, *CHEAT_TURNS])
    async with running_loop(client, tmp_path, accounts=(cheat,)) as loop:
        extra = (
            "class MoreTest(unittest.TestCase):\n    def test_more(self):\n        assert mean([2]) == 2\n"
        )
        solve = tasks_on(loop)[0]
        text = solve.hidden_tests.files["tests/test_hidden.py"] + "\n\n" + extra
        hidden = replace(
            solve.hidden_tests, files={"tests/test_hidden.py": text}, pass_to_pass=("test_none", "test_more")
        )
        bench = await Bench.of(loop, replace(solve, id="more", hidden_tests=hidden))
        result, kept = await bench.run("more", "cheat")
        assert not result.success
        assert result.error_type == "hidden-tests"
        assert kept.quality_parts[0].score == 50
        assert "test_more" in kept.quality_parts[0].detail


@pytest.mark.slow
async def test_limits_end_it_as_a_failure_that_is_graded_and_keeps_its_cost(
    client: Client, tmp_path: Path
) -> None:
    async with running_loop(client, tmp_path, accounts=(actor("solver"),)) as loop:
        bench = await Bench.of(loop)
        result, kept = await bench.run("mean", "solver", limits=TaskLimits(max_turns=5))
        assert (result.success, result.error_type) == (False, "turns")
        assert kept.turns == 5
        assert kept.input_tokens > 0
        assert result.quality is not None
        assert result.quality < 70
        result, kept = await bench.run("mean", "solver", limits=TaskLimits(budget_usd=Decimal(0)))
        assert (result.success, result.error_type, result.quality) == (False, "budget", 0)


@pytest.mark.slow
async def test_time_ends_it_in_the_middle_of_a_step(client: Client, tmp_path: Path) -> None:
    slow = actor("slow", agent=[*RED_TURNS[:2], *SLOW])
    async with running_loop(client, tmp_path, accounts=(slow,)) as loop:
        bench = await Bench.of(loop)
        result, kept = await bench.run("mean", "slow", limits=TaskLimits(minutes=0.1))
        assert (result.success, result.error_type) == (False, "timeout")
        assert kept.turns == 4  # the plan and three turns: paid for, so counted
        assert kept.duration_ms < 60_000, "the command alone would have slept for a minute"


@pytest.mark.slow
async def test_a_test_is_graded_by_failing_before_and_passing_after(client: Client, tmp_path: Path) -> None:
    idle = actor("idle", agent=NEVER_RED)
    async with running_loop(client, tmp_path, accounts=(actor("tester"), idle)) as loop:
        bench = await Bench.of(loop)
        result, kept = await bench.run("red", "tester")
        assert (result.success, result.quality) == (True, 100), kept
        assert [part.grader for part in kept.quality_parts] == ["red", "fixed"]
        result, kept = await bench.run("red", "idle")
        assert (result.success, result.error_type, result.quality) == (False, "not-red", 0)


async def test_a_review_is_graded_by_its_verdict(client: Client, tmp_path: Path) -> None:
    strict = actor("strict", review=[REFUSE])
    async with running_loop(client, tmp_path, accounts=(actor("lenient"), strict)) as loop:
        bench = await Bench.of(loop)
        result, kept = await bench.run("judge", "strict")
        assert (result.success, result.quality) == (True, 100), kept
        assert kept.turns == 1
        result, kept = await bench.run("judge", "lenient")
        assert (result.success, result.error_type, result.quality) == (False, "verdict", 0)


@pytest.mark.slow
async def test_a_task_that_cannot_be_graded_is_no_agents_failure(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path, accounts=(actor("solver"),)) as loop:
        solve = tasks_on(loop)[0]
        broken = replace(
            solve,
            id="broken",
            hidden_tests=HiddenTests(patch="--- a/no.py\n+++ b/no.py\n@@ -1 +1 @@\n-a\n+b\n"),
        )
        unbuilt = replace(solve, id="unbuilt", setup_command="exit 3")
        bench = await Bench.of(loop, broken, unbuilt)
        result, kept = await bench.run("broken", "solver")
        assert (result.success, result.error_type, result.quality) == (False, "broken-task", None)
        result, kept = await bench.run("unbuilt", "solver")
        assert (result.success, result.error_type, result.quality) == (False, "environment", None)
        assert kept.turns == 0


@pytest.mark.slow
async def test_instructions_are_seen_and_are_no_part_of_the_work(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path, accounts=(actor("solver"),)) as loop:
        bench = await Bench.of(loop)
        blob = await loop.parts.store.put_blob(b"Always divide by the number of values.\n", "text/markdown")
        handle = await bench.begin("mean", "solver", instructions=blob)
        result = await handle.result()
        assert result.success
        assert result.quality == 100
        kept = await loop.parts.store.read_run(result.run_id)
        assert kept is not None
        entries = await loop.parts.store.read_entries(SessionId(f"{kept.task_id}/plan"))
        assert "Always divide" in repr(entries[0].message.parts)


async def _assert_unseen(loop: Loop, task_id: TaskId) -> None:
    """The agent was shown the issue, and neither the hidden tests nor the solution."""
    seen: list[str] = []
    for session in ("plan", "agent", "review"):
        entries = await loop.parts.store.read_entries(SessionId(f"{task_id}/{session}"))
        assert entries
        seen += [repr(entry.message.parts) for entry in entries]
    text = "\n".join(seen)
    assert "mean([2, 4])" in text
    assert "test_hidden" not in text
    assert "HiddenTest" not in text


@pytest.mark.slow
async def test_a_judge_is_asked_several_times_and_its_noise_is_shown(client: Client, tmp_path: Path) -> None:
    answers = [{"text": '{"score": 80, "reason": "fine"}'}]
    judge = actor("judge", judge=answers)
    graders = GraderWeights(judge=0.3, judge_provider="judge", judge_times=2)
    async with running_loop(client, tmp_path, accounts=(actor("solver"), judge)) as loop:
        bench = await Bench.of(loop, graders=graders)
        _, kept = await bench.run("mean", "solver")
        part = kept.quality_parts[-1]
        assert (part.grader, part.score, part.weight) == ("judge", 80, 0.3)
        assert "asked 2 times: 80, 80; spread (sd) 0.0" in part.detail
        assert kept.turns == 9  # the judge's calls are not the agent's
        entries = await loop.parts.store.read_entries(SessionId(f"{kept.task_id}/judge-2"))
        assert "len(values)" in repr(entries[0].message.parts)


@pytest.mark.slow
async def test_a_worker_that_goes_in_the_middle_costs_nothing(client: Client, tmp_path: Path) -> None:
    store = MemoryStore()
    slow = actor("slow", agent=[{**each, "delay_ms": 300} for each in [*RED_TURNS, *FIX_TURNS]])
    remote = tmp_path / "origin"
    remote.mkdir()
    forge = (platform_settings(tmp_path, remote), make_repository(remote))
    async with running_loop(client, tmp_path / "one", store=store, accounts=(slow,), forge=forge) as loop:
        bench = await Bench.of(loop)
        handle = await bench.begin("mean", "slow")
        await loop.until(handle, lambda view: view.phase is Phase.IMPLEMENT)  # pyright: ignore[reportArgumentType]
        loop.handles.clear()  # it goes on, with another worker on another host
    async with running_loop(client, tmp_path / "two", store=store, accounts=(slow,), forge=forge):
        result = await handle.result()
    kept = await store.read_run(result.run_id)
    assert kept is not None
    assert (result.success, result.quality, kept.turns) == (True, 100, 9), kept
