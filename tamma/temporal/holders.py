"""Whether the runs that hold workspaces still go on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from temporalio.client import RPCError, WorkflowExecutionStatus
from temporalio.service import RPCStatusCode

from tamma.temporal.run_index import TASK

if TYPE_CHECKING:
    from temporalio.client import Client

_PATIENCE: Final = timedelta(seconds=5)


class HolderRuns:
    """See `activities.leases.OpenRuns`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def still_open(self, workflow_id: str, task_id: str) -> bool:
        """A later run of the same workflow id has a task of its own, and a workspace of its own."""
        try:
            found = await self._client.get_workflow_handle(workflow_id).describe(rpc_timeout=_PATIENCE)
        except RPCError as error:
            return error.status is not RPCStatusCode.NOT_FOUND
        task = found.typed_search_attributes.get(TASK)
        return found.status is WorkflowExecutionStatus.RUNNING and task in (None, task_id)
