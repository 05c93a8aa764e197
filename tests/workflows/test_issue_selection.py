"""Issues are taken by themselves: the real server and the memory platform; the runs do as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from activities.selection import RepositoryRuns, SelectionActivities
from activities.store import StoreActivities
from tamma.model.agent import AgentConfig, AgentPin
from tamma.model.ids import WorkflowId, forge_run_id, new_task_id
from tamma.model.references import RepoRef
from tamma.model.selection import SelectionRequest, SelectionRules, SelectionView, Traffic, selection_id
from tamma.model.task import (
    DEV_WORKFLOW,
    TASK_QUEUE,
    Accepted,
    AgentChoice,
    DevRequest,
    DevResult,
    Phase,
    TaskStatus,
    TaskView,
)
from tamma.platforms.interface import Platform, PlatformSettings
from tamma.pools import Platforms
from tamma.store.interface import AppendCondition, EventQuery, NewEvent
from tamma.store.memory import MemoryStore
from tamma.temporal import runs, selection
from tamma.temporal.run_errors import RunAuthRefused
from tamma.temporal.traffic import RepositoryTraffic
from tests.analysis.made import add_agent
from tests.cli.shop import shop_of
from tests.support.histories import replay_and_keep
from tests.support.loop import running_loop
from workflows.issue_selection import IssueSelection, SelectionTick

Pass = WorkflowHandle[Any, SelectionView]
RULES = SelectionRules(labels=("tamma",), exclude_labels=("wontfix",), concurrency=2)


@workflow.defn(name=DEV_WORKFLOW, sandboxed=False)
class ToldRun:
    """A run that ends when and how it is told, and says what it was told that it changes."""

    @workflow.init
    def __init__(self, request: DevRequest) -> None:
        self._request = request
        self._plan = ""
        self._end = ""

    @workflow.run
    async def run(self, request: DevRequest) -> DevResult:
        await workflow.wait_condition(lambda: self._end != "")
        if self._end == "fail":
            raise ApplicationError("told to fail", non_retryable=True)
        return DevResult(TaskStatus.COMPLETED, "told to end")

    @workflow.query(name="view")
    def view(self) -> TaskView:
        request = self._request
        return TaskView(
            request.task_id, TaskStatus.RUNNING, Phase.PLAN, request.repo, request.issue, plan=self._plan
        )

    @workflow.update(name="accepted")
    async def accepted(self) -> Accepted:
        return Accepted(self._request.task_id, "", "", "main", "", "")

    @workflow.signal
    def plan(self, markdown: str) -> None:
        self._plan = markdown

    @workflow.signal
    def end(self, how: str) -> None:
        self._end = how


@dataclass
class Yard:
    """A repository whose issues are selected."""

    client: Client
    repo: RepoRef
    platform: Platform
    store: MemoryStore
    handles: list[Pass] = field(default_factory=list[Pass])

    def request(self, rules: SelectionRules = RULES, **changes: Any) -> SelectionRequest:
        order = DevRequest(new_task_id(), self.repo, "", AgentChoice("scripted"), submitted_by="ada")
        return replace(SelectionRequest(self.repo, rules, order, settle=0), **changes)

    async def begin(self, rules: SelectionRules = RULES, **changes: Any) -> Pass:
        handle, _ = await selection.run_once(self.client, self.request(rules, **changes))
        return handle

    async def once(self, rules: SelectionRules = RULES, **changes: Any) -> SelectionView:
        """A whole pass; the index knows what it began."""
        handle = await self.begin(rules, **changes)
        async with asyncio.timeout(120):
            view = await selection.outcome(handle)
        self.handles.append(handle)
        await self.until_indexed(lambda now: {each.number for each in view.taken} <= issues_of(now))
        return view

    async def replay(self) -> None:
        """The histories of all passes fit the code."""
        for handle in self.handles:
            name = "taking" if (await handle.result()).taken else "looking"
            found = self.client.get_workflow_handle(handle.id, run_id=handle.result_run_id)
            await replay_and_keep({name: await found.fetch_history()}, [IssueSelection])

    def run(self, issue: str) -> WorkflowHandle[Any, DevResult]:
        return self.client.get_workflow_handle(forge_run_id(self.repo, issue), result_type=DevResult)

    async def ordered(self, issue: str) -> DevRequest:
        """What the issue's last run was started with."""
        began = (await self.run(issue).fetch_history()).events[0]
        given = began.workflow_execution_started_event_attributes.input.payloads
        (request,) = await self.client.data_converter.decode(list(given), [DevRequest])
        return request

    async def end(self, issue: str, how: str = "done") -> None:
        """The run ends; its issue is closed as the merge closes it."""
        if how == "done":
            await self.platform.close_issue(self.repo, issue)
        handle = self.run(issue)
        await handle.signal("end", how)
        try:
            await handle.result()
        except WorkflowFailureError:
            assert how == "fail"
        await self.until_indexed(lambda now: issue not in issues_of(now))

    async def until_indexed(self, condition: Callable[[Traffic], object]) -> Traffic:
        async with asyncio.timeout(120):
            while True:
                now = await RepositoryTraffic(self.client).traffic(self.repo, {}, datetime.now().astimezone())
                if condition(now):
                    return now
                await asyncio.sleep(0.05)

    async def rested(self) -> None:
        """No pass is under way."""
        async with asyncio.timeout(120):
            while await self._passing():  # noqa: ASYNC110 - the server has to be asked
                await asyncio.sleep(0.05)

    async def _passing(self) -> bool:
        last = (await selection.show(self.client, self.repo)).last
        return last is not None and last.ended_at is None

    async def live(self) -> list[str]:
        now = await RepositoryTraffic(self.client).traffic(self.repo, {}, datetime.now().astimezone())
        return sorted(each.issue for each in now.live)


