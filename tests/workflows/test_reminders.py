"""A run that waits for a person: reminds once, calls people by name, and goes on waiting."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.client import Client

from activities import listening
from tamma.model.commands import commands_in
from tamma.model.conventions import Conventions
from tamma.model.task import Gate, Limits, TaskStatus
from tests.support.asker import Asking, asking
from tests.support.loop import QUICK

LABEL = "needs-human-review"


def test_the_specifications_times_hold() -> None:
    assert (Limits().remind_after, Limits().escalate_after) == (24 * 3600, 72 * 3600)


async def test_a_reminder_and_a_call_by_name_once_each(client: Client, tmp_path: Path) -> None:
    limits = replace(QUICK, remind_after=0.5, escalate_after=1.0)
    async with asking(client, tmp_path, limits, Conventions(people=("ada", "@bob"))) as run:
        reminder = await run.answered("waits for you")
        assert "`/tamma approve plan`" in reminder
        assert "Divide by one less." in reminder, "what is to be approved"
        assert commands_in(reminder) == ()
        call = await run.answered("**This needs a person.**")
        assert call.startswith("@ada @bob\n\n**This needs a person.**")
        assert (await run.view()).status is TaskStatus.PAUSED
        await run.say("/tamma approve")
        await run.answered("plan approved")
        # The next question is a wait of its own.
        async with asyncio.timeout(120):
            while sum("waits for you" in body for body in await run.written()) < 2:  # noqa: ASYNC110 - it has to be asked
                await asyncio.sleep(0.02)
        assert LABEL in await run.labels()
        assert await run.gate() is Gate.CHANGE


async def test_a_call_that_may_not_set_the_label_is_made_all_the_same(client: Client, tmp_path: Path) -> None:
    faults = [{"on": "set_labels", "when": "before", "times": 1, "error": "Forbidden"}]
    limits = replace(QUICK, remind_after=0, escalate_after=0.2)
    async with asking(client, tmp_path, limits, faults=faults) as run:
        await run.answered("**This needs a person.**")
        async with asyncio.timeout(120):
            while not any(LABEL in note for note in (await run.view()).notes):  # noqa: ASYNC110 - it has to be asked
                await asyncio.sleep(0.02)
        assert len(await run.written()) == 1


async def test_looks_leave_no_trace_in_the_history(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two weeks are two thousand looks at most; six of them cost as much as two."""
    assert 14 * 24 * 3600 / listening.LONGEST_LOOK < 2100
    monkeypatch.setattr(listening, "SHORTEST_LOOK", 0.01)
    monkeypatch.setattr(listening, "LONGEST_LOOK", 0.01)
    async with asking(client, tmp_path, replace(QUICK, poll=0.01)) as run:
        await looks(run, 2)
        before = await run.events()
        await looks(run, 6)
        assert await run.events() == before < 40


async def looks(run: Asking, wanted: int) -> None:
    """Wait until it has looked that often."""
    async with asyncio.timeout(120):
        while True:
            pending = (await run.handle.describe()).raw_description.pending_activities
            if any(each.attempt >= wanted for each in pending):
                return
            await asyncio.sleep(0.05)
