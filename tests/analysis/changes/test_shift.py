"""Before and after a known moment, at the same mix of tasks."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamma.analysis.changes.observations import Observation, Observed, observed
from tamma.analysis.changes.shift import Shift, compare, shift, week_against_week
from tamma.model.agent import TaskType
from tamma.model.analysis import Direction
from tamma.model.experiment import Metric
from tests.analysis.changes.runs import START, run

# R's `datasets::sleep` (Student 1908): the hours of sleep that two drugs gained.
SLEEP_1 = (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0)
SLEEP_2 = (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4)


def values(numbers: Sequence[float], task_type: str = "testing") -> list[Observation]:
    return [Observation(START, task_type, number) for number in numbers]


def outcomes(successes: int, runs: int, task_type: str = "testing") -> list[Observation]:
    return values([1.0] * successes + [0.0] * (runs - successes), task_type)


def ends(found: Shift) -> tuple[float, float]:
    assert found.interval is not None
    return found.interval.low, found.interval.high


def test_one_task_type_is_welchs_test() -> None:
    """R: t.test(extra ~ group, sleep): t = -1.8608, df = 17.776, p = 0.07939, -3.3655 to 0.2055."""
    found = compare(Metric.QUALITY, values(SLEEP_2), values(SLEEP_1))
    assert found.estimate == pytest.approx(-1.58)
    assert found.p == pytest.approx(0.07939, abs=5e-6)
    assert ends(found) == pytest.approx((-3.365483, 0.205483), abs=1e-6)
    assert found.direction is Direction.UNCLEAR


@pytest.mark.parametrize(
    ("after", "before", "expected"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((10, 10), (0, 10), (0.6075, 1.0)),
    ],
)
def test_one_task_type_has_newcombes_interval(
    after: tuple[int, int], before: tuple[int, int], expected: tuple[float, float]
) -> None:
    found = compare(Metric.SUCCESS, outcomes(*before), outcomes(*after))
    assert ends(found) == pytest.approx(expected, abs=5e-5)
    assert found.direction is Direction.BETTER


# Charig, Webb, Payne & Wickham, BMJ 292 (1986): kidney stones. Open surgery does better with small stones and
# with large ones, and worse with both together, for it had the large ones.
OPEN = outcomes(81, 87, "small") + outcomes(192, 263, "large")
PERCUTANEOUS = outcomes(234, 270, "small") + outcomes(55, 80, "large")


def test_a_changed_mix_does_not_fake_a_regression() -> None:
    found = compare(Metric.SUCCESS, PERCUTANEOUS, OPEN)
    assert found.crude == pytest.approx(273 / 350 - 289 / 350)
    assert found.estimate == pytest.approx(0.05384, abs=5e-6)
    # statsmodels: StratifiedTable(...).test_null_odds(correction=False).
    assert found.p == pytest.approx(0.11874053, rel=1e-6)
    assert [(item.task_type, item.runs_before, item.runs_after) for item in found.types] == [
        ("large", 80, 263),
        ("small", 270, 87),
    ]


def test_a_week_of_hard_tasks_is_no_worse_agent() -> None:
    source = random.Random(11)
    rates = {TaskType.DOCUMENTATION: 0.95, TaskType.REFACTORING: 0.4}
    runs = [
        run(
            168 * week + index / 2,
            success=source.random() < rates[task_type],
            cost=(1.0 if task_type is TaskType.DOCUMENTATION else 10.0) * math.exp(source.gauss(0, 0.3)),
            task_type=task_type,
        )
        for week, easy in ((0, 0.8), (1, 0.2))
        for index in range(200)
        for task_type in [TaskType.DOCUMENTATION if source.random() < easy else TaskType.REFACTORING]
    ]
    end = START + timedelta(days=14)
    success = week_against_week(observed(runs, Metric.SUCCESS), end)
    assert success.crude is not None
    assert success.crude < -0.25
    assert success.direction is Direction.UNCLEAR
    assert abs(success.estimate or 0) < 0.1
    cost = week_against_week(observed(runs, Metric.COST), end)
    assert cost.crude is not None
    assert cost.crude > 3
    assert cost.estimate == pytest.approx(1.0, abs=0.1)
    assert cost.direction is Direction.UNCLEAR


def test_weeks_end_where_they_end() -> None:
    end = START + timedelta(days=14)
    hours = [-0.5, 0, 167.5, 168, 335.5, 336]
    found = week_against_week(observed([run(hour, cost=1 + hour**2) for hour in hours], Metric.COST), end)
    assert (found.runs_before, found.runs_after) == (2, 2)


def test_a_regression_at_a_known_moment_is_seen_in_each_metric() -> None:
    source = random.Random(4)
    runs = [
        run(
            hour,
            success=source.random() < (0.9 if hour < 100 else 0.6),
            cost=math.exp(source.gauss(0 if hour < 100 else 0.5, 0.6)),
            quality=source.gauss(80 if hour < 100 else 70, 8),
            duration=round(60_000 * math.exp(source.gauss(0 if hour < 100 else -0.5, 0.4))),
            task_type=TaskType.TESTING if hour % 3 else TaskType.CODE_REVIEW,
        )
        for hour in range(200)
    ]
    boundary = START + timedelta(hours=100)
    found = {metric: shift(observed(runs, metric), boundary) for metric in Metric}
    assert {metric: item.direction for metric, item in found.items()} == {
        Metric.SUCCESS: Direction.WORSE,
        Metric.QUALITY: Direction.WORSE,
        Metric.COST: Direction.WORSE,
        Metric.DURATION: Direction.BETTER,
    }
    assert found[Metric.COST].estimate == pytest.approx(math.exp(0.5), rel=0.25)
    assert (found[Metric.COST].runs_before, found[Metric.COST].runs_after) == (100, 100)


def test_types_of_one_side_alone_are_left_out_and_named() -> None:
    found = compare(
        Metric.COST,
        values([1, 2, 3], "old") + values([1, 2, 4], "both"),
        values([2, 4, 8], "both") + values([100, 200], "new"),
    )
    assert found.left_out == ("new", "old")
    assert (found.runs_before, found.runs_after) == (3, 3)
    assert found.estimate == pytest.approx(2.0)
    assert found.notes[-1] == "3 runs before and 3 after are few"


@pytest.mark.parametrize(
    ("metric", "before", "after", "p", "said"),
    [
        (Metric.COST, [], [], None, "nothing can be compared"),
        (Metric.COST, [1.0, 2.0], [], None, "nothing can be compared"),
        (Metric.COST, [1.0], [2.0], None, "one run of each task type on a side has no spread"),
        (Metric.COST, [0.1 + 0.2] * 3, [0.3] * 3, None, "with no spread there is no test"),
        (Metric.QUALITY, [50.0] * 3, [60.0] * 4, None, "with no spread there is no test"),
        (Metric.SUCCESS, [1.0] * 12, [1.0] * 15, 1.0, "ended alike"),
        (Metric.SUCCESS, [0.0], [0.0], 1.0, "ended alike"),
    ],
)
def test_what_cannot_be_said_is_said(
    metric: Metric, before: list[float], after: list[float], p: float | None, said: str
) -> None:
    found = compare(metric, values(before), values(after))
    assert found.p == p
    assert any(said in note for note in found.notes)
    assert found.direction is Direction.UNCLEAR


def test_one_run_after_has_an_answer_where_another_type_has_two() -> None:
    before = values([1, 2, 3], "a") + values([5, 6], "b")
    found = compare(Metric.QUALITY, before, values([4], "a") + values([7, 9], "b"))
    assert found.p is not None
    assert 0 < found.p < 1


def test_all_failures_after_all_successes_are_seen() -> None:
    found = compare(Metric.SUCCESS, outcomes(10, 10), outcomes(0, 10))
    assert found.estimate == -1.0
    assert ends(found) == pytest.approx((-1.0, -0.6075), abs=5e-5)
    assert found.p == pytest.approx(1.307e-5, rel=1e-3)
    assert found.direction is Direction.WORSE


def test_what_was_left_out_before_is_still_said() -> None:
    found = shift(Observed(Metric.COST, (), ("3 runs that cost nothing are left out",)), START)
    assert found.notes[0] == "3 runs that cost nothing are left out"


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.floats(0.01, 1e4)), min_size=4, max_size=30),
    st.lists(st.tuples(st.sampled_from("ab"), st.floats(0.01, 1e4)), min_size=4, max_size=30),
    st.sampled_from([0.001, 60.0]),
)
def test_turned_round_it_is_the_inverse_and_units_do_not_matter(
    before: list[tuple[str, float]], after: list[tuple[str, float]], unit: float
) -> None:
    old, new = ([Observation(START, kind, value) for kind, value in side] for side in (before, after))
    there, back = compare(Metric.COST, old, new), compare(Metric.COST, new, old)
    scaled = compare(
        Metric.COST, *([Observation(START, o.task_type, o.value * unit) for o in side] for side in (old, new))
    )
    if there.estimate is None:
        assert back.estimate is None
        return
    assert there.estimate == pytest.approx(scaled.estimate, rel=1e-6)
    assert there.estimate == pytest.approx(1 / (back.estimate or math.nan), rel=1e-6)
    if there.interval and there.p is not None:
        assert there.interval.low <= there.estimate <= there.interval.high
        assert 0.0 <= there.p <= 1.0
        assert there.p == pytest.approx(back.p, rel=1e-6, abs=1e-12)
