"""Whose workspace it is that may be taken away."""

from __future__ import annotations

from typing import cast

import pytest

from activities.leases import Leases
from tamma.errors import WorkspacesFull
from tamma.model.ids import TaskId
from tamma.model.trial import graded_copy
from tamma.model.tries import try_workspace
from tamma.workspace.interface import Held, Workspaces

TASK, RUN = TaskId("0198-1"), "dev/memory/acme/calc/1"


class OfTries:
    """A host that holds the workspaces of a run's tries."""

    async def held(self) -> tuple[Held, ...]:
        return tuple(Held(try_workspace(TASK, number), RUN) for number in (1, 2))


class OneRun:
    """A server that knows of that run alone."""

    async def still_open(self, workflow_id: str, task_id: str) -> bool:
        return (workflow_id, task_id) == (RUN, TASK)


async def test_a_tries_workspace_is_needed_as_long_as_its_run_goes_on() -> None:
    released: list[str] = []

    async def release(workspace_id: str) -> None:
        released.append(workspace_id)

    leases = Leases(cast("Workspaces", OfTries()), 1, OneRun(), release)
    with pytest.raises(WorkspacesFull):
        async with leases.room("another", "dev/memory/acme/calc/2"):
            pass
    assert released == []
    async with leases.room(try_workspace(TASK, 3), RUN):
        pass  # a run that holds one has room for its tries
    async with leases.room(graded_copy(TASK), RUN):
        pass  # and a trial for the copy in which it is graded


async def test_what_a_dead_run_left_is_no_room_for_its_retry() -> None:
    released: list[str] = []

    async def release(workspace_id: str) -> None:
        released.append(workspace_id)

    leases = Leases(cast("Workspaces", OfTries()), 1, OneRun(), release)
    with pytest.raises(WorkspacesFull):
        async with leases.room("0198-2", RUN):
            pass
    assert released == []
