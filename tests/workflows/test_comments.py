"""People answer by comments: those who may, once, with an answer where they said it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from temporalio.client import Client

from tamma.model.conventions import Conventions
from tamma.model.repository import Comment, Target
from tamma.model.task import ApprovePolicy, Gate, PlatformEvent, TaskStatus
from tamma.platforms.memory.platform import MemoryPlatform
from tests.support.loop import (
    FIX_TURNS,
    RED_TURNS,
    REPO,
    Handle,
    Loop,
    call,
    git,
    running_loop,
    script,
    turn,
)

ISSUE = Target("issue", "1")


class Talk:
    """What people write, and what is answered."""

    def __init__(self, platform: MemoryPlatform, handle: Handle) -> None:
        self._platform = platform
        self._handle = handle
        self._said = 0

    async def say(
        self,
        body: str,
        *,
        on: str = "1",
        author: str = "ada",
        trusted: bool = True,
        at: datetime | None = None,
        wake: bool = True,
    ) -> str:
        """Somebody writes a comment; its id."""
        self._said += 1
        name = f"said-{self._said}"
        await self._platform.add_comment(
            REPO, on, Comment(name, author, body, at or datetime.now(UTC), trusted)
        )
        if wake:
            await self._handle.signal("platform_event", PlatformEvent("issue_comment"))
        return name

    async def answers(self, target: Target = ISSUE) -> list[str]:
        """What we have written there."""
        comments = await self._platform.list_comments(REPO, target)
        return [comment.body for comment in comments if comment.author == "tamma"]

    async def answered(self, words: str, target: Target = ISSUE) -> str:
        """Our comment that has these words in it, as soon as it is there."""
        found: list[str] = []

        async def there() -> bool:
            found[:] = [body for body in await self.answers(target) if words in body]
            return bool(found)

        await until(there, f"no comment with {words!r}")
        assert len(found) == 1, found
        return found[0]


async def until(condition: Callable[[], Awaitable[bool]], otherwise: str) -> None:
    try:
        async with asyncio.timeout(60):
            while not await condition():  # noqa: ASYNC110 - it is another process that changes
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(otherwise) from None


async def talk_with(loop: Loop, handle: Handle) -> Talk:
    return Talk(cast("MemoryPlatform", await loop.parts.platforms.get("memory")), handle)


async def at_gate(loop: Loop, handle: Handle, gate: Gate) -> str:
    """Once it waits there: its pull request, if it has one."""
    seen = await loop.until(handle, lambda view: view.waiting_for and view.waiting_for.gate is gate)
    return seen.pull_request


async def test_a_plan_and_a_merge_are_approved_by_comment(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        handle = await loop.submit(approve=ApprovePolicy.ALL)
        await at_gate(loop, handle, Gate.PLAN)
        talk = await talk_with(loop, handle)
        await talk.say("Fine by me.\n\n/tamma approve plan", wake=False)  # the next look finds it
        pull = await at_gate(loop, handle, Gate.MERGE)
        assert "plan approved" in await talk.answered("@ada")
        # Agreed to before it was asked.
        there = Target("pull_request", pull)
        await talk.say("/tamma approve", on=pull, at=datetime.now(UTC) - timedelta(hours=1), author="bob")
        assert "older than the question" in await talk.answered("@bob", there)
        await talk.say("/tamma approve merge", on=pull)
        result = await handle.result()
        assert result.status is TaskStatus.COMPLETED
        assert "merge approved" in await talk.answered("@ada", there)
        assert loop.effects("merge_pr") == 1


async def test_strangers_quotations_and_ourselves_are_not_heard(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        handle = await loop.submit(approve=ApprovePolicy.PLAN)
        await at_gate(loop, handle, Gate.PLAN)
        talk = await talk_with(loop, handle)
        await talk.say("/tamma approve", author="mallory", trusted=False)
        await talk.say("> /tamma approve\n\nWhy that?")
        await talk.say("```\n/tamma approve\n```")
        await talk.say("/tamma approve", author="tamma")
        seen = await loop.until(handle, lambda view: any("mallory" in note for note in view.notes))
        # All of it was read when what came after it was.
        await talk.say("/tamma help")
        assert "`/tamma steer TEXT`" in await talk.answered("see below")
        assert seen.waiting_for is not None
        assert (await loop.view(handle)).waiting_for == seen.waiting_for
        assert [body for body in await talk.answers() if body.startswith("@")] == [
            await talk.answered("see below")
        ]
        await talk.say("/tamma reject not worth it")
        result = await handle.result()
        assert (result.status, "not worth it" in result.summary) == (TaskStatus.CANCELLED, True)
        assert "ada rejected it" in await talk.answered("not worth it")


async def test_whoever_the_configuration_does_not_name_is_not_heard(client: Client, tmp_path: Path) -> None:
    wanted = Conventions(people=("Ada",))
    async with running_loop(client, tmp_path, conventions=wanted) as loop:
        handle = await loop.submit(approve=ApprovePolicy.PLAN)
        await at_gate(loop, handle, Gate.PLAN)
        talk = await talk_with(loop, handle)
        await talk.say("/tamma reject", author="bob")
        await loop.until(handle, lambda view: any("bob" in note for note in view.notes))
        await talk.say("/tamma aprove\n/tamma cancel enough")
        assert (await handle.result()).summary.startswith("cancelled by ada: enough")
        answer = await talk.answered("`/tamma aprove`: there is no such command")
        assert "`/tamma approve [GATE]`" in answer


async def test_a_word_reaches_the_agent_in_the_middle_of_its_session(client: Client, tmp_path: Path) -> None:
    waits = turn(call("bash", command="while [ ! -e told ]; do sleep 0.05; done; rm told"))
    turns = script(agent=[*RED_TURNS, waits, *FIX_TURNS])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        seen = await loop.until(handle, lambda view: view.phase == "implement" and view.session_workflow)
        talk = await talk_with(loop, handle)
        await talk.say("/tamma steer Name it `average`.\n\nPlease.")
        assert "before its next turn" in await talk.answered("`/tamma steer`")
        (worktree,) = {found.parent for found in (tmp_path / "workspaces").rglob("test_mean.py")}
        (worktree.parent / "told").touch()
        assert (await handle.result()).status is TaskStatus.COMPLETED
        seen = await loop.view(handle)
        assert seen.session_id is not None
        assert "Name it `average`.\\n\\nPlease." in str(await loop.parts.store.read_entries(seen.session_id))


async def test_pause_resume_and_cancel_leave_the_branch(client: Client, tmp_path: Path) -> None:
    turns = script(agent=[*RED_TURNS, *([turn(call("bash", command="sleep 0.2"))] * 200)])
    async with running_loop(client, tmp_path, turns=turns) as loop:
        handle = await loop.submit()
        await loop.until(handle, lambda view: view.phase == "implement" and view.session_workflow)
        talk = await talk_with(loop, handle)
        await talk.say("/tamma pause")
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


async def test_a_merge_is_approved_of_the_head_that_was_there(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        handle = await loop.submit(approve=ApprovePolicy.MERGE)
        pull = await at_gate(loop, handle, Gate.MERGE)
        talk, there = await talk_with(loop, handle), Target("pull_request", pull)
        branch = (await loop.view(handle)).branch
        ours = git(loop.remote, "rev-parse", branch)
        git(loop.remote, "update-ref", f"refs/heads/{branch}", git(loop.remote, "rev-parse", "main"))
        await talk.say("/tamma approve", on=pull)
        assert f"the run would merge {ours[:12]}" in await talk.answered("@ada", there)
        git(loop.remote, "update-ref", f"refs/heads/{branch}", ours)
        await talk.say("/tamma approve", on=pull, author="bob")
        assert (await handle.result()).status is TaskStatus.COMPLETED


async def test_what_is_tried_twice_is_done_once(client: Client, tmp_path: Path) -> None:
    lost = [
        {"on": "list_comments", "when": "before", "times": 1, "error": "Transient"},
        {"on": "ensure_comment", "when": "after", "times": 1, "error": "Transient"},
    ]
    async with running_loop(client, tmp_path, faults=lost) as loop:
        handle = await loop.submit(approve=ApprovePolicy.PLAN)
        await at_gate(loop, handle, Gate.PLAN)
        talk = await talk_with(loop, handle)
        await talk.say("/tamma budget add 2")
        assert "now 5.00 USD" in await talk.answered("`/tamma budget`")
        await talk.say("/tamma approve")
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert (await loop.view(handle)).limits.budget_usd == 5
        assert len([body for body in await talk.answers() if "`/tamma budget`" in body]) == 1
