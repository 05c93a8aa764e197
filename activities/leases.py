"""How many workspaces a worker holds at once. A workspace on its disk is the lease: no list can disagree.

One whose run is gone (its worker died before it could be removed) is no reason to wait: where there is no
room, the server is asked whether the runs of the others still go on. Age says nothing: people may take days.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from temporalio import activity

from tamma.errors import WorkspacesFull
from tamma.model.trial import trial_of
from tamma.model.tries import task_of
from tamma.workspace.interface import Held, Workspaces

_SESSION = re.compile(r"/session-\d+\Z")


class OpenRuns(Protocol):
    """The server, as far as it knows who still needs a workspace."""

    async def still_open(self, workflow_id: str, task_id: str) -> bool:
        """Whether the run with that task goes on. True where nobody can say."""
        ...


class AllOpen:
    """Where no server is asked: nothing is ever taken away."""

    async def still_open(self, workflow_id: str, task_id: str) -> bool:
        return True


def holder() -> str:
    """The workflow id of the run for which this activity works, also where one of its sessions called it."""
    return _SESSION.sub("", activity.info().workflow_id or "")


class Leases:
    """Holds the workspaces and their number; None: as many as are asked for."""

    def __init__(
        self,
        workspaces: Workspaces,
        most: int | None,
        runs: OpenRuns,
        release: Callable[[str], Awaitable[None]],
    ) -> None:
        self._workspaces = workspaces
        self._most = most
        self._runs = runs
        self._release = release
        self._making: set[str] = set()
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def room(self, workspace_id: str, wanted_by: str) -> AsyncGenerator[None]:
        """Room to make this workspace while the body runs; what it leaves on the disk has room, too.

        A run that holds one here has room for a copy of it, or those who hold all could wait for each other.
        Raises WorkspacesFull.
        """
        if self._most is None:
            yield
            return
        async with self._lock:
            await self._take(workspace_id, wanted_by, self._most)
        try:
            yield
        finally:
            self._making.discard(workspace_id)

    async def _take(self, workspace_id: str, wanted_by: str, most: int) -> None:
        held = {each.id: each for each in await self._workspaces.held()}
        run = _run_of(workspace_id)  # a run and its retry have one workflow id
        if wanted_by and any(each.holder == wanted_by and _run_of(each.id) == run for each in held.values()):
            self._making.add(workspace_id)
            return
        others = (held.keys() | self._making) - {workspace_id}
        if len(others) >= most and workspace_id not in held:
            for each in held.values():
                if each.id not in self._making and not await self._needed(each):
                    activity.logger.info("the workspace %s is removed: its run is gone", each.id)
                    await self._release(each.id)
                    others.discard(each.id)
            if len(others) >= most:
                raise WorkspacesFull(
                    f"waits for a free workspace: this worker holds {len(others)} of {most}",
                    hint="it goes on by itself when another run ends, or on another worker; "
                    "`worker.maxWorkspaces` says how many one holds",
                )
        self._making.add(workspace_id)

    async def _needed(self, held: Held) -> bool:
        """One of which nobody wrote down whose it is stays: an older version made it."""
        return not held.holder or await self._runs.still_open(held.holder, _run_of(held.id))


def _run_of(workspace_id: str) -> str:
    """The task of the run that made a workspace: its own, a try's, or the copy in which a trial is graded."""
    return task_of(trial_of(workspace_id))
