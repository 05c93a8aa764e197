"""The least that a submission can be: `python bare_submit.py ADDRESS ID` starts a workflow and ends."""

import asyncio
import os
import sys

from temporalio.client import Client


async def main(address: str, workflow_id: str) -> None:
    client = await Client.connect(address)
    await client.start_workflow("BareLoop", 0, id=workflow_id, task_queue="bench-bare")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
    os._exit(0)
