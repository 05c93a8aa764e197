"""A workflow that does nothing but spend, within the limits that runs share."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from temporalio import workflow

from tamma.model.ids import TaskId
from tamma.model.task import Spend, Waiting
from workflows.patience import Patience
from workflows.purse import Holder, Purse


@dataclass(frozen=True, slots=True)
class Calls:
    """So many model calls at a price, for a repository. `seconds` for each."""

    repo: str
    number: int
    price: Decimal
    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Waited:
    """What was waited for, in order."""

    waits: tuple[Waiting, ...]


@workflow.defn
class Spender:
    def __init__(self) -> None:
        self._waits: list[Waiting] = []
        self._patience = Patience(self._changed)

    def _changed(self, waiting: Waiting | None) -> None:
        if waiting is not None:
            self._waits.append(waiting)

    @workflow.run
    async def run(self, given: Calls) -> Waited:
        info = workflow.info()
        purse = Purse(
            Holder(TaskId(info.workflow_id), given.repo, info.workflow_id, info.run_id), self._patience
        )
        left = given.number
        while left:
            if await purse.afford(given.price * left):
                await workflow.sleep(given.seconds)
                purse.charge(Spend(turns=1, cost_usd=given.price))
                left -= 1
        await purse.put_back()
        return Waited(tuple(self._waits))
