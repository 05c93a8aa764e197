"""Trends: where a known boundary changed a metric, where an unknown moment did, and where nothing did."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tamma.analysis.boundaries import Boundary, served_changes
from tamma.analysis.figures.trends import Course, trends
from tamma.model.agent import AgentId, AgentPin, ConfigHash, TaskType
from tamma.model.analysis import Direction, TimeRange
from tamma.model.experiment import Metric
from tamma.model.metrics import RunMetrics
from tests.analysis.made import END, group, runs, values

PIN = AgentPin(AgentId("a"), "shop", 1, ConfigHash("sha256:1"))
MONTH = TimeRange(END - timedelta(days=28), END)
MIDDLE = END - timedelta(days=14)
FIRST, SECOND = TimeRange(MONTH.start, MIDDLE), TimeRange(MIDDLE, END)


def course(name: str, made: list[RunMetrics], *known: Boundary) -> Course:
    part = MONTH.end - MONTH.start
    groups = [group([run], int(4 * ((run.ended_at - MONTH.start) / part))) for run in made]
    return Course(name, values(made), groups, known)


def test_a_regression_is_tied_to_the_version_that_brought_it() -> None:
    made = [*runs(PIN, 100, rate=0.85, within=FIRST), *runs(PIN, 100, rate=0.5, seed=2, within=SECOND)]
    active = Boundary(MIDDLE, "shop@2 became active")
    steady = [*runs(PIN, 100, rate=0.7, within=FIRST), *runs(PIN, 100, rate=0.7, seed=4, within=SECOND)]
    found = trends([course("shop", made, active), course("calm", steady)], MONTH, 4)
    success = found["shop"][0]
    assert success.direction is Direction.WORSE
    (alert,) = success.alerts
    assert "success 85 % → 50 % (-35 points" in alert
    assert "when shop@2 became active, 2030-02-15" in alert
    (change,) = success.change_points
    assert (change.at, change.known_cause) == (MIDDLE, "shop@2 became active")
    assert change.p is not None
    assert change.p < 0.001
    assert [point.runs for point in success.points] == [50, 50, 50, 50]
    assert success.points[0].value == pytest.approx(0.85, abs=0.1)
    assert [trend.metric for trend in found["calm"]] == [metric.value for metric in Metric]
    assert [alert for trend in found["calm"] for alert in trend.alerts] == []
    assert found["calm"][0].direction in (Direction.UNCLEAR, Direction.FLAT)


def test_a_change_that_nobody_announced_is_found() -> None:
    made = [*runs(PIN, 120, cost=0.1, within=FIRST), *runs(PIN, 120, cost=0.3, seed=2, within=SECOND)]
    cost = trends([course("shop", made)], MONTH, 4)["shop"][2]
    assert cost.direction is Direction.WORSE
    assert any("nothing is known to have changed" in alert for alert in cost.alerts)
    assert any(abs(change.at - MIDDLE) < timedelta(days=2) for change in cost.change_points)


def test_more_of_the_hard_tasks_is_no_regression() -> None:
    easy, hard = (TaskType.DOCUMENTATION,), (TaskType.CODE_GENERATION,)
    made = [
        *runs(PIN, 90, rate=0.9, types=easy, within=FIRST),
        *runs(PIN, 30, rate=0.3, types=hard, within=FIRST),
        *runs(PIN, 30, rate=0.9, types=easy, within=SECOND),
        *runs(PIN, 90, rate=0.3, types=hard, within=SECOND),
    ]
    success = trends([course("shop", sorted(made, key=lambda run: run.ended_at))], MONTH, 4)["shop"][0]
    assert success.points[0].value == pytest.approx(0.75, abs=0.05)
    assert success.points[3].value == pytest.approx(0.45, abs=0.05)
    assert success.direction is not Direction.WORSE
    assert success.alerts == ()


def test_a_metric_that_is_proved_to_stay_is_flat() -> None:
    made = [*runs(PIN, 400, rate=0.97, within=FIRST), *runs(PIN, 400, rate=0.97, seed=2, within=SECOND)]
    found = trends([course("shop", made)], MONTH, 2)["shop"]
    assert found[0].direction is Direction.FLAT
    few = trends([course("shop", made[:4])], MONTH, 2)["shop"]
    assert {trend.direction for trend in few} == {Direction.UNCLEAR}
    assert all(trend.change_points == () for trend in few)


def test_an_alias_that_answers_as_another_model_is_a_boundary() -> None:
    made = runs(PIN, 10)
    late = [replace(run, served_models=("m-2",)) for run in made[6:]]
    (found,) = served_changes(values([*made[:6], *late]))
    assert found.at == late[0].ended_at
    assert found.words == "m answered as m-2 (before: m)"
