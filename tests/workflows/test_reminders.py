"""A run that waits for a person: reminds once, calls people by name, and goes on waiting."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tamma.model.commands import commands_in
from tamma.model.conventions import Conventions
from tamma.model.task import Gate, Limits
from tests.support.asker import asking
from tests.support.skipping import skipping_time

LABEL = "needs-human-review"


def test_the_specifications_times_hold() -> None:
    assert (Limits().remind_after, Limits().escalate_after) == (24 * 3600, 72 * 3600)


async def test_two_weeks_of_waiting(tmp_path: Path) -> None:
    """A reminder, a call by name, and few events; then an answer, as if it had come at once."""
    wanted = Conventions(people=("ada", "@bob"))
    async with (
        skipping_time() as env,
        asking(env.client, tmp_path, Limits(poll=4 * 3600), wanted) as run,
    ):
        await env.sleep(timedelta(hours=23))
        assert await run.written() == []
        await env.sleep(timedelta(hours=2))
        (reminder,) = await run.written()
        assert "`/tamma approve plan`" in reminder
        assert "Divide by one less." in reminder, "what is to be approved"
        assert commands_in(reminder) == ()
        assert LABEL not in await run.labels()
        await env.sleep(timedelta(hours=48))
        _, call = await run.written()
        assert call.startswith("@ada @bob\n\n**This needs a person.** The run has waited for 3 days")
        assert LABEL in await run.labels()
        await env.sleep(timedelta(days=14))
        assert len(await run.written()) == 2
        assert await run.events() < 100
        await run.say("/tamma approve", at=await env.get_current_time())
        assert "plan approved" in await run.answered("@ada\n")
        # The next question is a wait of its own, and an answer in time needs no reminder.
        assert await run.gate() is Gate.CHANGE
        await env.sleep(timedelta(hours=23))
        await run.say("/tamma approve change", "bob", at=await env.get_current_time() - timedelta(days=2))
        assert "it is older than the question (change)" in await run.answered("@bob\n\n-")
        await run.say("/tamma approve change", at=await env.get_current_time())
        await run.handle.result()
        assert sum("waits for you" in body for body in await run.written()) == 1


async def test_a_call_that_may_not_set_the_label_is_made_all_the_same(tmp_path: Path) -> None:
    faults = [{"on": "set_labels", "when": "before", "times": 1, "error": "Forbidden"}]
    limits = Limits(poll=4 * 3600, remind_after=0, escalate_after=3600)
    async with skipping_time() as env, asking(env.client, tmp_path, limits, faults=faults) as run:
        await env.sleep(timedelta(hours=2))
        (call,) = await run.written()
        assert call.startswith("**This needs a person.** The run has waited for an hour,")
        assert any(LABEL in note for note in (await run.view()).notes)
