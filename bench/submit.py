"""What `tamma submit` costs against a running stack, beside the least that starting a workflow can cost."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Figure, ratio, samples
from bench.processes import Cost, ended_cpu_seconds, run_timed
from bench.surroundings import TAMMA, Stack
from tamma.demo.repository import DemoRepository, make

ROUNDS = 10
GOAL = 1.5
SETTLE = 1.5
"""Seconds for the work of a run that was stopped to end, so that it disturbs nobody's next turn."""
_BARE = str(Path(__file__).with_name("bare_submit.py"))


async def measure(stack: Stack) -> Sequence[Figure]:
    """`submit.*`: both as whole processes, in turns. A run that was submitted is stopped at once."""
    repository = make(stack.home / "submitted")
    ours: list[Cost] = []
    bare: list[Cost] = []
    for number in range(ROUNDS + 1):
        mine = await _submit(stack, repository, number)
        await asyncio.sleep(SETTLE)
        plain = await _bare(stack, number)
        if number:  # the first round warms caches
            ours.append(mine)
            bare.append(plain)
    return [
        ratio(
            "submit.ratio",
            "`tamma submit` (issue found, run accepted) against connect and start_workflow",
            samples("ms", (cost.wall for cost in ours)),
            samples("ms", (cost.wall for cost in bare)),
            goal=GOAL,
        ),
        ratio(
            "submit.cpu_ratio",
            "the same in processor time of the two processes, waiting left out",
            samples("ms", (cost.cpu for cost in ours)),
            samples("ms", (cost.cpu for cost in bare)),
        ),
    ]


async def _submit(stack: Stack, repository: DemoRepository, number: int) -> Cost:
    issue = repository.issue.with_name(f"bench-{number}.md")
    issue.write_text(repository.issue.read_text())
    argv = (TAMMA, "submit", str(repository.path), "--issue", str(issue), "--json")
    cost, printed = await _cost(argv, stack)
    await stack.client.get_workflow_handle(json.loads(printed)["workflowId"]).terminate("measured")
    return cost


async def _bare(stack: Stack, number: int) -> Cost:
    name = f"bench-bare-submit-{number}-{time.monotonic_ns()}"
    argv = (sys.executable, _BARE, stack.info.temporal_address, name)
    cost, _ = await _cost(argv, stack)
    await stack.client.get_workflow_handle(name).terminate("measured")
    return cost


async def _cost(argv: Sequence[str], stack: Stack) -> tuple[Cost, str]:
    before = ended_cpu_seconds()
    seconds, printed = await asyncio.to_thread(run_timed, argv, stack.environment())
    return Cost(seconds * 1000, (ended_cpu_seconds() - before) * 1000), printed
