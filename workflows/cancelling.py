"""Cancellation that is not lost.

An activity that is told of its cancellation may end as if nothing had been said: it was done already, or
failed in a way of its own. Its result hides the cancellation from whoever awaited it, and a run that somebody
has cancelled would go on to its merge. The result itself is good and is kept (it may be a merge, or money);
but nothing new is begun: what begins something calls `heed` first.
"""

from __future__ import annotations

import asyncio


def heed() -> None:
    """Raise the cancellation of this task, if there was one, until somebody has said that it is `handled`."""
    if (task := asyncio.current_task()) is not None and task.cancelling():
        raise asyncio.CancelledError


def handled() -> None:
    """This task has caught its cancellation and cleans up: it may begin things again."""
    if (task := asyncio.current_task()) is not None:
        while task.cancelling():
            task.uncancel()
