"""Red checks of a published change: run again, mended, or shown to a person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from temporalio.client import Client

from tamma.model.repository import Check, CheckState, CiRun, Target
from tamma.model.task import Control, Gate, Steer, TaskStatus
from tamma.platforms.memory.platform import MemoryPlatform
from tests.support.loop import FIX_TURNS, QUICK, RED_TURNS, REPO, Loop, call, git, running_loop, script, turn

PATIENT = replace(QUICK, checks_grace=30)
"""The first check is waited for."""
Judge = Callable[[Mapping[str, str], CiRun], str]
"""The log of a failure, from the tree's files and the run; empty for success."""
LOG = (
    "\x1b[31mcollecting ...\x1b[0m\r\nE   extra.txt should say 2\r\n"
    "token ghp_canary0123456789canary0123456789cana\r\n"
)


@asynccontextmanager
async def robot(loop: Loop, judge: Judge) -> AsyncGenerator[list[CiRun]]:
    """The forge's CI: a run for each commit of the run's branch, and for what is asked for again."""
    forge = cast("MemoryPlatform", await loop.parts.platforms.get("memory"))
    ended: list[CiRun] = []

    async def work() -> None:
        seen: set[str] = set()
        while True:
            heads = git(loop.remote, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads")
            for branch, sha in (line.split() for line in heads.splitlines()):
                if branch != "main" and sha not in seen:
                    seen.add(sha)
                    await forge.start_run(REPO, "ci", branch, ("build",))
            for run in (await forge.list_runs(REPO)).items:
                if run.state is CheckState.PENDING:
                    log = judge(files_at(loop, run.sha), run)
                    state = CheckState.FAILURE if log else CheckState.SUCCESS
                    ended.append(await forge.finish_run(REPO, run.id, state, {"build": log}))
            await asyncio.sleep(0.05)

    task = asyncio.create_task(work())
    try:
        yield ended
    finally:
        task.cancel()
        await asyncio.wait((task,))
        if not task.cancelled() and (error := task.exception()):
            raise error


def files_at(loop: Loop, sha: str) -> dict[str, str]:
    names = git(loop.remote, "ls-tree", "-r", "--name-only", sha).splitlines()
    return {name: git(loop.remote, "show", f"{sha}:{name}") for name in names}


def says(text: str) -> list[dict[str, object]]:
    """One round of an agent that writes this into extra.txt."""
    return [
        turn(call("bash", command=f"echo {text} > extra.txt")),
        turn(call("finish", summary=f"wrote {text}")),
    ]


def wants_two(files: Mapping[str, str], _: CiRun) -> str:
    return "" if files.get("extra.txt") == "2" else LOG


def always_red(_: Mapping[str, str], run: CiRun) -> str:
    return LOG if run.id else ""


async def told(loop: Loop, session: str) -> str:
    """All that the agent was told, as one text."""
    entries = await loop.parts.store.read_entries(cast("Any", session))
    return "\n".join(str(entry) for entry in entries)


async def test_a_red_check_is_mended_in_the_second_round(client: Client, tmp_path: Path) -> None:
    turns = script(agent=[*RED_TURNS, *FIX_TURNS, *says("1"), *says("2")])
    async with (
        running_loop(client, tmp_path, turns=turns) as loop,
        robot(loop, wants_two) as ended,
    ):
        handle = await loop.submit(limits=PATIENT)
        result = await handle.result()
        assert result.status is TaskStatus.COMPLETED
        assert loop.show("main:extra.txt") == "2"
        # Each red commit was run once more, and no more than that.
        assert [(run.state is CheckState.SUCCESS, run.attempt) for run in ended] == [
            *((False, 1), (False, 2)),
            *((False, 1), (False, 2)),
            (True, 1),
        ]
        assert [loop.effects(each) for each in ("ensure_pr", "merge_pr", "rerun")] == [1, 1, 2]
        view = await loop.view(handle)
        assert view.session_id is not None
        heard = await told(loop, view.session_id)
        assert "E   extra.txt should say 2" in heard
        assert "attempt 2 of 3" in heard
        assert "\x1b[31m" not in heard
        assert "ghp_canary" not in heard


async def test_a_check_that_fails_by_chance_costs_no_model_anything(client: Client, tmp_path: Path) -> None:
    async with (
        running_loop(client, tmp_path) as loop,
        robot(loop, lambda _, run: LOG if run.attempt == 1 else "") as ended,
    ):
        handle = await loop.submit(limits=PATIENT)
        result = await handle.result()
        assert result.status is TaskStatus.COMPLETED
        assert [run.attempt for run in ended] == [1, 2]
        view = await loop.view(handle)
        assert "checks failed once, and passed when they were run again" in view.notes


async def test_a_lost_answer_to_a_rerun_calls_nobody(client: Client, tmp_path: Path) -> None:
    lost = {"on": "rerun", "when": "after", "times": 1, "error": "Transient"}
    async with (
        running_loop(client, tmp_path, faults=[lost]) as loop,
        robot(loop, lambda _, run: LOG if run.attempt == 1 else "") as ended,
    ):
        # The rerun is green long before the activity is tried again.
        handle = await loop.submit(limits=PATIENT)
        async with asyncio.timeout(120):
            result = await handle.result()
        assert result.status is TaskStatus.COMPLETED
        assert [run.attempt for run in ended] == [1, 2]
        assert [loop.effects(each) for each in ("rerun", "ensure_comment")] == [1, 1]
        view = await loop.view(handle)
        assert "checks failed once, and passed when they were run again" in view.notes


@pytest.mark.slow
async def test_what_is_never_mended_goes_to_a_person(client: Client, tmp_path: Path) -> None:
    turns = script(agent=[*RED_TURNS, *FIX_TURNS, *says("a"), *says("b"), *says("c"), *says("2")])
    async with running_loop(client, tmp_path, turns=turns) as loop, robot(loop, wants_two):
        handle = await loop.submit(limits=PATIENT)
        seen = await loop.until(handle, lambda view: view.waiting_for, seconds=90)
        assert seen.waiting_for is not None
        assert seen.waiting_for.gate is Gate.CHECKS
        assert "after 3 attempts" in seen.waiting_for.reason
        forge = cast("MemoryPlatform", await loop.parts.platforms.get("memory"))
        target = Target("pull_request", seen.pull_request)
        (comment,) = await forge.list_comments(REPO, target)
        assert "needs a person" in comment.body
        assert (await forge.get_pr(REPO, seen.pull_request)).labels == ("needs-human-review",)
        assert loop.effects("merge_pr") == 0
        await handle.execute_update("steer", Steer("write 2", by="ada"))  # pyright: ignore[reportUnknownMemberType]
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert len(await forge.list_comments(REPO, target)) == 1


async def test_what_was_red_before_is_not_the_agent_s_to_mend(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop, robot(loop, always_red):
        forge = cast("MemoryPlatform", await loop.parts.platforms.get("memory"))
        base = git(loop.remote, "rev-parse", "main")
        await forge.set_checks(REPO, base, (Check("ci / build", CheckState.FAILURE),))
        handle = await loop.submit(limits=PATIENT)
        seen = await loop.until(handle, lambda view: view.waiting_for)
        assert seen.waiting_for is not None
        assert "without this change, too" in seen.waiting_for.reason
        turns = seen.spend.turns
        await handle.execute_update("resume", Control(by="ada"))  # pyright: ignore[reportUnknownMemberType]
        seen = await loop.until(handle, lambda view: view.status.final or view.waiting_for)
        assert seen.spend.turns == turns
        assert any("red checks: ci / build" in note for note in seen.notes)
