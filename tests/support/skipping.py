"""A Temporal server whose clock jumps ahead while everybody waits: days of a workflow in a second.

While a result is awaited the clock jumps whenever no first attempt of an activity is under way. A later
attempt does not hold it: the clock jumps over its heartbeat timeout, and what polls by failing attempts
(checks, reviews, merges) never gets an answer in. So a test of a whole run moves the clock by
`environment.sleep`, and awaits its result within `environment.auto_time_skipping_disabled()`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.testing import WorkflowEnvironment

from tamma.temporal.plugin import tamma_plugin
from tests.support.temporal import SEARCH_ATTRIBUTES, server_binary


@asynccontextmanager
async def skipping_time() -> AsyncGenerator[WorkflowEnvironment]:
    """The test server, with the project's plugin and search attributes. It knows no list of workflows."""
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=server_binary("temporal-test-server"), plugins=[tamma_plugin()]
    )
    async with environment:
        kind = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
        wanted = {key.name: kind for key in SEARCH_ATTRIBUTES}
        request = AddSearchAttributesRequest(namespace="default", search_attributes=wanted)
        await environment.client.operator_service.add_search_attributes(request)
        yield environment
