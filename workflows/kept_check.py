"""`KeptCheck`: whether merged changes were reverted. `tamma.temporal.daily` has it asked once a day."""

from __future__ import annotations

from temporalio import workflow

from activities.interface.kept import LOOK_FOR_REVERTS, LookForReverts, RevertsLooked
from tamma.model.kept import KEPT_CHECK
from workflows.calls import call
from workflows.options import MANY_REPOSITORIES


@workflow.defn(name=KEPT_CHECK)
class KeptCheck:
    """One look."""

    @workflow.run
    async def run(self, given: LookForReverts) -> RevertsLooked:
        return await call(LOOK_FOR_REVERTS, given, MANY_REPOSITORIES, summary="look for reverts")
