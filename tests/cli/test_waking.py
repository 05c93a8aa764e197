"""Events of platforms find the runs that they are about, and those alone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from tamma.cli import main
from tamma.model.ids import TaskId, WorkflowId, forge_run_id
from tamma.model.repository import EventKind, RepoRef, WebhookEvent
from tamma.model.task import DEV_WORKFLOW, Phase, TaskStatus
from tamma.temporal import run_index as index
from tamma.temporal.deliveries import concerns, deliver
from tests.cli.shop import configure, shop_of

RUN = index.RunRecord(
    WorkflowId("dev/memory/acme/calc/12"),
    "run",
    TaskId("task"),
    TaskStatus.RUNNING,
    Phase.CHECKS,
    "Acme/Calc",
    "12",
    datetime.now(UTC),
    pull_request="34",
)


@pytest.mark.parametrize(
    ("about", "wanted"),
    [
        ({"number": "12"}, True),
        ({"number": "34"}, True),
        ({"number": "1"}, False),
        ({"branch": "tamma/12-mean-is-too-small"}, True),
        ({"branch": "tamma/1-mean-is-too-small"}, False),
        ({"branch": "main"}, False),
        ({"sha": "c0ffee"}, True),
    ],
)
def test_what_an_event_is_about(about: dict[str, str], wanted: bool) -> None:
    event = WebhookEvent("1", EventKind.CHECKS, "completed", "acme", "calc", **about)
    assert concerns(event, RUN) is wanted


async def waiting(
    client: Client, repo: RepoRef, issue: str, pull: str = ""
) -> WorkflowHandle[object, object]:
    """A run that nobody serves, as the index knows it."""
    pairs = [
        SearchAttributePair(index.REPO, repo.full_name),
        SearchAttributePair(index.ISSUE, issue),
        SearchAttributePair(index.TASK, f"task-{issue}"),
        SearchAttributePair(index.PULL_REQUEST, pull),
    ]
    return await client.start_workflow(
        DEV_WORKFLOW,
        id=forge_run_id(repo, issue),
        task_queue=f"nobody-serves-{repo.owner}",
        search_attributes=TypedSearchAttributes(pairs),
    )


async def heard(handle: WorkflowHandle[object, object]) -> int:
    """How often it was signalled."""
    events = (await handle.fetch_history()).events
    return sum(event.HasField("workflow_execution_signaled_event_attributes") for event in events)


async def test_an_event_and_tamma_wake_reach_the_run(
    client: Client,
    tmp_path: Path,
    tamma_home: Path,
    temporal_address: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(tamma_home, temporal_address, monkeypatch)
    repo = shop_of(tmp_path).repo
    key = f"KEY{abs(hash(tmp_path.name)) % 10**6}-7"
    one = await waiting(client, repo, "1", "34")
    twelve, tracked = await waiting(client, repo, "12"), await waiting(client, repo, key)
    handles = (one, twelve, tracked)
    async with asyncio.timeout(120):
        prefix = f"{forge_run_id(repo, '')}/"
        while len(await index.live_below(client, prefix, limit=9)) < 3:  # noqa: ASYNC110 - the index lags a moment behind
            await asyncio.sleep(0.1)
    event = WebhookEvent("1", EventKind.ISSUE_COMMENT, "created", repo.owner.upper(), repo.name, number="34")
    assert [run.issue for run in await deliver(client, "memory", event)] == ["1"]
    of_tracker = WebhookEvent("2", EventKind.ISSUE_COMMENT, "created", "", "KEY", number=key)
    assert [run.issue for run in await deliver(client, "jira", of_tracker)] == [key]
    assert await deliver(client, "memory", WebhookEvent("3", EventKind.PING, "", "", "")) == ()
    assert [await heard(handle) for handle in handles] == [1, 0, 1]

    assert await asyncio.to_thread(main.run, ["wake", f"memory:{repo.full_name}#12"]) == 0
    assert f"{repo.full_name}#12 looks now" in capsys.readouterr().err
    await twelve.terminate()
    async with asyncio.timeout(120):
        while len(await index.live_below(client, prefix, limit=9)) > 2:  # noqa: ASYNC110 - the index lags a moment behind
            await asyncio.sleep(0.1)
    assert await asyncio.to_thread(main.run, ["wake", f"memory:{repo.full_name}#12"]) == 1
    assert "has no live run" in capsys.readouterr().err
    assert [await heard(handle) for handle in handles] == [1, 1, 1]
    for handle in (one, tracked):
        await handle.terminate()
