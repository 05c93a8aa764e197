"""Events of platforms, brought to the runs that they are about.

The seam for webhooks. Who receives a delivery has the platform's adapter verify and parse it
(`verify_webhook`, `parse_webhook`) and gives the event to `deliver`. Nothing in it is believed: it makes runs
look by themselves, at once instead of at their next poll, so that an event that is lost, late, repeated or
forged costs time alone.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from tamma.model.ids import forge_run_id, slug
from tamma.model.references import RepoRef
from tamma.model.repository import EventKind, WebhookEvent
from tamma.model.task import PlatformEvent
from tamma.temporal import run_index as index
from tamma.temporal.run_errors import RunNotFound, server_errors

if TYPE_CHECKING:
    from temporalio.client import Client

    from tamma.temporal.run_index import RunRecord

MOST_RUNS = 1000
"""Live ones of a repository."""


async def deliver(client: Client, platform_id: str, event: WebhookEvent) -> tuple[RunRecord, ...]:
    """Wake the live runs that an event on a configured platform is about; those runs. Raises ServerSilent.

    `platform_id` is the account that the event came to: a forge, or the tracker that has a forge's issues.
    """
    if event.kind is EventKind.PING:
        return ()
    repo = RepoRef(platform_id, event.owner, event.name)
    live = await index.live_below(client, f"{forge_run_id(repo, '')}/", limit=MOST_RUNS)
    concerned = [run for run in live if run.repo.lower() == repo.full_name.lower() and concerns(event, run)]
    if not concerned and event.number is not None and not event.number.isdecimal():
        # A key of a tracker, whose runs are named by the repositories that they change.
        concerned = [*await index.live_of_issue(client, event.number, limit=MOST_RUNS)]
    return await wake(client, concerned, event.kind.value)


async def wake_all_of(client: Client, repo: RepoRef, number: str) -> tuple[RunRecord, ...]:
    """Have the live runs of an issue, or of a pull request, look at everything now. Raises ServerSilent."""
    live = await index.live_below(client, f"{forge_run_id(repo, '')}/", limit=MOST_RUNS)
    return await wake(client, [run for run in live if number in (run.issue, run.pull_request)])


async def wake(client: Client, found: list[RunRecord], kind: str = "") -> tuple[RunRecord, ...]:
    """Have these runs look at what has happened; empty `kind`: at everything. Those that have ended are left
    out."""
    woken: list[RunRecord] = []

    async def one(run: RunRecord) -> None:
        handle = client.get_workflow_handle(run.workflow_id, run_id=run.run_id)
        with suppress(RunNotFound), server_errors(run.workflow_id):
            await handle.signal("platform_event", PlatformEvent(kind))
            woken.append(run)

    await asyncio.gather(*(one(run) for run in found))
    return tuple(woken)


def concerns(event: WebhookEvent, run: RunRecord) -> bool:
    """Whether a run of the event's repository has something to see there. Pure."""
    if event.number is not None:
        return event.number in (run.issue, run.pull_request)
    if event.branch:
        return event.branch.startswith(f"tamma/{slug(run.issue, 60)}-")
    return bool(run.pull_request)  # of a commit: only a published one has checks
