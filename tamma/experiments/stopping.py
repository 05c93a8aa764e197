"""Which look is next, what may still be spent, why an A/B test stops. Pure, and light enough for workflows.

The boundaries were computed before anything ran (`tamma.experiments.sequential`) and are in the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tamma.model.experiment import LookPlan
from tamma.model.looks import Bound, DueLook
from tamma.model.verdict import Decision, Look, StopReason, Verdict


def look_in_order(
    planned: Sequence[LookPlan], taken: Sequence[Look], complete: int, *, ended: bool = False
) -> DueLook | None:
    """The look to take now, or None, in a test whose units have an order.

    `complete`: how many units are done in a row, from the first one drawn. So quick tasks never come into an
    analysis before slow ones that were drawn earlier, and a look that was planned for n units is about
    exactly the first n, however many more are done: what a look sees depends on no clock and no crash.
    The test having `ended`, the last look is about what there is. None follows a last look.
    """
    if taken and taken[-1].last:
        return None
    before, total = (taken[-1].asked if taken else 0), planned[-1].units
    units = next((look.units for look in planned if before < look.units <= complete), None)
    if units is None and ended and complete:
        return DueLook(len(taken) + 1, complete, True, 0, bounds_before(taken, complete))
    if units is None:
        return None
    return DueLook(len(taken) + 1, units, units >= total, 0, bounds_before(taken, units))


def bounds_before(taken: Sequence[Look], units: int) -> tuple[Bound, ...]:
    """The looks taken on fewer units, that could make a test: what a new boundary is computed from."""
    return tuple(
        Bound(look.units, look.boundary) for look in taken if look.boundary is not None and look.units < units
    )


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