def issue(title: str = "broken", *, labels: str = "tamma", body: str = "It fails.", who: str = "") -> str:
    return f"---\nlabels: [{labels}]\nassignees: [{who}]\n---\n# {title}\n\n{body}\n"


@asynccontextmanager
async def yard(
    client: Client,
    folder: Path,
    issues: Mapping[str, str],
    *,
    store: MemoryStore | None = None,
    traffic: RepositoryRuns | None = None,
    **options: object,
) -> AsyncGenerator[Yard]:
    """A worker that selects issues of a repository with a name of its own, and runs that do as told."""
    repo = shop_of(folder).repo
    settings = PlatformSettings(
        "memory",
        "memory",
        options={
            "repositories": {repo.full_name: "none"},
            "issues": {repo.full_name: dict(issues)},
            **options,
        },
    )
    platforms, store = Platforms(lambda _: settings), store or MemoryStore()
    ours = SelectionActivities(platforms, traffic or RepositoryTraffic(client), store)
    it = Yard(client, repo, await platforms.get("memory"), store)
    async with Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[IssueSelection, SelectionTick, ToldRun],
        activities=[ours.look_for_issues, ours.take_issue, StoreActivities(store).record_event],
    ):
        try:
            yield it
        finally:
            for number in await it.live():
                await it.run(number).terminate("the test is over")
            await platforms.close()


def issues_of(now: Traffic) -> set[str]:
    return {each.issue for each in now.live}


def taken(view: SelectionView) -> list[str]:
    return [each.number for each in view.taken]


def reasons(view: SelectionView) -> dict[str, str]:
    return {each.number: each.reason for each in view.left}


async def test_five_issues_two_at_once_oldest_first_all_done(client: Client, tmp_path: Path) -> None:
    issues = {str(number): issue(f"issue {number}") for number in range(1, 6)}
    others = {
        "6": issue(labels="bug"),
        "7": issue(labels="tamma, wontfix"),
        "8": issue(who="ada"),
    }
    async with yard(client, tmp_path, {**others, **issues}) as it:
        dry = await it.once(dry_run=True)
        assert [each.number for each in dry.would_take] == ["1", "2"]
        assert await it.live() == []

        order, done = list[str](), list[str]()
        while len(done) < 5:
            view = await it.once()
            order += taken(view)
            live = await it.live()
            assert 0 < len(live) <= 2
            assert taken(await it.once()) == [], "no more than two, however often it looks"
            oldest = min(live)
            done.append(oldest)
            await it.end(oldest)
        await it.replay()
        assert order == done == ["1", "2", "3", "4", "5"]
        last = await it.once()
        assert reasons(last) == {
            "7": "it has the label 'wontfix'",
            "8": "it is assigned to ada",
        }, "what lacks the label is not even listed"
        assert (await it.platform.get_issue(it.repo, "3")).assignees == ("tamma",)
        events = await it.store.read_events(EventQuery(("issue.selected",)))
        assert [event.data["title"] for event in events] == [f"issue {number}" for number in range(1, 6)]


async def test_a_run_is_the_one_that_submit_would_have_begun(client: Client, tmp_path: Path) -> None:
    async with yard(client, tmp_path, {"1": issue()}) as it:
        (begun,) = (await it.once()).taken
        order = it.request().order
        again = await runs.start_run(
            client, replace(order, issue="1"), forge_run_id(it.repo, "1")
        )  # as by hand
        assert (again.new, again.accepted.task_id) == (False, begun.task_id)
        record = await runs.index.find_by_task(client, begun.task_id, whole=True)
        assert (record.repo, record.issue, record.agent) == (it.repo.full_name, "1", "scripted")
        assert "a run is under way" in reasons(await it.once())["1"]


