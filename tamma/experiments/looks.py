"""Whether it is time to look: pure functions over counts, which a workflow asks after every unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from tamma.model.experiment import LookPlan
from tamma.model.looks import Bound, DueLook


class TakenLook(Protocol):
    """What is read of a look that was taken; `tamma.model.experiment.Look` is one."""

    @property
    def units(self) -> int: ...

    @property
    def boundary(self) -> float | None:
        """None where the data allowed no test."""
        ...


def due_look(
    planned: Sequence[LookPlan], taken: Sequence[TakenLook], completed: int, *, ended: bool = False
) -> DueLook | None:
    """The look to take now, or None. `planned` is not empty.

    One look makes up for all that were missed, on the units there are now. The last one is due at the planned
    number of units, or earlier where the experiment has `ended` for a reason other than what it showed so far
    (money, time): it spends all the alpha that is left. Where nothing new came in since the look before, it
    judges the same units again in that look's place. None ever follows a look at the planned number of units;
    nothing is asked after the look of an experiment that ended.
    """
    total = planned[-1].units
    before = taken[-1].units if taken else 0
    now = max(completed, before)  # what was looked at once counts, whatever became of it
    if before >= total or now == 0:
        return None
    last = ended or now >= total
    missed = sum(1 for look in planned if before < look.units <= now)
    if not (last or missed):
        return None
    prior = tuple(
        Bound(look.units, look.boundary) for look in taken if look.boundary is not None and look.units < now
    )
    return DueLook(len(taken) + 1, now, last, max(0, missed - 1), prior)


def units_until_look(planned: Sequence[LookPlan], taken: Sequence[TakenLook], completed: int) -> int | None:
    """How many units must still be completed before the next look; None where there will be none."""
    before = taken[-1].units if taken else 0
    following = next((look.units for look in planned if look.units > before), None)
    return None if following is None else max(0, following - completed)


def nominal_p(boundary: float) -> float:
    """The two-sided p of a normal statistic that just reaches the boundary."""
    return math.erfc(boundary / math.sqrt(2.0))


def crosses(boundary: float, p: float) -> bool:
    """Whether a test's own two-sided p stops the experiment, whatever the test.

    The significance level approach (Jennison & Turnbull 2000, section 3.3): the boundary of the normal
    statistic, taken as the nominal level of a t or exact test.
    """
    return p <= nominal_p(boundary)
