"""Starting a benchmark, following it, and saying something to it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tamma.cli import output
from tamma.cli.benching.telling import of_view, progress_line
from tamma.errors import ConfigError
from tamma.model.bench import (
    BENCH_WORKFLOW,
    BenchRecord,
    BenchRequest,
    BenchState,
    BenchView,
    bench_workflow_id,
)
from tamma.model.task import TASK_QUEUE

if TYPE_CHECKING:
    from temporalio.client import Client

    from tamma.store.interface import Store

EVERY = 1.0
"""Seconds between looks while one waits."""
_QUERY_SECONDS = 5.0


async def start(client: Client, store: Store, request: BenchRequest) -> BenchRecord:
    """Keep the plan, then start the workflow."""
    record = BenchRecord(request, BenchState.RUNNING, datetime.now(UTC))
    await store.save_bench(record)
    await client.start_workflow(
        BENCH_WORKFLOW,
        request,
        id=bench_workflow_id(request.bench_id),
        task_queue=TASK_QUEUE,
        memo={"suite": request.suite.name, "agents": ", ".join(arm.label for arm in request.arms)},
        static_summary=f"{request.suite.name}: {request.cells} trials",
    )
    return record


async def look(client: Client, record: BenchRecord) -> tuple[BenchRecord, BenchView | None]:
    """How it stands now: the workflow's word while it runs, what is kept once it is over."""
    from temporalio.service import RPCError

    if record.state.over:
        return record, None
    handle = client.get_workflow_handle(bench_workflow_id(record.request.bench_id))
    try:
        async with asyncio.timeout(_QUERY_SECONDS):
            view = await handle.query("progress", result_type=BenchView)
    except (RPCError, TimeoutError):
        return record, None
    return of_view(record, view), view


async def follow(client: Client, store: Store, record: BenchRecord) -> BenchRecord:
    """Say how it goes until it is over; Ctrl-C only stops looking."""
    told = ""
    while not record.state.over:
        seen, view = await look(client, record)
        line = progress_line(view) if view is not None else "no worker answers yet"
        if line != told:
            output.note(line)
            told = line
        kept = await store.find_bench(record.request.bench_id)
        record = kept if kept is not None and kept.state.over else record
        if not record.state.over:
            await asyncio.sleep(EVERY)
        del seen
    return record


async def tell(client: Client, record: BenchRecord, signal: str) -> None:
    """Send `pause`, `resume`, `stop` or `stop_now`. Raises ConfigError where it is over."""
    from temporalio.service import RPCError, RPCStatusCode

    words = f"the benchmark {record.request.bench_id[-8:]} is over"
    if record.state.over:
        raise ConfigError(f"{words}: {record.state.value}", hint="`tamma bench report` shows what it gave")
    try:
        await client.get_workflow_handle(bench_workflow_id(record.request.bench_id)).signal(signal)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        raise ConfigError(
            f"{words}: no such workflow runs", hint="`tamma bench status` shows more"
        ) from error