async def activate(store: MemoryStore, pin: AgentPin) -> None:
    agent = await store.find_agent(pin.agent_id)
    assert agent is not None
    await store.activate(pin.agent_id, pin.version, author="ada", reason="try it", revision=agent.revision)


@pytest.mark.slow
async def test_each_run_has_the_version_that_is_active_when_it_begins(client: Client, tmp_path: Path) -> None:
    store, issues = MemoryStore(), {str(number): issue() for number in range(1, 4)}
    first, second = await add_agent(store, "shop", AgentConfig("x"), AgentConfig("x", model="large"))
    async with yard(client, tmp_path, issues, store=store) as it:
        for limit, pin in ((1, first), (2, second)):
            await activate(store, pin)
            await it.once(replace(RULES, concurrency=limit), agent_name="shop")
            assert (await it.ordered(str(limit))).agent.pin == pin
        view = await it.once(replace(RULES, concurrency=3), agent_name="shpo")
        assert "no agent 'shpo'" in reasons(view)["3"]


class Meanwhile:
    """Looks at the runs, and then submits the issue by hand, before the pass gets to it."""

    def __init__(self, client: Client, repo: RepoRef, *, ends: bool) -> None:
        self._client = client
        self._repo = repo
        self._ends = ends

    async def traffic(
        self, repo: RepoRef, issue_files: dict[WorkflowId, tuple[str, ...]], now: datetime
    ) -> Traffic:
        found = await RepositoryTraffic(self._client).traffic(repo, issue_files, now)
        request = DevRequest(new_task_id(), self._repo, "1", AgentChoice("scripted"))
        begun = await runs.start_run(self._client, request, forge_run_id(self._repo, "1"))
        if self._ends:
            handle = self._client.get_workflow_handle(begun.workflow_id, run_id=begun.run_id)
            await handle.signal("end", "done")
            await handle.result()
        return found


@pytest.mark.parametrize("ends", [False, True], ids=["open", "completed"])
async def test_a_submission_in_the_same_moment_makes_one_run(
    client: Client, tmp_path: Path, *, ends: bool
) -> None:
    both = {"1": issue(), "2": issue()}
    meanwhile = Meanwhile(client, shop_of(tmp_path).repo, ends=ends)
    async with yard(client, tmp_path, both, traffic=meanwhile) as it:
        view = await it.once()
        assert taken(view) == ["2"]
        assert reasons(view) == {"1": "somebody submitted it at the same moment"}
        query = f"WorkflowId = '{forge_run_id(it.repo, '1')}'"
        await it.until_indexed(lambda now: issues_of(now) == ({"2"} if ends else {"1", "2"}))
        assert len([each async for each in client.list_workflows(query)]) == 1


async def test_runs_about_the_same_files_wait_for_each_other(client: Client, tmp_path: Path) -> None:
    issues = {
        "1": issue("no file is named"),
        "2": issue("calc.py is wrong"),
        "3": issue("see `src/other.py`"),
        "4": issue("other.py again"),
    }
    async with yard(client, tmp_path, issues) as it:
        assert taken(await it.once(replace(RULES, concurrency=1))) == ["1"]
        await it.run("1").signal("plan", "1. divide (`src/calc.py`)")
        view = await it.once(replace(RULES, concurrency=9))
        assert taken(view) == ["3"]
        assert "src/calc.py" not in reasons(view)["2"]
        assert reasons(view)["2"] == "it is about calc.py, which the run of #1 changes"
        assert reasons(view)["4"] == "it is about other.py, as #3 is, which comes first"
        view = await it.once(replace(RULES, concurrency=9))
        assert reasons(view)["4"] == "it is about other.py, which the run of #3 changes"
        await it.end("1")
        assert taken(await it.once(replace(RULES, concurrency=9))) == ["2"]


async def test_what_depends_on_open_issues_is_taken_when_they_are_closed(
    client: Client, tmp_path: Path
) -> None:
    issues = {
        "1": issue(body="Blocked by:\n- #2\n- #9\n- #77"),
        "2": issue(labels="bug"),
        "3": issue(body="Depends on #4."),
        "4": issue(body="Depends on #3."),
    }
    closed = "---\nstate: closed\n---\n# done\n"
    async with yard(client, tmp_path, {**issues, "9": closed}) as it:
        view = await it.once(replace(RULES, concurrency=9))
        assert taken(view) == []
        assert reasons(view) == {
            "1": "it depends on #2, which is open",
            "3": "it depends on #4, which depends on it: a person has to look",
            "4": "it depends on #3, which depends on it: a person has to look",
        }
        await it.platform.close_issue(it.repo, "2")
        assert taken(await it.once()) == ["1"]


