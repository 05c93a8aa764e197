"""Several tries at one change: the gates judge them, then a review; nothing of any of them is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, RPCError, WorkflowExecutionStatus, WorkflowHandle

from activities.standings import read_standing, standing_of, standings
from tamma.agents import lagging
from tamma.agents.best import blind_order
from tamma.cli.inspecting import reading, telling
from tamma.cli.inspecting.steps import Subject
from tamma.cli.retrying import places, starting
from tamma.cli.retrying.ordering import Changes
from tamma.model.budget import Period, SpendLimit
from tamma.model.changed import STEP_CHANGED
from tamma.model.conversation import Cost, CostSource
from tamma.model.ids import SessionId, new_task_id
from tamma.model.task import (
    AgentChoice,
    BudgetChange,
    Control,
    DevRequest,
    Reply,
    Steer,
    TaskStatus,
    TaskView,
)
from tamma.model.tries import SHARED, TRIES_JUDGED, TryOutcome, read_tries, try_session
from tamma.platforms.memory.platform import MemoryPlatform
from tamma.providers.interface import ProviderSettings
from tamma.providers.scripted import provider
from tamma.store.interface import EventQuery
from tamma.store.memory import MemoryStore
from tests.support.loop import (
    FIX_TURNS,
    QUICK,
    RED_TURNS,
    REPO,
    Handle,
    Loop,
    call,
    running_loop,
    script,
    turn,
)

WRONG_TURNS = [
    turn(call("str_replace", path="calc.py", old="(len(values) + 1)", new="(len(values) + 2)")),
    turn(call("finish", summary="divides by more")),
]
LONG_TURNS = [
    turn(call("str_replace", path="calc.py", old="(len(values) + 1)", new="len(values)")),
    turn(call("bash", command="echo '# by the long way' >> calc.py")),
    turn(call("finish", summary="the long way")),
]
HANGS = turn(text="Let me think.", delay_ms=600_000)
OTHER = AgentChoice("other")
SIGNALED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED


def other(*turns: dict[str, Any], **lanes: list[dict[str, Any]]) -> tuple[ProviderSettings, ...]:
    """Another provider; its part of a conversation begins after the failing test, too."""
    options = dict(script(agent=[*RED_TURNS, *turns], **lanes))
    return (ProviderSettings("other", "scripted", options=options),)


@pytest.fixture
async def priced(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """A call of the scripted models costs 0.10 USD, and all runs share 5 USD."""
    monkeypatch.setattr(provider, "NO_COST", Cost(Decimal("0.10"), CostSource.CONFIG))
    store = MemoryStore()
    await store.set_spend_limit(SpendLimit("*:acme/*", Period.TOTAL, Decimal(5)))
    return store


async def spent(store: MemoryStore) -> tuple[Decimal, Decimal]:
    """Spent and reserved of what runs share."""
    (standing,) = await store.limits_standing(datetime.now(UTC))
    return standing.spent, standing.reserved


async def held(store: MemoryStore) -> list[str]:
    """The names of open reservations."""
    return [each.key for each in await store.open_reservations()]


def chosen(view: TaskView) -> int:
    (number,) = (each.number for each in view.tries if each.chosen)
    return number


async def both(loop: Loop, **changes: Any) -> Handle:
    return await loop.submit(best_of=2, best_with=(OTHER,), **changes)


def sessions(client: Client, handle: Handle) -> list[WorkflowHandle[Any, Any]]:
    """Those of the two tries. The first session of a run writes the failing test."""
    return [client.get_workflow_handle(f"{handle.id}/session-{number}") for number in (2, 3)]


async def hanging(loop: Loop, handle: Handle, *, changed_by: int = 0) -> TaskView:
    """The run once its tries have begun, and that one of them has changed something."""
    names = tuple(session.id.rpartition("/")[2] for session in sessions(loop.client, handle))
    view = await loop.until(handle, lambda view: view.session_workflow.endswith(names), seconds=90)
    mark = str(try_session(view.task_id, changed_by))
    async with asyncio.timeout(90):
        while True:
            events = await loop.parts.store.read_events(EventQuery((STEP_CHANGED,)))
            changed = any(event.data["session"] == mark for event in events)
            if (changed or not changed_by) and all(
                [await exists(session) for session in sessions(loop.client, handle)]
            ):
                return view
            await asyncio.sleep(0.05)


async def exists(session: WorkflowHandle[Any, Any]) -> bool:
    try:
        await session.describe()
    except RPCError:
        return False
    return True


async def entries(loop: Loop, view: TaskView, number: int) -> list[str]:
    read = await loop.parts.store.read_entries(try_session(view.task_id, number))
    return [entry.message.text for entry in read]


def workspaces(loop: Loop) -> list[str]:
    return [folder.parent.name for folder in (loop.folder / "workspaces").glob("*/meta.json")]


async def test_the_right_one_is_merged_and_the_wrong_one_kept(client: Client, tmp_path: Path) -> None:
    turns = script(agent=[*RED_TURNS, *WRONG_TURNS])
    async with running_loop(client, tmp_path, turns=turns, accounts=other(*FIX_TURNS)) as loop:
        handle = await both(loop)
        result = await handle.result()
        view = await loop.view(handle)
        assert result.status is TaskStatus.COMPLETED
        assert "sum(values) / len(values)" in loop.show("main:calc.py")
        assert result.spend.turns == 1 + 4 + 2 + 3 + 1, "each paid for once: plan, test, two tries, review"
        assert chosen(view) == 2
        wrong, right = view.tries
        assert (right.green, wrong.green, wrong.passed) == (True, False, 0)
        assert wrong.diff is not None
        assert "len(values) + 2" in (await loop.parts.store.get_blob(wrong.diff)).decode()
        verdict = "1 of 2 tries was green; try 2 (other) was taken: it is the only one"
        assert verdict in view.notes
        platform = cast("MemoryPlatform", await loop.parts.platforms.get("memory"))
        assert verdict in (await platform.get_pr(REPO, view.pull_request)).body
        (event,) = [each for each in await loop.parts.store.read_events() if each.type == TRIES_JUDGED]
        assert read_tries(event.data)[1] == view.tries
        stood = await read_standing(loop.parts.store, standing_of(event))
        assert event in await standings(loop.parts.store, view.task_id)
        assert (stood.solved, stood.stage, stood.session_id) == (True, None, try_session(view.task_id, 2))
        assert stood.worker is not None
        assert stood.worker.provider == "other", "who goes on from there has its agent, too"
        assert workspaces(loop) == []
        # Both went on from the conversation in which the test was written, which is paid for once.
        before = await loop.parts.store.read_entries(SessionId(f"{view.task_id}/agent"))
        for number in (1, 2):
            read = await loop.parts.store.read_entries(try_session(view.task_id, number))
            assert [each.message for each in read[: len(before)]] == [each.message for each in before]
            shared = [each for each in read if each.cost_source == SHARED]
            assert len(shared) == 4
            assert all(each.cost_usd == 0 for each in shared)
        told = await reading.read(loop.parts.store, Subject(view.task_id))
        stages = [(stage.name, len(stage.steps)) for stage in told.stages]
        assert (stages[:2], stages[4:]) == ([("plan", 1), ("test", 4)], [("review", 1)])
        assert sorted(stages[2:4]) == [("implement", 2), ("implement", 3)], "whichever was answered first"
        words = "\n".join(telling.overview(told, diffs=True))
        assert "  try 1 (scripted): red (`python3 -m unittest tests.test_mean`), 2 files" in words
        assert "len(values) + 2" in words, "the diff of the one that was not taken"


@pytest.mark.slow
@pytest.mark.parametrize("readable", [True, False])
async def test_of_two_right_ones_the_review_chooses(
    client: Client, tmp_path: Path, *, readable: bool
) -> None:
    task_id = new_task_id()
    two = [TryOutcome(number, "", SessionId("")) for number in (1, 2)]
    letter = "AB"[[each.number for each in blind_order(task_id, two)].index(1)] if readable else "both"
    said = [{"text": f'{{"best": "{letter}", "why": "it says what it does"}}'}]
    turns = script(agent=[*RED_TURNS, *LONG_TURNS], choose=said)
    async with running_loop(client, tmp_path, turns=turns, accounts=other(*FIX_TURNS)) as loop:
        handle = await both(loop, task_id=task_id)
        result = await handle.result()
        view = await loop.view(handle)
        assert result.status is TaskStatus.COMPLETED
        assert all(each.green for each in view.tries)
        assert chosen(view) == (1 if readable else 2), "without a readable answer the smallest one"
        assert ("by the long way" in loop.show("main:calc.py")) is readable
        why = "it says what it does" if readable else "the smallest of the green ones"
        assert any("2 of 2 tries were green" in note and why in note for note in view.notes)
        (asked, _) = await loop.parts.store.read_entries(SessionId(f"{task_id}/choose"))
        assert "Candidate A" in asked.message.text
        assert "scripted" not in asked.message.text, "nobody's name is shown"


@pytest.mark.slow
async def test_the_best_red_one_is_mended(client: Client, tmp_path: Path) -> None:
    nothing = [turn(call("finish", summary="it cannot be done"))]
    mended = [turn(call("str_replace", path="calc.py", old="(len(values) + 2)", new="len(values)"))]
    turns = script(agent=[*RED_TURNS, *nothing])
    accounts = other(*WRONG_TURNS, *mended, turn(call("finish", summary="mended")))
    async with running_loop(client, tmp_path, turns=turns, accounts=accounts) as loop:
        handle = await both(loop)
        assert (await handle.result()).status is TaskStatus.COMPLETED
        view = await loop.view(handle)
        assert chosen(view) == 2
        assert any(note.startswith("none of 2 tries was green; try 2 (other) goes on") for note in view.notes)
        assert "sum(values) / len(values)" in loop.show("main:calc.py")
        assert view.session_id == try_session(view.task_id, 2), "it goes on in its own conversation"


@pytest.mark.slow
async def test_a_small_budget_bears_fewer_tries(client: Client, tmp_path: Path, priced: MemoryStore) -> None:
    async with running_loop(client, tmp_path, store=priced) as loop:
        # 0.50 are spent by then, 0.40 of them on the test: each of two has 0.43, and so has the rest.
        handle = await loop.submit(best_of=5, limits=replace(QUICK, budget_usd=Decimal("1.80")))
        result = await handle.result()
        assert result.status is TaskStatus.COMPLETED
        assert await spent(priced) == (result.spend.cost_usd, 0)
        view = await loop.view(handle)
        second_begins = next(text for text in await entries(loop, view, 2) if "Find the cause" in text)
        assert "0.43 USD of model calls, 31 model calls" in second_begins
        assert len(view.tries) == 2
        assert any(note.startswith("best of 5: only 2 are made") for note in view.notes)
        # Both made the same change: nobody is asked to compare it with itself.
        assert await loop.parts.store.read_entries(SessionId(f"{view.task_id}/choose")) == ()
        first, second = await entries(loop, view, 1), await entries(loop, view, 2)
        assert not any("Find the cause before you change anything" in text for text in first)
        assert any("Find the cause before you change anything" in text for text in second)


@pytest.mark.slow
async def test_people_reach_all_tries_and_the_end_leaves_the_best_work(
    client: Client, tmp_path: Path
) -> None:
    change = turn(call("bash", command="echo '# begun' >> calc.py"))
    turns = script(agent=[*RED_TURNS, HANGS])
    async with running_loop(client, tmp_path, turns=turns, accounts=other(change, HANGS)) as loop:
        handle = await both(loop)
        view = await hanging(loop, handle, changed_by=2)
        for name, given in (
            ("steer", Steer("mind the empty list")),
            ("add_budget", BudgetChange(add_turns=10)),
            ("pause", Control("ada")),
            ("cancel", Control("ada", "enough")),
        ):
            await handle.execute_update(name, given, result_type=Reply)  # pyright: ignore[reportUnknownMemberType, reportCallIssue, reportArgumentType]
        result = await handle.result()
        assert result.status is TaskStatus.CANCELLED
        assert "# begun" in loop.show(f"{view.branch}:calc.py"), "of two, the one that had done something"
        assert workspaces(loop) == []
        for session in sessions(client, handle):
            history = await session.fetch_history()
            assert (await session.describe()).status is WorkflowExecutionStatus.COMPLETED, "it was waited for"
            said = str([event for event in history.events if event.event_type == SIGNALED])
            assert "mind the empty list" in said
            assert '\\"add_turns\\":5' in said, "each has its share"
            assert '\\"order\\":\\"pause\\"' in said


@pytest.mark.slow
async def test_a_try_that_dies_does_not_end_the_run(
    client: Client, tmp_path: Path, priced: MemoryStore
) -> None:
    turns = script(agent=[*RED_TURNS, HANGS])
    async with running_loop(client, tmp_path, turns=turns, accounts=other(*FIX_TURNS), store=priced) as loop:
        handle = await both(loop)
        await hanging(loop, handle)
        async with asyncio.timeout(90):
            while await held(priced) != ["agent-try-1-0"]:  # noqa: ASYNC110 - the store has to be asked
                await asyncio.sleep(0.05)
        await sessions(client, handle)[0].terminate("somebody's mistake")
        result = await handle.result()
        assert result.status is TaskStatus.COMPLETED
        assert await spent(priced) == (result.spend.cost_usd, 0), "what it holds comes back all the same"
        view = await loop.view(handle)
        assert chosen(view) == 2
        assert view.tries[0].end == "its session was ended from outside"
        assert "sum(values) / len(values)" in loop.show("main:calc.py")


@pytest.mark.slow
async def test_a_run_that_was_ended_in_its_tries_goes_on_with_the_best(
    client: Client, tmp_path: Path
) -> None:
    turns = script(agent=[*RED_TURNS, FIX_TURNS[0], HANGS])
    third = ProviderSettings("third", "scripted", options=dict(script()))
    async with running_loop(client, tmp_path, turns=turns, accounts=(*other(HANGS), third)) as loop:
        handle = await both(loop)
        old = await hanging(loop, handle, changed_by=1)
        await handle.execute_update("cancel", Control("ada"), result_type=Reply)  # pyright: ignore[reportUnknownMemberType]
        assert (await handle.result()).status is TaskStatus.CANCELLED
        place = await places.at_the_end(loop.parts.store, old.task_id)
        assert place.spent.turns == 1 + 4 + 1
        changes = Changes(AgentChoice("third"))
        request = await starting.request_of(loop.parts.store, place, changes)
        again = await loop.submit(**{name: getattr(request, name) for name in DevRequest.__slots__})
        result = await again.result()
        assert result.status is TaskStatus.COMPLETED
        assert result.spend.turns == 2 + 1, "what the try had left to do, and the review"
        assert (await loop.view(again)).tries == (), "nothing is begun again that was begun"
        assert "sum(values) / len(values)" in loop.show("main:calc.py")


@pytest.mark.slow
async def test_a_try_whose_provider_is_away_does_not_keep_the_others(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lagging, "GRACE", timedelta(seconds=0.5))  # else ten minutes
    away = turn(text="never", error={"type": "RateLimited", "retry_after": 3599, "times": 1000})
    async with running_loop(client, tmp_path, accounts=other(away)) as loop:
        handle = await both(loop)
        assert (await handle.result()).status is TaskStatus.COMPLETED
        view = await loop.view(handle)
        assert chosen(view) == 1
        assert view.tries[1].end.startswith("another try had finished, and this one still waited: ")


@pytest.mark.slow
async def test_a_try_that_cannot_begin_does_not_end_the_run(client: Client, tmp_path: Path) -> None:
    async with running_loop(client, tmp_path) as loop:
        handle = await both(loop)
        taken = sessions(client, handle)[1].id
        other_one = await client.start_workflow("Another", id=taken, task_queue="nobody-serves-it")
        try:
            assert (await handle.result()).status is TaskStatus.COMPLETED
            view = await loop.view(handle)
            assert chosen(view) == 1
            assert view.tries[1].end.startswith("its session could not begin: ")
        finally:
            await other_one.terminate()
