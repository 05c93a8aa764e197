"""Changes of level in one series, and in all series at once."""

from __future__ import annotations

import math
import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamma.analysis.changes.observations import BIN, MOST_POINTS, observed, series
from tamma.analysis.changes.points import change_p, change_points
from tamma.analysis.changes.scan import FALSE_DISCOVERIES, scan
from tamma.errors import BadFigures
from tamma.model.agent import TaskType
from tamma.model.experiment import Metric
from tests.analysis.changes.nile import NILE
from tests.analysis.changes.runs import START, run


def noise(count: int, seed: int, mean: float = 0.0, spread: float = 1.0) -> list[float]:
    source = random.Random(seed)
    return [source.gauss(mean, spread) for _ in range(count)]


def test_the_nile_changed_after_1898() -> None:
    found = change_points(NILE)
    assert found.indices == (28,)
    assert found.noise == pytest.approx(115.32, abs=0.01)


def test_the_p_of_the_nile_is_that_of_other_software() -> None:
    """OLS-CUSUM, as statsmodels' `breaks_cusumolsresid` (ddof 1) and R's strucchange have it: S = 2.9518."""
    assert change_p(NILE) == pytest.approx(5.408553e-08, rel=1e-6)


def test_two_changes_are_found_where_they_are() -> None:
    values = noise(30, 1) + noise(25, 2, mean=4) + noise(30, 3, mean=-1)
    found = change_points(values)
    assert len(found.indices) == 2
    assert [abs(index - true) <= 1 for index, true in zip(found.indices, (30, 55), strict=True)] == [
        True,
        True,
    ]


def test_raw_costs_look_like_changes_and_their_logarithms_do_not() -> None:
    raw = logs = 0
    for seed in range(12):
        values = noise(60, seed)
        logs += bool(change_points(values).indices)
        raw += bool(change_points([math.exp(value) for value in values]).indices)
    assert logs <= 1
    assert raw >= 5


def test_the_test_for_any_change_is_silent_without_one() -> None:
    for count in (12, 40, 100):
        alarms = sum((change_p(noise(count, 1000 + seed)) or 1.0) <= 0.05 for seed in range(300))
        assert alarms <= 0.05 * 300 + 3 * math.sqrt(300 * 0.05 * 0.95)


@pytest.mark.parametrize("count", [0, 1, 9])
def test_short_series_are_answered_in_words(count: int) -> None:
    assert change_p([1.0] * count) is None
    assert change_points([1.0] * count).notes == (f"{count} of at least 10 points",)


def test_a_series_without_noise() -> None:
    flat, step = [0.1 + 0.2] * 12 + [0.3] * 12, [1.0] * 12 + [2.0] * 12
    assert change_p(flat) == 1.0
    assert change_points(flat).indices == ()
    assert change_points(flat).notes == ("all points are equal",)
    assert change_points(step).indices == (12,)
    assert "most points equal the one before" in change_points(step).notes[0]
    p = change_p(step)
    assert p is not None
    assert p < 0.001


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 3)), min_size=10, max_size=40),
    st.sampled_from([-1000.0, -1.0, 0.001, 50.0]),
)
def test_unit_and_origin_do_not_matter(values: list[float], unit: float) -> None:
    scaled = [unit * value for value in values]
    assert change_p(scaled) == pytest.approx(change_p(values), rel=1e-6)
    assert 0.0 <= (change_p(values) or 0.0) <= 1.0


def test_values_that_are_no_numbers_are_refused() -> None:
    for function in (change_p, change_points):
        with pytest.raises(BadFigures, match="2 of 11 points are no finite numbers"):
            function([1.0] * 9 + [float("nan"), float("inf")])


def test_what_a_metric_leaves_out_is_counted() -> None:
    runs = [run(2, cost=0.0), run(0, cost=2.0), run(1, unpriced=1), run(3, cost=8.0, success=False)]
    found = observed(runs, Metric.COST)
    assert [item.value for item in found.values] == [2.0, 8.0]
    assert found.left_out == (
        "1 runs with calls of unknown price are left out",
        "1 runs that cost nothing are left out",
    )
    assert [item.value for item in observed(runs, Metric.SUCCESS).values] == [1, 1, 1, 0]
    assert observed(runs, Metric.QUALITY).left_out == ("4 runs without a grade are left out",)
    odd = observed([run(0, quality=math.nan), run(1, duration=0)], Metric.QUALITY).left_out
    assert odd[0] == "1 runs whose value is no finite number are left out"