@pytest.mark.slow
async def test_a_failed_run_is_tried_again_on_a_branch_of_its_own_and_then_left(
    client: Client, tmp_path: Path
) -> None:
    async with yard(client, tmp_path, {"1": issue()}) as it:
        await it.once()
        await it.end("1", "fail")
        assert "it is tried again from" in reasons(await it.once())["1"]
        (again,) = (await it.once(replace(RULES, retry_after=0))).taken
        request = await it.ordered("1")
        assert (request.task_id, request.suffix) == (again.task_id, f"again-{again.task_id[-6:]}")
        await it.end("1", "fail")
        assert "failed 2 times" in reasons(await it.once(replace(RULES, retry_after=0)))["1"]


async def test_what_completed_is_not_repeated_though_its_issue_is_open(
    client: Client, tmp_path: Path
) -> None:
    async with yard(client, tmp_path, {"1": issue()}) as it:
        await it.once()
        await it.end("1", "done")
        await it.platform.reopen_issue(it.repo, "1")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - the memory platform's
        assert "its run completed" in reasons(await it.once())["1"]


@pytest.mark.slow
async def test_who_cannot_be_assigned_works_all_the_same(client: Client, tmp_path: Path) -> None:
    faults = [{"on": "set_assignees", "error": "Forbidden"}]
    async with yard(client, tmp_path, {"1": issue()}, faults=faults) as it:
        view = await it.once()
        assert taken(view) == ["1"]
        assert view.notes == ("#1 could not be assigned to tamma: injected into set_assignees (before)",)


async def test_a_platform_that_fails_once_is_asked_again(client: Client, tmp_path: Path) -> None:
    async with yard(client, tmp_path, {"1": issue()}, faults=[{"on": "list_issues"}]) as it:
        assert taken(await it.once()) == ["1"]


async def test_what_a_person_must_change_ends_the_pass_with_its_reason(
    client: Client, tmp_path: Path
) -> None:
    faults = [{"on": "list_issues", "error": "BadCredentials"}]
    async with yard(client, tmp_path, {"1": issue()}, faults=faults) as it:
        with pytest.raises(RunAuthRefused, match="injected"):
            await it.once()
        last = (await selection.show(client, it.repo)).last
        assert last is not None
        assert "injected" in last.problem
        assert taken(await it.once()) == ["1"]


async def test_an_issue_that_cannot_be_taken_keeps_no_other_from_its_run(
    client: Client, tmp_path: Path
) -> None:
    faults = [{"on": "get_issue", "error": "Forbidden"}]
    async with yard(client, tmp_path, {"1": issue(), "2": issue()}, faults=faults) as it:
        view = await it.once()
        assert taken(view) == ["2"]
        assert "injected" in reasons(view)["1"]


@pytest.mark.slow
async def test_an_outage_is_waited_out_and_a_stop_ends_the_waiting(client: Client, tmp_path: Path) -> None:
    async with yard(client, tmp_path, {"1": issue()}, faults=[{"on": "list_issues", "times": 99}]) as it:
        handle = await it.begin()
        async with asyncio.timeout(120):
            while not (await handle.query("view", result_type=SelectionView)).waiting:  # noqa: ASYNC110 - the workflow has to be asked
                await asyncio.sleep(0.1)
        assert await selection.stop_schedule(client, it.repo)
        view = await selection.outcome(handle)
        assert (view.stopped, view.taken, view.waiting) == (True, (), "")


