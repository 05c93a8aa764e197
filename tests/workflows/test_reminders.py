"""A run that waits for a person: reminds once, calls people by name, and goes on waiting."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tamma.model.conventions import Conventions
from tamma.model.task import ApprovePolicy, Gate, Limits, TaskStatus
from tests.support.loop import QUICK, REPO, running_loop
from tests.support.skipping import skipping_time
from tests.workflows.test_comments import at_gate, talk_with

HOURLY = replace(QUICK, poll=3600)


def test_the_specifications_times_hold() -> None:
    assert (Limits().remind_after, Limits().escalate_after) == (24 * 3600, 72 * 3600)


async def test_two_weeks_of_waiting(tmp_path: Path) -> None:
    """A reminder, a call by name, and few events; then an answer, as if it had come at once."""
    wanted = Conventions(people=("ada", "bob"))
    async with skipping_time() as env, running_loop(env.client, tmp_path, conventions=wanted) as loop:
        handle = await loop.submit(approve=ApprovePolicy.PLAN, limits=HOURLY)
        await at_gate(loop, handle, Gate.PLAN)
        talk = await talk_with(loop, handle)
        platform = await loop.parts.platforms.get("memory")
        asked = (await handle.describe()).history_length
        await env.sleep(timedelta(hours=23))
        assert await talk.answers() == []
        await env.sleep(timedelta(hours=2))
        reminder = await talk.answered("waits for you")
        assert "`/tamma approve plan`" in reminder
        assert "divides by one too many" in reminder, "the plan that is to be approved"
        assert "needs-human-review" not in (await platform.get_issue(REPO, "1")).labels
        await env.sleep(timedelta(hours=47))
        assert (await talk.answered("This needs a person")).startswith("@ada @bob\n")
        assert "needs-human-review" in (await platform.get_issue(REPO, "1")).labels
        await env.sleep(timedelta(days=14))
        assert len(await talk.answers()) == 2
        assert (await loop.view(handle)).status is TaskStatus.PAUSED
        assert (await handle.describe()).history_length - asked < 60
        await talk.say("/tamma approve", at=await env.get_current_time())
        assert (await handle.result()).status is TaskStatus.COMPLETED
        assert (await handle.describe()).history_length < 200
