"""Which look is next, what may still be spent, why an A/B test stops. Pure, and light enough for workflows.

The boundaries were computed before anything ran (`tamma.experiments.sequential`) and are in the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tamma.experiments.looks import TakenLook, due_look
from tamma.model.experiment import Decision, LookPlan, StopReason, Verdict
from tamma.model.looks import DueLook


def look_in_order(
    planned: Sequence[LookPlan], taken: Sequence[TakenLook], complete: int, *, ended: bool = False
) -> DueLook | None:
    """The look to take now, or None, in a test whose units have an order.

    `complete`: how many units are complete in a row, from the first one drawn. So quick tasks never come into
    an analysis before slow ones that were drawn earlier, and a look that was planned for n units is about
    exactly the first n, however many more are complete: what a look sees depends on no clock and no crash.
    """
    before = taken[-1].units if taken else 0
    following = next((look.units for look in planned if look.units > before), None)
    if following is not None and following <= complete:
        return due_look(planned, taken, following)
    return due_look(planned, taken, complete, ended=ended)


@dataclass(frozen=True, slots=True)
class Purse:
    """What a test has spent and may still spend, in US dollars."""

    budget: Decimal | None
    spent: Decimal
    trial: Decimal
    """What one trial may spend at most."""
    running: int = 0
    """Trials under way: each may still spend all of its own budget."""

    def affords_another(self) -> bool:
        """Whether one more trial fits, whatever those under way will cost."""
        return self.budget is None or self.spent + (self.running + 1) * self.trial <= self.budget


@dataclass(frozen=True, slots=True)
class Standing:
    """What the end of a test follows from, between looks."""

    now: datetime
    ends_at: datetime
    purse: Purse
    all_begun: bool
    """Every unit that was planned has begun."""
    told_to_stop: bool = False


def reason_to_stop(standing: Standing) -> StopReason | None:
    """Why nothing further begins, if so. What is under way may end, and counts.

    A budget only ends a test when nothing is under way any more: what a trial leaves of its own budget may
    pay for the next.
    """
    if standing.told_to_stop:
        return StopReason.SIGNAL
    if standing.all_begun:
        return StopReason.COMPLETED
    if standing.now >= standing.ends_at:
        return StopReason.DEADLINE
    if standing.purse.running == 0 and not standing.purse.affords_another():
        return StopReason.BUDGET
    return None


def reason_of_look(verdict: Verdict) -> StopReason | None:
    """Why a look that is not the last one ends the test, if it does."""
    if verdict.decision is Decision.INCONCLUSIVE:
        return None
    return StopReason.INVALID if verdict.decision is Decision.INVALID else StopReason.BOUNDARY