class HeldStore(MemoryStore):
    """Keeps the event of the first taken issue waiting until it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.let_go = asyncio.Event(), asyncio.Event()

    async def append_events(
        self, events: tuple[NewEvent, ...], condition: AppendCondition | None = None
    ) -> int:
        self.reached.set()
        await self.let_go.wait()
        return await super().append_events(events, condition)


async def test_a_stop_in_the_middle_takes_nothing_more_and_ends_no_run(
    client: Client, tmp_path: Path
) -> None:
    store = HeldStore()
    issues = {str(number): issue() for number in range(1, 4)}
    async with yard(client, tmp_path, issues, store=store) as it:
        handle = await it.begin(replace(RULES, concurrency=3))
        async with asyncio.timeout(120):
            await store.reached.wait()
        _, new = await selection.run_once(client, it.request())
        assert not new, "one pass at a time"
        assert await selection.stop_schedule(client, it.repo)
        store.let_go.set()
        view = await selection.outcome(handle)
        assert (view.stopped, taken(view)) == (True, ["1"])
        assert reasons(view) == dict.fromkeys(("2", "3"), "the selection was stopped")
        assert (await it.run("1").describe()).status is WorkflowExecutionStatus.RUNNING
        await it.end("1")
        assert not await selection.stop_schedule(client, it.repo)


async def test_a_schedule_takes_issues_shows_itself_and_is_taken_away(client: Client, tmp_path: Path) -> None:
    async with yard(client, tmp_path, {"1": issue(), "2": issue()}) as it:
        assert (await selection.show(client, it.repo)).request is None
        one, minute = it.request(replace(RULES, concurrency=1)), timedelta(minutes=1)
        try:
            await selection.start_schedule(client, one, minute)
            await it.until_indexed(lambda now: [each.issue for each in now.live] == ["1"])
            shown = await selection.show(client, it.repo)
            assert (shown.request, shown.every, shown.paused) == (one, minute, False)
            assert shown.next is not None
            assert shown.next - datetime.now().astimezone() < 2 * minute
            assert shown.last is not None
            await it.rested()
            two = it.request(replace(RULES, concurrency=2))
            await selection.start_schedule(client, two, 2 * minute)
            await it.until_indexed(lambda now: len(now.live) == 2)
            assert it.repo in [each.repo for each in await selection.list_all(client)]
        finally:
            assert await selection.stop_schedule(client, it.repo)
        shown = await selection.show(client, it.repo)
        assert (shown.request, shown.every) == (None, None)
        assert await it.live() == ["1", "2"], "what runs goes on"


@pytest.mark.slow
async def test_ticks_while_a_pass_is_under_way_begin_no_other(client: Client, tmp_path: Path) -> None:
    store = HeldStore()
    async with yard(client, tmp_path, {"1": issue()}, store=store) as it:
        handle = await it.begin()
        async with asyncio.timeout(120):
            await store.reached.wait()
            tick = await client.start_workflow(
                SelectionTick.run, it.request(), id=f"{selection_id(it.repo)}/tick", task_queue=TASK_QUEUE
            )
            assert (await tick.result()).endswith("is under way")
        await replay_and_keep({"tick": await tick.fetch_history()}, [SelectionTick])
        store.let_go.set()
        assert taken(await selection.outcome(handle)) == ["1"]


async def test_a_stop_while_no_worker_is_there_holds_when_one_comes(client: Client, tmp_path: Path) -> None:
    repo = shop_of(tmp_path).repo
    order = DevRequest(new_task_id(), repo, "", AgentChoice("scripted"))
    request = SelectionRequest(repo, RULES, order)
    await selection.start_schedule(client, request, timedelta(hours=1))
    schedule = client.get_schedule_handle(selection_id(repo))
    async with asyncio.timeout(120):
        while not (ticks := (await schedule.describe()).info.running_actions):  # noqa: ASYNC110 - the server has to be asked
            await asyncio.sleep(0.05)
    assert await selection.stop_schedule(client, repo)
    (tick,) = ticks
    assert isinstance(tick, ScheduleActionExecutionStartWorkflow)
    found = await client.get_workflow_handle(tick.workflow_id).describe()
    assert found.status is WorkflowExecutionStatus.TERMINATED
    async with yard(client, tmp_path, {"1": issue()}) as it:
        assert (await selection.show(client, repo)).last is None
        assert await it.live() == []


@pytest.mark.slow
async def test_from_a_label_to_a_merge(client: Client, tmp_path: Path) -> None:
    shop = shop_of(tmp_path)
    text = issue("mean() is too small", body="`mean([2, 4])` in calc.py gives 2.0, it should be 3.0.")
    full = shop.repo.full_name
    places = {full: str(tmp_path / "calc.git")}
    async with running_loop(client, tmp_path, repositories=places, issues={full: {"1": text}}) as loop:
        request = SelectionRequest(shop.repo, RULES, shop.request(), settle=0)
        handle, new = await selection.run_once(client, request)
        view = await selection.outcome(handle)
        assert (new, taken(view)) == (True, ["1"])
        run: Any = client.get_workflow_handle(view.taken[0].workflow_id, result_type=DevResult)
        loop.handles.append(run)
        async with asyncio.timeout(120):
            result = await run.result()
        assert result.status is TaskStatus.COMPLETED
        assert "len(values) + 1" not in loop.show("main:calc.py")
        for operation in ("set_assignees", "merge_pr", "close_issue"):
            assert loop.effects(operation) == 1, operation
