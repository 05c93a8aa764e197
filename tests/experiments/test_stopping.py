"""Which look is next, what may be spent, why a test stops."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tamma.experiments.stopping import Purse, Standing, look_in_order, reason_of_look, reason_to_stop
from tamma.model.experiment import LookPlan
from tamma.model.looks import Bound
from tamma.model.verdict import Decision, Look, StopReason, Verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLANNED = (LookPlan(1, 20, 4.0), LookPlan(2, 40, 3.0), LookPlan(3, 60, 2.0))


def taken(*asked: int, last: bool = False, lost: int = 0) -> tuple[Look, ...]:
    return tuple(
        Look(n, units - lost, units / 60, 1.0, 3.0, False, NOW, Decimal(0), asked=units, last=last)
        for n, units in enumerate(asked, 1)
    )


@pytest.mark.parametrize(
    ("before", "complete", "ended", "expected"),
    [
        ((), 19, False, None),
        ((), 20, False, (1, 20, False)),
        ((), 33, False, (1, 20, False)),  # exactly the first 20, however many are done
        ((), 60, False, (1, 20, False)),  # none is skipped
        ((20,), 39, False, None),
        ((20,), 45, False, (2, 40, False)),
        ((20, 40), 60, False, (3, 60, True)),
        ((20,), 33, True, (2, 33, True)),  # it ended: what there is
        ((20,), 45, True, (2, 40, False)),  # a planned look still comes first
        ((20,), 20, True, (2, 20, True)),  # the same units again, with all of the alpha
        ((), 0, True, None),
    ],
)
def test_the_next_look(
    before: tuple[int, ...], complete: int, ended: bool, expected: tuple[int, int, bool] | None
) -> None:
    due = look_in_order(PLANNED, taken(*before), complete, ended=ended)
    assert (due and (due.number, due.units, due.last)) == expected


def test_nothing_follows_a_last_look() -> None:
    for ended in (True, False):
        assert look_in_order(PLANNED, taken(33, last=True), 60, ended=ended) is None


def test_a_look_that_found_fewer_units_than_it_asked_for_is_not_taken_twice() -> None:
    due = look_in_order(PLANNED, taken(20, lost=2), 30)
    assert due is None
    due = look_in_order(PLANNED, taken(20, lost=2), 40)
    assert due is not None
    assert due.prior == (Bound(18, 3.0),), "its boundary was for the units that there were"


def purse(budget: str | None, spent: str, running: int = 0, trial: str = "3") -> Purse:
    return Purse(Decimal(budget) if budget else None, Decimal(spent), Decimal(trial), running)


def test_what_running_trials_may_still_spend_is_not_spent_twice() -> None:
    assert purse("12", "0", running=3).affords_another()
    assert not purse("12", "0", running=4).affords_another()
    assert not purse("12", "0.01", running=3).affords_another()
    assert purse(None, "1000000", running=100).affords_another()


def test_why_a_test_stops() -> None:
    def reason(
        budget: Purse, *, begun: bool = False, days: float = 1, stopped: bool = False
    ) -> StopReason | None:
        return reason_to_stop(Standing(NOW, NOW + timedelta(days=days), budget, begun, stopped))

    rich, poor = purse(None, "0"), purse("12", "10")
    assert reason(rich) is None
    assert reason(poor) is StopReason.BUDGET
    assert reason(purse("12", "5", running=2)) is None
    assert reason(purse("12", "5", running=3)) is None, "what those under way leave may pay for another"
    assert reason(rich, begun=True) is StopReason.COMPLETED
    assert reason(rich, days=0) is StopReason.DEADLINE
    assert reason(poor, begun=True, days=0, stopped=True) is StopReason.SIGNAL


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (Decision.INCONCLUSIVE, None),
        (Decision.INVALID, StopReason.INVALID),
        (Decision.WINNER, StopReason.BOUNDARY),
        (Decision.CONTROL, StopReason.BOUNDARY),
        (Decision.EQUIVALENT, StopReason.BOUNDARY),
    ],
)
def test_a_look_that_settles_it_ends_the_test(decision: Decision, expected: StopReason | None) -> None:
    assert reason_of_look(Verdict(decision, (), "")) is expected
