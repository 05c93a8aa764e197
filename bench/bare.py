"""The baseline: temporalio alone, with its defaults. A step is two activities that do nothing.

`python -m bench.bare ADDRESS` serves the queue `bench-bare` from a process of its own until standard input
closes. It imports nothing of the product, but for what `Prepare` asks by name.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta

from temporalio import activity, workflow

QUEUE = "bench-bare"


@activity.defn
async def think(step: int) -> int:
    return step


@activity.defn
async def act(step: int) -> int:
    return step


@workflow.defn
class BareLoop:
    @workflow.run
    async def run(self, steps: int) -> int:
        for step in range(steps):
            await workflow.execute_activity(think, step, start_to_close_timeout=timedelta(seconds=60))
            await workflow.execute_activity(act, step, start_to_close_timeout=timedelta(seconds=60))
        return steps


async def main(address: str) -> None:
    from temporalio.client import Client
    from temporalio.worker import Worker

    client = await Client.connect(address)
    async with Worker(client, task_queue=QUEUE, workflows=[BareLoop], activities=[think, act]):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
    os._exit(0)
