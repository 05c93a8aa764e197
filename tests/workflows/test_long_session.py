"""A session that outgrows its history goes on in a new one, without anybody noticing."""

from __future__ import annotations

from pathlib import Path

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from tamma.model.task import TaskStatus
from tamma.temporal.plugin import tamma_plugin
from tests.support.loop import FIX_TURNS, RED_TURNS, call, running_loop, script, turn
from tests.support.temporal import OPTIONS, SEARCH_ATTRIBUTES, server_binary


async def test_a_session_crosses_continue_as_new(tmp_path: Path) -> None:
    looks = [turn(call("bash", command=f"echo {number}")) for number in range(20)]
    environment = await WorkflowEnvironment.start_local(  # pyright: ignore[reportUnknownMemberType] - the SDK leaves a type argument open
        dev_server_existing_path=server_binary(),
        dev_server_extra_args=[
            *OPTIONS,
            "--dynamic-config-value",
            "limit.historyCount.suggestContinueAsNew=40",
        ],
        dev_server_log_level="error",
        search_attributes=SEARCH_ATTRIBUTES,
    )
    try:
        client = await Client.connect(
            environment.client.service_client.config.target_host, plugins=[tamma_plugin()]
        )
        turns = script(agent=[*looks, *RED_TURNS, *FIX_TURNS])
        async with running_loop(client, tmp_path, turns=turns) as loop:
            handle = await loop.submit()
            result = await handle.result()
            assert result.status is TaskStatus.COMPLETED
            assert result.spend.turns == 29
            session = client.get_workflow_handle(f"{handle.id}/session-1")
            first = (await session.describe()).raw_description.workflow_execution_info
            assert first.history_length < 100
            runs = [
                run.run_id async for run in client.list_workflows(f'WorkflowId = "{handle.id}/session-1"')
            ]
            assert len(runs) > 1
    finally:
        await environment.shutdown()
