"""Whether an attempt still counts: asked before something outside that no later attempt could find undone."""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity
from temporalio.client import AsyncActivityCancelledError
from temporalio.service import RPCError

from tamma.errors import Superseded

PATIENCE = timedelta(seconds=5)


async def still_ours() -> None:
    """Ask Temporal whether it still waits for this attempt.

    A host that is cut off from Temporal alone goes on with what it does, while another one does the same and
    may have come to the run's end. Raises Superseded where that is so, and where Temporal cannot be asked.
    """
    if not activity.in_activity():
        return
    info = activity.info()
    handle = activity.client().get_async_activity_handle(task_token=info.task_token)
    try:
        await handle.heartbeat(rpc_timeout=PATIENCE)
    except AsyncActivityCancelledError:
        pass  # it still counts; that it is to end, its own heartbeats tell it
    except RPCError as error:
        raise Superseded(
            f"attempt {info.attempt} of {info.activity_type} no longer counts, or Temporal cannot be asked: "
            f"{error.message}",
            hint="a later attempt does the same; nothing was changed by this one",
        ) from error
