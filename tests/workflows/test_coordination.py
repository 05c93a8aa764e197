"""Runs handed in by hand on one repository wait for issues that come first, and for runs about one file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from tamma.model.coordination import FILES_CLAIMED
from tamma.model.ids import forge_run_id
from tamma.model.task import (
    AgentChoice,
    Approval,
    ApprovePolicy,
    Control,
    DevResult,
    Gate,
    Phase,
    TaskStatus,
    TaskView,
)
from tamma.providers.interface import ProviderSettings
from tamma.store.interface import EventQuery
from tamma.temporal import runs
from tamma.temporal.traffic import RepositoryTraffic
from tamma.workspace.layout import Layout, read_meta
from tests.cli.shop import Shop, shop_of
from tests.support.histories import replay_and_keep
from tests.support.loop import (
    FILES,
    ISSUE,
    PLANNING,
    Handle,
    Loop,
    call,
    git,
    running_loop,
    script,
    tell,
    turn,
)
from tests.support.trials import NEVER_RED
from tests.workflows.test_conflicts import move_main
from workflows.autonomous_dev import AutonomousDev

REMARK = "# the second one was here\n"
OTHER = ProviderSettings(
    "other",
    "scripted",
    options=script(
        agent=[
            *NEVER_RED,
            turn(call("bash", command=f"printf '%s' '{REMARK}' >> calc.py")),
            turn(call("finish", summary="a remark")),
        ]
    ),
)
"""Adds a line to calc.py, whatever else is in it."""
PATIENCE = 240
"""Seconds for what takes a few: the machine may be busy."""
pytestmark = pytest.mark.timeout(300)


class Line:
    """Runs of one repository, begun as `tamma submit` begins them."""

    def __init__(self, shop: Shop, loop: Loop) -> None:
        self._shop = shop
        self.loop = loop

    async def submit(self, issue: str, **changes: Any) -> Handle:
        request = self._shop.request(issue, **changes)
        identity = forge_run_id(self._shop.repo, issue)
        await runs.start_run(self.loop.client, request, identity)
        handle: Handle = self.loop.client.get_workflow_handle(identity, result_type=DevResult)
        self.loop.handles.append(handle)
        return handle

    async def first(self, issue: str = "1") -> Handle:
        """A run whose plan is agreed and names calc.py, and that has been paused before it does anything."""
        handle = await self.submit(issue, approve=ApprovePolicy.PLAN)
        await self.at(handle, Gate.PLAN)
        await handle.signal("pause")
        await handle.execute_update("approve", Approval(Gate.PLAN, "approve", by="ada"))  # pyright: ignore[reportUnknownMemberType]
        await self.at(handle, Gate.PAUSED)
        return handle

    async def at(self, handle: Handle, gate: Gate) -> TaskView:
        return await self.loop.until(
            handle, lambda view: view.waiting_for and view.waiting_for.gate is gate, seconds=PATIENCE
        )

    async def at_work(self, handle: Handle) -> TaskView:
        """It has its plan, and its turn."""
        return await self.loop.until(handle, lambda view: view.phase not in PLANNING, seconds=PATIENCE)


@asynccontextmanager
async def line(client: Client, folder: Path, **issues: str) -> AsyncGenerator[Line]:
    """A worker for a repository with a name of its own, and its issues."""
    shop = shop_of(folder)
    full = shop.repo.full_name
    written = {"1": ISSUE, "2": ISSUE, "3": ISSUE}
    written |= {name.lstrip("_"): text for name, text in issues.items()}
    async with running_loop(
        client,
        folder,
        accounts=(OTHER,),
        repositories={full: str(folder / "calc.git")},
        issues={full: written},
    ) as loop:
        yield Line(shop, loop)


def waits(view: TaskView) -> str:
    assert view.waiting_for is not None
    assert (view.waiting_for.gate, view.waiting_for.person) == (Gate.ORDER, False)
    return view.waiting_for.reason


def bases(loop: Loop) -> list[str]:
    """The commits that workspaces are on."""
    return [
        read_meta(Layout(folder.parent)).base_sha for folder in loop.folder.glob("workspaces/*/meta.json")
    ]


async def ends(handle: Handle) -> DevResult:
    async with asyncio.timeout(PATIENCE):
        return await handle.result()


async def test_who_comes_second_to_a_file_waits_with_nothing_in_hand(client: Client, tmp_path: Path) -> None:
    async with line(client, tmp_path) as it:
        first = await it.first()
        theirs = (await it.loop.view(first)).task_id
        second = await it.submit("2", agent=AgentChoice("other"))
        seen = await it.at(second, Gate.ORDER)
        assert waits(seen) == f"the run of #1 (task {theirs}) changes calc.py first"
        held = await it.loop.parts.workspaces.held()
        assert [each.id for each in held] == [theirs], "who waits takes no room from others"
        assert await it.loop.parts.store.open_reservations(limit=9) == ()
        await second.execute_update("cancel", Control("ada", "enough"))  # pyright: ignore[reportUnknownMemberType]
        result = await ends(second)
        assert (result.status, result.summary) == (TaskStatus.CANCELLED, "cancelled by ada: enough.")
        assert (await it.loop.view(second)).notes == (), "there was no work to be left behind"
        await replay_and_keep({"second": await second.fetch_history()}, [AutonomousDev])


@pytest.mark.slow
async def test_who_comes_second_to_a_file_goes_on_where_somebody_says_so(
    client: Client, tmp_path: Path
) -> None:
    async with line(client, tmp_path) as it:
        await it.first()
        second = await it.submit("2", agent=AgentChoice("other"))
        told = waits(await it.at(second, Gate.ORDER))
        telling = await it.submit("3", agent=AgentChoice("other"), coordination="tell")
        seen = await it.at_work(telling)
        assert f"{told}; 2 runs are ahead in all" in seen.notes
        await second.execute_update("resume", Control("ada"))  # pyright: ignore[reportUnknownMemberType]
        assert f"somebody let it go on, although {told}" in (await it.at_work(second)).notes


@pytest.mark.slow
async def test_the_second_begins_where_the_first_has_ended_and_both_are_merged(
    client: Client, tmp_path: Path
) -> None:
    async with line(client, tmp_path) as it:
        first = await it.first()
        second = await it.submit("2", agent=AgentChoice("other"))
        await it.at(second, Gate.ORDER)
        await first.execute_update("resume", Control("ada"))  # pyright: ignore[reportUnknownMemberType]
        merged = await ends(first)
        assert merged.status is TaskStatus.COMPLETED
        assert (await ends(second)).status is TaskStatus.COMPLETED
        assert it.loop.show("main:calc.py") == FILES["calc.py"].replace(
            "(len(values) + 1)", "len(values)"
        ) + (REMARK.strip())
        seen = await it.loop.view(second)
        assert not [note for note in seen.notes if "was put onto" in note], (
            "nothing had to be put onto a base"
        )
        assert seen.session_id is not None
        entries = str(await it.loop.parts.store.read_entries(seen.session_id))
        assert f"main moved from {git(it.loop.remote, 'rev-parse', 'main~2')[:12]}" in entries
        await replay_and_keep({"second": await second.fetch_history()}, [AutonomousDev])


@pytest.mark.slow
async def test_a_run_that_is_ended_by_force_is_ahead_of_nobody(client: Client, tmp_path: Path) -> None:
    async with line(client, tmp_path) as it:
        first = await it.first()
        second = await it.submit("2", agent=AgentChoice("other"))
        await it.at(second, Gate.ORDER)
        await first.terminate("its worker could not say goodbye")
        assert (await ends(second)).status is TaskStatus.COMPLETED


async def test_a_run_waits_for_the_issue_that_its_own_depends_on(client: Client, tmp_path: Path) -> None:
    text = f"{ISSUE}\nDepends on #1, #77.\n"
    async with line(client, tmp_path, _2=text) as it:
        run = await it.submit("2", agent=AgentChoice("other"), merge="never")
        seen = await it.at(run, Gate.ORDER)
        assert waits(seen) == "it depends on #1, which is open"
        assert seen.phase is Phase.ACCEPT
        assert await it.loop.parts.workspaces.held() == ()
        new = move_main(it.loop, {"other.py": "other = 1\n"})
        platform = await it.loop.parts.platforms.get("memory")
        repo = (await it.loop.view(run)).repo
        await platform.close_issue(repo, "1")
        await run.signal("platform_event")
        result = await ends(run)
        assert result.status is TaskStatus.COMPLETED
        assert git(it.loop.remote, "rev-parse", f"{result.branch}^") == new, (
            "it began where the base was then"
        )
        assert (await it.loop.view(run)).notes[:2] == (
            "it depends on #77, which cannot be read",
            "it waited: it depends on #1, which is open",
        )
        await replay_and_keep({"run": await run.fetch_history()}, [AutonomousDev])


async def test_who_knows_better_does_not_wait_for_issues(client: Client, tmp_path: Path) -> None:
    text = f"{ISSUE}\nDepends on #1.\n"
    async with line(client, tmp_path, _2=text, _3=text) as it:
        run = await it.submit("2", agent=AgentChoice("other"))
        reason = waits(await it.at(run, Gate.ORDER))
        assert "and then stands still" in await tell(run, "pause", Control("ada"))
        assert "waits for its turn" in await tell(run, "resume", Control("ada"))
        seen = await it.loop.until(run, lambda view: view.notes and view.waiting_for)
        assert (waits(seen), seen.notes) == (reason, (f"it waited: {reason}",)), (
            "it was paused, and waits again"
        )
        new = move_main(it.loop, {"other.py": "other = 1\n"})
        await run.execute_update("resume", Control("ada"))  # pyright: ignore[reportUnknownMemberType]
        seen = await it.loop.until(run, lambda view: view.sandbox_tier, seconds=PATIENCE)
        assert f"somebody let it go on, although {reason}" in seen.notes
        assert bases(it.loop) == [new], "it begins where the base is by then"
        telling = await it.submit("3", agent=AgentChoice("other"), coordination="tell")
        seen = await it.loop.until(telling, lambda view: view.phase is not Phase.ACCEPT)
        assert reason in seen.notes


async def test_issues_in_a_circle_wait_for_a_person(client: Client, tmp_path: Path) -> None:
    async with line(client, tmp_path, _1=f"{ISSUE}\nDepends on #2.\n", _2=f"{ISSUE}\nDepends on #1.\n") as it:
        run = await it.submit("2", agent=AgentChoice("other"))
        seen = await it.at(run, Gate.ORDER)
        assert seen.waiting_for is not None
        assert (seen.status, seen.waiting_for.person) == (TaskStatus.PAUSED, True)
        assert seen.waiting_for.reason == (
            "it depends on #1, which is open; #1 depends on #2, which depends on #1: a person has to look"
        )
        await run.execute_update("resume", Control("ada"))  # pyright: ignore[reportUnknownMemberType]
        seen = await it.loop.until(run, lambda view: view.phase is not Phase.ACCEPT, seconds=PATIENCE)
        assert seen.notes[0].startswith("somebody let it go on, although it depends on #1")


@pytest.mark.slow
async def test_a_run_that_pushes_nothing_waits_for_no_run_and_holds_up_none(
    client: Client, tmp_path: Path
) -> None:
    async with line(client, tmp_path) as it:
        await it.first()
        helper = await it.submit("2", workflow_type="manual-assist")
        await it.at(helper, Gate.PLAN)
        await helper.execute_update("approve", Approval(Gate.PLAN, "approve", by="ada"))  # pyright: ignore[reportUnknownMemberType]
        await it.at(helper, Gate.PATCH)
        (claimed,) = await it.loop.parts.store.read_events(EventQuery((FILES_CLAIMED,)))
        assert claimed.data["files"] == ["calc.py"]
        assert "issue:1" in claimed.tags
        repo = (await it.loop.view(helper)).repo
        found: dict[str, tuple[str, ...]] = {}
        async with asyncio.timeout(PATIENCE):
            while found != {"1": ("calc.py",), "2": ()}:  # who does not answer in time has no files
                traffic = await RepositoryTraffic(client).traffic(repo, {}, datetime.now(UTC))
                found = {run.issue: run.files for run in traffic.live}