def test_points_are_made_from_the_newest_runs_backwards() -> None:
    runs = [run(hour, success=hour % 4 > 0) for hour in range(2 * BIN + 3)]
    found = series(observed(runs, Metric.SUCCESS).values, Metric.SUCCESS)
    assert [len(members) for members in found.members] == [BIN + 3, BIN]
    assert found.at[1] == START + timedelta(hours=BIN + 3)
    # Of the newest ten, hours 13 to 22, those of 16 and 20 failed.
    assert found.values[1] == pytest.approx(math.log(8.5 / 2.5))
    every = series(observed([run(hour) for hour in range(5)], Metric.COST).values, Metric.COST)
    assert [len(members) for members in every.members] == [1] * 5
    long = series(observed([run(hour) for hour in range(1000)], Metric.COST).values, Metric.COST)
    assert len(long.values) == MOST_POINTS
    assert series((), Metric.COST).values == ()


def costs(
    count: int, seed: int, *, step_at: int | None = None, task_type: TaskType = TaskType.TESTING
) -> list[float]:
    values = noise(count, seed, spread=0.5)
    return [
        math.exp(value + (1.0 if step_at is not None and i >= step_at else 0.0))
        for i, value in enumerate(values)
    ]


def test_the_scan_finds_the_one_series_that_changed() -> None:
    runs = {
        "steady": [run(hour, cost=cost) for hour, cost in enumerate(costs(60, 1))],
        "dearer": [run(hour, cost=cost) for hour, cost in enumerate(costs(60, 2, step_at=40))]
        + [
            run(hour + 0.5, cost=cost, task_type=TaskType.CODE_REVIEW)
            for hour, cost in enumerate(costs(60, 3))
        ],
        "young": [run(hour) for hour in range(4)],
    }
    found = scan(runs, [Metric.COST, Metric.DURATION])
    assert [(item.agent, item.metric.value, item.task_type) for item in found] == [
        ("steady", "cost", "testing"),
        ("steady", "duration", "testing"),
        ("dearer", "cost", "code-review"),
        ("dearer", "cost", "testing"),
        ("dearer", "duration", "code-review"),
        ("dearer", "duration", "testing"),
        ("young", "cost", "testing"),
        ("young", "duration", "testing"),
    ]
    (changed,) = [item for item in found if item.changed]
    assert (changed.agent, changed.task_type, changed.runs) == ("dearer", "testing", 60)
    (change,) = changed.changes
    assert abs((change.at - START) / timedelta(hours=1) - 40) <= 2
    assert change.after / change.before == pytest.approx(math.e, rel=0.35)
    assert change.p == changed.p_adjusted
    assert changed.p is not None
    assert change.p is not None
    assert change.p >= changed.p
    young = found[-1]
    assert (young.p, young.p_adjusted, young.notes) == (None, None, ("4 of at least 10 points",))


def test_a_success_rate_that_fell_is_found() -> None:
    source = random.Random(5)
    runs = [run(hour, success=source.random() < (0.9 if hour < 150 else 0.4)) for hour in range(300)]
    (found,) = scan({"agent": runs}, [Metric.SUCCESS])
    (change,) = found.changes
    assert found.points == 30
    assert abs((change.at - START) / timedelta(hours=1) - 150) <= 10
    assert change.before > 0.8
    assert change.after < 0.55


def test_a_slow_drift_is_not_called_a_step() -> None:
    drifting = [math.exp(value + hour / 200) for hour, value in enumerate(noise(200, 10))]
    (found,) = scan({"agent": [run(hour, cost=cost) for hour, cost in enumerate(drifting)]}, [Metric.COST])
    assert found.changed
    assert found.changes == ()
    assert found.notes == ("the level changed, but not at one moment: rather a drift",)


def test_many_steady_series_are_held_together() -> None:
    """Without adjustment 60 steady series would show a few changes."""
    runs = {
        f"agent-{seed}": [run(h, cost=c) for h, c in enumerate(costs(40, 500 + seed))] for seed in range(60)
    }
    found = scan(runs, [Metric.COST])
    alone = sum((item.p or 1.0) <= FALSE_DISCOVERIES for item in found)
    assert alone >= 1
    assert not any(item.changed for item in found)
