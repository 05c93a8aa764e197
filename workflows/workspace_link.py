"""A run's hold on its workspace: calls go to the host that has it; a lost host is replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.interface import PREPARE_WORKSPACE, SET_UP_PROJECT, Activity, SetUpProject
from tamma.model.ids import BlobId
from tamma.model.session import WorkspaceOrder, WorkspaceRef
from tamma.model.task import WORKSPACE_QUEUE
from workflows.calls import call
from workflows.options import PREPARE, SET_UP, Options
from workflows.patience import Patience
from workflows.recovery import WORKER_GONE, Trouble, diagnose

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741

LONGEST_QUEUE = 3600.0
"""Seconds that a call waits at most behind others, on a host that was busy before, until it is given up."""


class WorkspaceLink:
    """Where the workspace is now. `order` rebuilds it, from the last checkpoint, when its host is gone."""

    def __init__(
        self,
        order: WorkspaceOrder,
        patience: Patience,
        *,
        lost_after: float,
        ref: WorkspaceRef | None = None,
    ) -> None:
        self._order = order
        self._patience = patience
        self._lost_after = lost_after
        self._ref = ref

    @property
    def ref(self) -> WorkspaceRef:
        """Where it is. Only after `prepare`."""
        assert self._ref is not None, "prepare() comes first"
        return self._ref

    @property
    def prepared(self) -> bool:
        return self._ref is not None

    def adopt(self, ref: WorkspaceRef) -> None:
        """Take over what a child workflow knows of it."""
        self._ref = ref

    def checkpointed(self, checkpoint: BlobId | None) -> None:
        """Remember the newest checkpoint."""
        if checkpoint is not None and self._ref is not None:
            self._ref = replace(self._ref, checkpoint=checkpoint)

    async def prepare(self) -> WorkspaceRef:
        """Have it made, or found, by any worker that serves workspaces."""
        self._ref = await self._patience.patiently(
            lambda: call(
                PREPARE_WORKSPACE,
                replace(
                    self._order, checkpoint=self._ref.checkpoint if self._ref else self._order.checkpoint
                ),
                PREPARE,
                queue=WORKSPACE_QUEUE,
                summary=f"clone {self._order.repo.full_name}",
            )
        )
        return self._ref

    async def stand_on(self, order: WorkspaceOrder, checkpoint: BlobId | None) -> None:
        """It stands on another base now: from here on it is rebuilt on that one, from this checkpoint."""
        self._order = order
        self._ref = replace(self.ref, base_sha=order.base_sha, checkpoint=checkpoint)
        await self.set_up()

    async def set_up(self) -> None:
        """Build the project's environment as the work tree asks for it now; the baseline is known."""
        await self.call(
            SET_UP_PROJECT, self._environment(), SET_UP, summary="renew the project's environment"
        )

    def _environment(self) -> SetUpProject:
        """What is asked for where nothing but the environment is wanted."""
        return SetUpProject(self.ref.id, test_command=None, baseline=False, timeout=SET_UP.start_to_close)

    async def call(self, activity: Activity[I, O], given: I, options: Options, *, summary: str = "") -> O:
        """Run a workspace activity where the workspace is, rebuilding it elsewhere if it must be."""
        return await self._patience.patiently(
            lambda: self._call(activity, given, options, summary), rebuild=self._rebuild
        )

    async def _call(self, activity: Activity[I, O], given: I, options: Options, summary: str) -> O:
        lasting = options.lost_after(self._lost_after)
        return await call(activity, given, lasting, queue=self.ref.queue, summary=summary)

    async def call_or_refuse(
        self, activity: Activity[I, O], given: I, options: Options, kind: str, *, summary: str = ""
    ) -> O | None:
        """The same. None where it fails with the error of this name, which whoever calls can do something
        about: no person is asked."""

        async def once() -> O | None:
            try:
                return await self._call(activity, given, options, summary)
            except ActivityError as error:
                if diagnose(error).kind == kind:
                    return None
                raise

        return await self._patience.patiently(once, rebuild=self._rebuild)

    async def _rebuild(self, trouble: Trouble) -> None:
        workflow.logger.warning("workspace lost (%s): building it again", trouble.reason)
        before = self.ref.queue
        await self.prepare()
        if trouble.kind == WORKER_GONE and self.ref.queue == before:
            # Its host answers: other runs' work was before ours in the queue, and will be again.
            self._lost_after = min(self._lost_after * 2, LONGEST_QUEUE)
        # Its commands need the project's environment again; the baseline is known.
        await self._patience.patiently(
            lambda: call(
                SET_UP_PROJECT,
                self._environment(),
                SET_UP,
                queue=self.ref.queue,
                summary="rebuild the project's environment",
            )
        )
