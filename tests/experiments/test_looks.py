"""When a look is due, and that a workflow can ask without loading anything."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tamma.experiments.looks import crosses, due_look, nominal_p, units_until_look
from tamma.experiments.sequential.normal import two_sided
from tamma.model.experiment import LookPlan
from tamma.model.looks import Bound, DueLook
from tamma.model.verdict import Look

PLAN = tuple(LookPlan(number, 20 * number, 5.0 - number / 2) for number in range(1, 6))
TWENTY, FORTY = Bound(20, 4.5), Bound(40, 4.0)


@pytest.mark.parametrize(
    ("taken", "completed", "ended", "expected"),
    [
        ((), 0, False, None),
        ((), 0, True, None),
        ((), 19, False, None),
        ((), 20, False, DueLook(1, 20, False, 0, ())),
        ((), 23, False, DueLook(1, 23, False, 0, ())),
        ((TWENTY,), 20, False, None),
        ((TWENTY,), 39, False, None),
        ((TWENTY,), 85, False, DueLook(2, 85, False, 2, (TWENTY,))),
        ((TWENTY,), 100, False, DueLook(2, 100, True, 3, (TWENTY,))),
        ((TWENTY, FORTY), 107, False, DueLook(3, 107, True, 2, (TWENTY, FORTY))),
        ((TWENTY,), 31, True, DueLook(2, 31, True, 0, (TWENTY,))),
        ((TWENTY, FORTY), 40, True, DueLook(3, 40, True, 0, (TWENTY,))),
        ((TWENTY, FORTY), 38, False, None),
        ((TWENTY, FORTY), 38, True, DueLook(3, 40, True, 0, (TWENTY,))),
        ((Bound(100, 2.0),), 120, True, None),
    ],
)
def test_when_a_look_is_due(
    taken: tuple[Bound, ...], completed: int, ended: bool, expected: DueLook | None
) -> None:
    assert due_look(PLAN, taken, completed, ended=ended) == expected


def test_the_looks_of_a_test_are_looks_that_were_taken() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    without_test = Look(1, 20, 0.2, None, None, False, now, Decimal(3))
    crossed_nothing = Look(2, 40, 0.4, 1.1, 4.0, False, now, Decimal(6))
    assert due_look(PLAN, [without_test, crossed_nothing], 60) == DueLook(3, 60, False, 0, (FORTY,))


def test_how_many_units_until_the_next_look() -> None:
    assert units_until_look(PLAN, (), 3) == 17
    assert units_until_look(PLAN, (Bound(33, 4.0),), 33) == 7
    assert units_until_look(PLAN, (TWENTY,), 55) == 0
    assert units_until_look(PLAN, (Bound(100, 2.0),), 100) is None


def test_the_p_of_the_test_itself_decides() -> None:
    assert nominal_p(2.5) == pytest.approx(two_sided(2.5))
    assert crosses(2.5, nominal_p(2.5))
    assert not crosses(2.5, nominal_p(2.5) * 1.001)


def test_nothing_of_it_loads_arrays() -> None:
    rooms = ["looks", *(f"sequential.{name}" for name in ("spending", "inference", "power"))]
    rooms += ["sequential.confidence", "sequential.evidence"]
    code = (
        f"import sys, importlib; [importlib.import_module('tamma.experiments.' + name) for name in {rooms}]; "
        "print(sorted({'numpy', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
