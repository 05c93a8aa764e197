"""Starting, finding and telling real runs: real Temporal, the real workflow, a counted forge."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from temporalio.client import Client, RPCError
from temporalio.service import RetryConfig, RPCStatusCode

from tamma.cli import gates, output
from tamma.cli.following import exit_code, follow
from tamma.cli.invocation import Invocation
from tamma.cli.linking import Link, Servers
from tamma.cli.story import Frame
from tamma.cli.watching import Follower
from tamma.model.task import (
    Approval,
    ApprovePolicy,
    BudgetChange,
    Control,
    Gate,
    Phase,
    Steer,
    TaskStatus,
    TaskView,
)
from tamma.temporal import run_index, runs
from tamma.temporal.plugin import tamma_plugin
from tamma.temporal.run_errors import (
    RunAmbiguous,
    RunFinished,
    RunNotFound,
    RunRefused,
    ServerSilent,
    WorkerSilent,
    server_errors,
)
from tests.cli.shop import shop_of
from tests.support.wire import wire_to


class Recorder:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.notices: list[str] = []
        self.noticed = asyncio.Event()

    def show(self, frame: Frame) -> None:
        self.frames.append(frame)

    def notice(self, text: str) -> None:
        self.notices.append(text)
        self.noticed.set()

    def pause(self) -> None: ...
    def resume(self) -> None: ...


async def until(client: Client, run: run_index.RunRecord, *, gate: Gate | None = None) -> TaskView:
    """The first view at `gate`, or the last one of a finished run."""
    async with asyncio.timeout(120):
        follower = Follower(client, run, Recorder())
        view = await follower.until_final_or_gate()
        assert (view.waiting_for.gate if view.waiting_for else None) is gate
        return view


async def test_a_run_from_submission_to_its_end(client: Client, tmp_path: Path) -> None:
    shop = shop_of(tmp_path)
    name = shop.name()
    async with shop.worker(client, tmp_path):
        # Not merged, so that the issue stays open for another run.
        request = shop.request(approve=ApprovePolicy.PLAN, merge="never")
        started = await runs.start_run(client, request, name.workflow_id)
        assert started.new
        assert started.accepted.title == "mean() is too small"

        second = await runs.start_run(client, shop.request(), name.workflow_id)
        assert not second.new
        assert (second.accepted.task_id, second.run_id) == (request.task_id, started.run_id)

        run = await run_index.describe(client, name.workflow_id)
        assert (run.task_id, run.repo, run.issue, run.live) == (
            request.task_id,
            shop.repo.full_name,
            "1",
            True,
        )
        view = await until(client, run, gate=Gate.PLAN)
        assert view.status is TaskStatus.PAUSED

        with pytest.raises(RunRefused, match="plan"):
            await runs.approve(client, run, Approval(Gate.MERGE, "approve"))
        with pytest.raises(RunRefused):
            await runs.add_budget(client, run, BudgetChange())
        money = await runs.add_budget(client, run, BudgetChange(Decimal("1.5")))
        assert "4.50" in money.message
        assert (await runs.approve(client, run, Approval(Gate.PLAN, "approve", by="ada"))).message

        done = await until(client, run)
        assert (done.status, exit_code(done)) == (TaskStatus.COMPLETED, 0)
        # A follower takes what the index says where a busy worker is slow to answer.
        assert (await runs.view(client, run.workflow_id, run.run_id, timeout=30)).diff is not None

        finished = await run_index.describe(client, name.workflow_id)
        assert (finished.status, finished.live, finished.phase) == (TaskStatus.COMPLETED, False, Phase.DONE)
        with pytest.raises(RunFinished, match="completed"):
            await runs.steer(client, finished, Steer("more"))
        with pytest.raises(RunFinished) as caught:
            await runs.start_run(client, shop.request(), name.workflow_id)
        assert "--again" in (caught.value.hint or "")

        again = shop.request(suffix="again-1")
        more = await runs.start_run(client, again, name.workflow_id, again=True)
        assert more.new
        assert more.accepted.branch != started.accepted.branch
        await runs.cancel(client, await run_index.describe(client, name.workflow_id), Control("ada"))
        await until(client, await run_index.describe(client, name.workflow_id))
    # Nobody answers for it any more: the server alone knows how it ended.
    told = await runs.ended(client, finished)
    assert (told.status, told.summary, told.branch) == (TaskStatus.COMPLETED, done.summary, done.branch)
    assert told.spend == done.spend


async def test_an_issue_that_is_not_there_is_refused_and_may_be_tried_again(
    client: Client, tmp_path: Path
) -> None:
    shop = shop_of(tmp_path)
    name = shop.name("77")
    async with shop.worker(client, tmp_path):
        for _ in range(2):
            with pytest.raises(RunRefused) as caught:
                await runs.start_run(client, shop.request("77"), name.workflow_id)
            assert caught.value.kind == "NotFound"
            assert caught.value.exit_code == 1
            assert "77" in str(caught.value)


async def test_runs_are_found_by_what_people_know(client: Client, tmp_path: Path) -> None:
    shop = shop_of(tmp_path)
    async with shop.worker(client, tmp_path):
        requests = [shop.request(issue, approve=ApprovePolicy.PLAN) for issue in ("1", "2")]
        for request in requests:
            await runs.start_run(client, request, shop.name(request.issue).workflow_id)
        first, second = requests
        assert (await run_index.find_by_task(client, first.task_id, whole=True)).issue == "1"
        assert (await run_index.find_by_task(client, second.task_id[:-2], whole=False)).issue == "2"
        with pytest.raises(RunNotFound):
            await run_index.find_by_task(client, "ffffff", whole=False)
        with pytest.raises(RunAmbiguous) as caught:
            await run_index.find_by_repository(client, shop.repo.full_name)
        assert first.task_id in str(caught.value)

        one = await run_index.describe(client, shop.name("1").workflow_id)
        await until(client, one, gate=Gate.PLAN)
        await runs.approve(client, one, Approval(Gate.PLAN, "reject", by="ada", text="not now"))
        assert (await until(client, one)).status is TaskStatus.CANCELLED
        async with asyncio.timeout(120):
            while (await run_index.find_by_task(client, first.task_id, whole=True)).live:  # noqa: ASYNC110
                await asyncio.sleep(0.1)  # the index lags a moment behind, and tells nobody
        assert (await run_index.find_by_repository(client, shop.repo.full_name)).issue == "2"

        recent = await run_index.list_runs(client, since=datetime.now(UTC) - timedelta(hours=1), limit=200)
        mine = [record.issue for record in recent if record.repo == shop.repo.full_name]
        assert sorted(mine) == ["1", "2"]
        failed = await run_index.list_runs(client, failed=True, limit=200)
        stopped = [record for record in failed if record.repo == shop.repo.full_name]
        assert [record.issue for record in stopped] == ["1"]
        assert stopped[0].why.startswith("ada rejected it: not now")
        assert not any(record.live for record in failed)
        assert all(record.live for record in await run_index.list_runs(client, live=True, limit=200))
        assert len(await run_index.list_runs(client, limit=1)) == 1


async def test_quotes_in_names_do_not_reach_the_query_language(client: Client) -> None:
    with pytest.raises(RunNotFound):
        await run_index.find_by_repository(client, "it's \\ a 'trap' OR 1=1")


async def test_a_watcher_outlives_its_worker(client: Client, tmp_path: Path) -> None:
    shop = shop_of(tmp_path)
    name = shop.name()
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with shop.worker(client, tmp_path / "one") as loop:
        await runs.start_run(client, shop.request(approve=ApprovePolicy.PLAN), name.workflow_id)
        run = await run_index.describe(client, name.workflow_id)
        await until(client, run, gate=Gate.PLAN)
        assert loop.handles == []  # so that the loop leaves the run alone when it ends
    with pytest.raises(WorkerSilent):
        await runs.view(client, name.workflow_id, timeout=0.5)

    heard = Recorder()
    watching = asyncio.create_task(Follower(client, run, heard).until_final_or_gate())
    async with asyncio.timeout(120):
        await heard.noticed.wait()
        assert "the run is safe" in heard.notices[0]
        async with shop.worker(client, tmp_path / "two"):
            view = await watching
            assert view.waiting_for is not None
            assert view.waiting_for.gate is Gate.PLAN
            assert heard.notices[1:] == ["it answers again"], "each is told once"
            await client.get_workflow_handle(name.workflow_id).terminate("the test is over")
            assert (await Follower(client, run, heard).until_final_or_gate(view.waiting_for)).status is (
                TaskStatus.FAILED
            )
            assert run.live, "as it was looked up"
            with pytest.raises(RunFinished, match="failed on"):
                await runs.approve(client, run, Approval(Gate.PLAN, "approve"))


@pytest.mark.usefixtures("tamma_home")
async def test_an_answer_that_nobody_heard_is_asked_for_again(
    client: Client, temporal_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, heard, asked = shop_of(tmp_path), Recorder(), list[str]()
    name = shop.name()
    async with shop.worker(client, tmp_path), wire_to(temporal_address) as wire:
        await runs.start_run(client, shop.request(approve=ApprovePolicy.PLAN), name.workflow_id)
        run = await run_index.describe(client, name.workflow_id)

        def ask(view: TaskView) -> Approval:
            asked.append(view.task_id)
            if len(asked) == 1:
                wire.cut()
            return Approval(Gate.PLAN, "reject", by="ada", text="not now")

        monkeypatch.setattr(gates, "ask", ask)
        monkeypatch.setattr(output, "interactive", lambda: True)
        over_the_wire = await Client.connect(
            wire.address, plugins=[tamma_plugin()], retry_config=RetryConfig(max_elapsed_time_millis=300)
        )
        link = Link(over_the_wire, Invocation().load(), Servers(wire.address, "default", ""))
        async with asyncio.timeout(120):
            watching = asyncio.create_task(follow(link, run, heard, may_wait=True))
            await heard.noticed.wait()
            await wire.mend()
            assert (await watching).status is TaskStatus.CANCELLED
    assert asked == [run.task_id] * 2
    assert heard.notices[1:] == ["it answers again"]


@pytest.mark.parametrize("status", [RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED])
def test_a_server_that_does_not_answer(status: RPCStatusCode) -> None:
    with pytest.raises(ServerSilent) as caught, server_errors("dev/x"):
        raise RPCError("connection refused", status, b"")
    assert "tamma dev status" in (caught.value.hint or "")


async def test_there_is_no_such_run(client: Client) -> None:
    with pytest.raises(RunNotFound, match="dev/memory/nobody"):
        await run_index.describe(client, "dev/memory/nobody/nothing/1")
