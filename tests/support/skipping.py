"""A Temporal server whose clock jumps ahead while everybody waits: days of a workflow in a second.

The clock is one for all. It jumps while a result is awaited or `environment.sleep` lasts, whenever no
workflow task and no attempt of an activity is under way; between attempts it jumps, too. What is under way
locks it, and two things never unlock it again (test server 1.40): an activity that is cancelled when its
attempt is due and no worker has taken it yet, and one that a worker is at when its workflow ends. From then
on the clock goes like any other, and whoever waits for it to jump waits for days. And an attempt that is
under way when it is cancelled, and fails in a way that would be tried again, never ends: a look that finds
nothing, say. Whoever waits for the cancellation to be complete waits for ever.

A whole run cancels what looks for news as soon as there are any. So a test of one moves the clock by
`environment.sleep` while the run waits, speaks to it only between looks, and awaits its result within
`environment.auto_time_skipping_disabled()`.
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
