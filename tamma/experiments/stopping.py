"""When an A/B test is looked at, when it may go on, and why it stops. Pure, and light enough for workflows.

The boundaries are in the plan; they were computed before anything ran (`tamma.experiments.sequential`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tamma.model.experiment import Decision, LookPlan, StopReason, Verdict


@dataclass(frozen=True, slots=True)
class DueLook:
    """A look to take now."""

    number: int
    """From 1, without gaps: looks that nobody took in time are not counted."""
    units: int
    """It is about the first so many units in the drawn order (paired), or all runs that ended (live)."""
    final: bool


def due_look(
    planned: Sequence[LookPlan], taken: int, last_units: int, complete: int, *, ended: bool = False
) -> DueLook | None:
    """The look to take now, or None. `taken` looks there were, the last at `last_units` units.

    `complete`: units whose cells have all ended; for paired tests, how many of them in a row from the first
    one of the drawn order, so that quick tasks do not come into the analysis before slow ones. A look is due
    at its own count of units, however many more are complete: which units it judges depends on no clock. The
    last look is due at the planned number, or with what there is once the test `ended`.
    """
    most = planned[-1].units
    if complete >= most:
        # Later looks at fewer units would only spend alpha again on what is known already.
        waiting = [look.units for look in planned if look.units > last_units]
        units = waiting[0] if waiting else most
        return DueLook(taken + 1, units, final=units >= most) if last_units < most else None
    if ended:
        return DueLook(taken + 1, complete, final=True)
    reached = [look.units for look in planned if last_units < look.units <= complete]
    return DueLook(taken + 1, reached[0], final=False) if reached else None


def next_look(planned: Sequence[LookPlan], last_units: int) -> LookPlan | None:
    """The next look that is planned; None after the last one."""
    return next((look for look in planned if look.units > last_units), None)


@dataclass(frozen=True, slots=True)
class Purse:
    """What a test has spent and may still spend, in US dollars."""

    spent: Decimal
    promised: Decimal
    """What the trials that run now may still spend, each up to its own budget."""
    budget: Decimal | None

    def affords(self, trial: Decimal) -> bool:
        """Whether one more trial of this budget fits, whatever those that run now will cost."""
        return self.budget is None or self.spent + self.promised + trial <= self.budget

    def exhausted(self, trial: Decimal) -> bool:
        """Whether no trial will fit any more, even if those that run now cost nothing."""
        return self.budget is not None and self.spent + trial > self.budget


@dataclass(frozen=True, slots=True)
class Standing:
    """What a test's end can follow from."""

    now: datetime
    ends_at: datetime
    purse: Purse
    trial: Decimal
    """The budget of one trial."""
    all_started: bool
    running: int
    stopped: bool
    """Somebody said stop."""


def stop_reason(standing: Standing) -> StopReason | None:
    """Why no further trial begins, if so; what runs may end. A person's word goes first, then the clock."""
    if standing.stopped:
        return StopReason.SIGNAL
    if standing.all_started:
        return StopReason.COMPLETED
    if standing.now >= standing.ends_at:
        return StopReason.DEADLINE
    if standing.purse.exhausted(standing.trial) and standing.running == 0:
        return StopReason.BUDGET
    return None


def stops(verdict: Verdict, *, final: bool, crossed: bool) -> StopReason | None:
    """Why this look ends the test, if so. Before the last one, only what no later look may take back does."""
    if verdict.decision is Decision.INVALID and not final:
        return StopReason.INVALID if _lasting(verdict) else None
    if verdict.decision is Decision.INVALID:
        return StopReason.INVALID
    if crossed and verdict.decision in (Decision.WINNER, Decision.CONTROL):
        return StopReason.BOUNDARY
    if verdict.decision is Decision.CONTROL:
        return StopReason.BOUNDARY  # harm on a guardrail is proved: more of it helps nobody
    return None


def _lasting(verdict: Verdict) -> bool:
    """Whether more units could not mend it: too few units and missing data may pass."""
    from tamma.model.experiment import Reason

    return any(
        reason in (Reason.SRM, Reason.MODEL_CHANGED, Reason.CONFIG_CHANGED, Reason.MISSINGNESS_DIFFERS)
        for reason in verdict.reasons
    )
