"""A session so long that its history is continued as a new one: what that costs, and whether it slows."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import chain, pairwise

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from bench.figures import Figure, plain, samples
from bench.processes import progress
from bench.sessions import moments_of, prepare, size_of, start_session
from bench.surroundings import Stack

STEPS = 360
"""A step is twelve events; the server suggests a new history at 4,096."""
SIZE = 400
"""Characters of output a step: the conversation stays small, so that a slower step would be our doing."""
GOAL_PAUSE = 1.0
GOAL_GROWTH = 1.1
GOAL_BYTES = 4000.0


async def measure(stack: Stack) -> Sequence[Figure]:
    """`crossing.*`."""
    handle = await start_session(stack, await prepare(stack), "claude", STEPS, SIZE)
    await handle.result()
    assert handle.first_execution_run_id is not None
    histories = await _chain(stack, handle.id, handle.first_execution_run_id)
    if len(histories) < 2:
        raise RuntimeError(f"a session of {STEPS} steps was not continued as new: raise the number")
    calls = [moments_of(history, "call_model") for history in histories]
    times = [(after - before).total_seconds() * 1000 for before, after in pairwise(chain(*calls))][1:]
    across = [(after[0] - before[-1]).total_seconds() for before, after in pairwise(calls)]
    median = statistics.median(times)
    progress(f"{STEPS} steps in {len(histories)} histories, {median:.1f} ms each")
    quarter = len(times) // 4
    growth = statistics.median(times[-quarter:]) / statistics.median(times[:quarter])
    size = sum(map(size_of, histories)) / STEPS
    return [
        plain(
            "crossing.pause",
            f"what the step at which a session of {STEPS} steps gets a new history takes longer",
            samples("s", [seconds - median / 1000 for seconds in across]),
            goal=GOAL_PAUSE,
            histories=len(histories),
            events=[len(history.events) for history in histories],
            longest_step_ms=round(max(times), 1),
        ),
        plain(
            "crossing.growth",
            "the last quarter of its steps against the first",
            samples("x", [growth]),
            goal=GOAL_GROWTH,
            median_ms=round(median, 1),
        ),
        plain("crossing.bytes_per_step", "its histories, a step", samples("B", [size]), goal=GOAL_BYTES),
    ]


async def _chain(stack: Stack, name: str, first: str) -> list[WorkflowHistory]:
    """The histories of all the runs of a workflow, oldest first."""
    found: list[WorkflowHistory] = []
    run = first
    while run:
        history = await stack.client.get_workflow_handle(name, run_id=run).fetch_history()
        found.append(history)
        last = history.events[-1]
        run = ""
        if last.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
            run = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    return found
