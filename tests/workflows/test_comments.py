"""What people say to a run in comments: who is heard, once, and what is answered."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.client import Client

from tamma.model.conventions import Conventions
from tamma.model.task import Gate
from tests.support.asker import Asking, asking


async def noted(run: Asking, name: str) -> None:
    """Once the run says that it left out what somebody said."""
    async with asyncio.timeout(120):
        while not any(name in note for note in (await run.view()).notes):  # noqa: ASYNC110 - it has to be asked
            await asyncio.sleep(0.02)


async def test_strangers_quotations_and_we_ourselves_are_not_heard(client: Client, tmp_path: Path) -> None:
    async with asking(client, tmp_path) as run:
        await run.say("/tamma approve", "mallory", trusted=False)
        await noted(run, "mallory")
        await run.say("> /tamma approve\n\nWhy that?")
        await run.say("```\n/tamma approve\n```")
        await run.say("/tamma approve", "tamma")
        await run.say("/tamma help")  # all that came before it was read when this is answered
        assert "`/tamma steer TEXT`" in await run.answered("see below")
        assert len(await run.written()) == 1
        assert await run.gate() is Gate.PLAN
        await run.say("/tamma reject not worth it")
        assert "ada rejected it: not worth it" in await run.handle.result()
        await run.answered("`/tamma reject`: ada rejected it: not worth it")


async def test_only_who_is_named_is_heard_where_somebody_is(client: Client, tmp_path: Path) -> None:
    async with asking(client, tmp_path, wanted=Conventions(people=("Ada",))) as run:
        await run.say("/tamma approve", "bob")
        await noted(run, "bob")
        await run.say("/tamma approve", wake=False)
        assert "plan approved" in await run.answered("@ada")
        assert len(await run.written()) == 1


async def test_what_is_tried_twice_is_done_once(client: Client, tmp_path: Path) -> None:
    lost = [{"on": "ensure_comment", "when": "after", "times": 1, "error": "Transient"}]
    async with asking(client, tmp_path, faults=lost) as run:
        await run.say("/tamma budget add 2\n/tamma budget add 2")
        assert "now 5.00 USD" in await run.answered("`/tamma budget`")
        await run.say("/tamma approve")
        await run.answered("plan approved")
        assert (await run.view()).limits.budget_usd == 5
        assert len(await run.written()) == 2


async def test_what_cannot_be_done_is_said(client: Client, tmp_path: Path) -> None:
    async with asking(client, tmp_path) as run:
        await run.say("/tamma aprove")
        assert "`/tamma approve [GATE]`" in await run.answered("`/tamma aprove`: there is no such command")
        await run.say("/tamma approve merge")
        await run.answered("the run waits at the gate 'plan', not 'merge'")
        await run.say("/tamma approve everything")
        await run.answered("there is no gate 'everything'")
        await run.say("/tamma approve\n/tamma reject")
        assert (await run.answered("it says yes and no")).count("it says yes and no") == 2
        await run.say("/tamma approve", at=datetime.now(UTC) - timedelta(minutes=10))
        await run.say("/tamma budget add 21")
        await run.answered("a comment can add 20 USD")
        await run.say("/tamma answer 42")
        await run.answered("no questions")
        await run.say("/tamma steer")
        await run.answered("the message is empty")
        assert await run.gate() is Gate.PLAN
        # Ten minutes ago there was another run, or none: that comment is not even answered.
        assert len(await run.written()) == 7


async def test_a_yes_answers_the_question_that_was_asked_and_not_the_next(
    client: Client, tmp_path: Path
) -> None:
    """Two people agree to the plan at once. The second yes is none to what is asked a moment later."""
    async with asking(client, tmp_path) as run:
        await run.say("/tamma approve", wake=False)
        await run.say("/tamma approve")
        await run.answered("plan approved")
        await run.answered("`/tamma approve`: not done, as ")
        assert await run.gate() is Gate.CHANGE
        await run.say("/tamma approve")
        await run.answered("change approved")


async def test_rights_in_a_tracker_are_none_to_code(client: Client, tmp_path: Path) -> None:
    async with asking(client, tmp_path, wanted=Conventions(tracker="jira")) as run:
        await run.say("/tamma budget add 2")
        await run.answered("known on the forge")
        await run.say("/tamma approve")
        await run.answered("plan approved")
        await run.say("/tamma approve\n/tamma resume")
        assert (await run.answered("`/tamma resume`")).count("known on the forge") == 2
        assert await run.gate() is Gate.CHANGE
