"""Whole runs that are talked to in comments alone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from temporalio.client import Client

from tamma.model.repository import Comment, Target
from tamma.model.task import ApprovePolicy, Gate, PlatformEvent, TaskStatus
from tamma.platforms.memory.platform import MemoryPlatform
from tests.support.histories import replay_and_keep
from tests.support.loop import FIX_TURNS, RED_TURNS, REPO, Handle, Loop, call, git, running_loop, script, turn
from tests.workflows.test_asking import UNCLEAR, plan
from workflows.autonomous_dev import AutonomousDev


class Talk:
    """What people write, and what is answered."""

    def __init__(self, platform: MemoryPlatform, handle: Handle) -> None:
        self._platform = platform
        self._handle = handle
        self._said = 0

    async def say(
        self, body: str, on: str = "1", author: str = "ada", *, at: datetime | None = None, wake: bool = True
    ) -> None:
        self._said += 1
        comment = Comment(f"said-{self._said}", author, body, at or datetime.now(UTC), trusted=True)
        await self._platform.add_comment(REPO, on, comment)
        if wake:
            await self._handle.signal("platform_event", PlatformEvent("issue_comment"))

    async def answered(self, words: str, pull: str = "") -> str:
        """Our comment with these words, as soon as it is there."""
        target = Target("pull_request", pull) if pull else Target("issue", "1")
        async with asyncio.timeout(120):
            while True:
                comments = await self._platform.list_comments(REPO, target)
                for comment in comments:
                    if comment.author == "tamma" and words in comment.body:
                        return comment.body
                await asyncio.sleep(0.05)


async def talk_with(loop: Loop, handle: Handle) -> Talk:
    return Talk(cast("MemoryPlatform", await loop.parts.platforms.get("memory")), handle)


async def at_gate(loop: Loop, handle: Handle, gate: Gate) -> str:
    """Once it waits there: its pull request, if it has one."""
    seen = await loop.until(
        handle, lambda view: view.waiting_for and view.waiting_for.gate is gate, seconds=90
    )
    return seen.pull_request


async def test_a_plan_and_a_merge_are_approved_by_comment(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        handle = await loop.submit(approve=ApprovePolicy.ALL)
        await at_gate(loop, handle, Gate.PLAN)
        talk = await talk_with(loop, handle)
        await talk.say("Fine by me.\n\n/tamma approve plan", wake=False)  # the next look finds it
        pull = await at_gate(loop, handle, Gate.MERGE)
        assert "plan approved" in await talk.answered("@ada")
        # A yes counts for the head that was there when it was read.
        branch = (await loop.view(handle)).branch
        ours, other = git(loop.remote, "rev-parse", branch), git(loop.remote, "rev-parse", "main")
        git(loop.remote, "update-ref", f"refs/heads/{branch}", other)
        await talk.say("/tamma approve merge", pull, "bob")
        assert f"was {other[:12]} when" in await talk.answered(f"the run would merge {ours[:12]}", pull)
        git(loop.remote, "update-ref", f"refs/heads/{branch}", ours)
        await talk.say("/tamma approve", pull, "carol")
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert "merge approved" in await talk.answered("@carol", pull)
        assert loop.effects("merge_pr") == 1
        await replay_and_keep({"run": await handle.fetch_history()}, [AutonomousDev])


@pytest.mark.slow
async def test_a_session_is_steered_paused_and_cancelled(client: Client, tmp_path: Path) -> None:
    waits = turn(call("bash", command="while [ ! -e told ]; do sleep 0.05; done; rm told"))
    turns = script(agent=[*RED_TURNS, waits, *([turn(call("bash", command="sleep 0.2"))] * 200), *FIX_TURNS])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        await loop.until(handle, lambda view: view.phase == "implement" and view.session_workflow, seconds=90)
        talk = await talk_with(loop, handle)
        await talk.say("/tamma steer Name it `average`.\n\nPlease.")
        assert "before its next turn" in await talk.answered("`/tamma steer`")
        await talk.say("/tamma pause")
        await talk.answered("`/tamma pause`")
        (test,) = (tmp_path / "workspaces").rglob("test_mean.py")
        (test.parents[1] / "told").touch()
        await at_gate(loop, handle, Gate.PAUSED)
        await talk.say("/tamma budget add 1\n/tamma resume")
        await loop.until(handle, lambda view: not view.waiting_for)
        assert "the limits are now 4.00 USD" in await talk.answered("`/tamma resume`: it goes on")
        await talk.say("/tamma cancel\nI do it by hand.")
        result = await handle.result()
        assert result.status is TaskStatus.CANCELLED
        assert "I do it by hand." in result.summary
        assert "what was done stays" in await talk.answered("`/tamma cancel`")
        assert "test_mean.py" in git(loop.remote, "ls-tree", "-r", "--name-only", result.branch)
        seen = await loop.view(handle)
        assert seen.session_id is not None
        assert "Name it `average`.\\n\\nPlease." in str(await loop.parts.store.read_entries(seen.session_id))


async def test_questions_are_answered_by_a_comment_and_reach_the_next_plan(
    client: Client, tmp_path: Path
) -> None:
    turns = script(plan=[plan(**UNCLEAR), plan("the median it is", ambiguity=0.1, expects="median")])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit(approve=ApprovePolicy.PLAN)
        talk = await talk_with(loop, handle)
        await at_gate(loop, handle, Gate.QUESTIONS)
        await talk.answered("/tamma answer 1: ...")
        await talk.say("/tamma answer 1: b\n2: an error")
        await talk.answered("- `/tamma answer`: ")
        await at_gate(loop, handle, Gate.PLAN)
        seen = await loop.view(handle)
        assert {(each.question, each.answer, each.by) for each in seen.decided} == {
            ("Which mean?", "median", "ada"),
            ("What of no values?", "an error", "ada"),
        }
        await talk.say("/tamma answer 1: a")
        await talk.answered("the run has no questions open now")
        await talk.say("/tamma cancel enough")
        assert (await handle.result()).status is TaskStatus.CANCELLED
