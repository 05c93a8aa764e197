"""Watching a series point by point."""

from __future__ import annotations

import math
import random

import pytest

from tamma.analysis.changes.cusum import DECISION, HORIZON, SLACK, calibrated, watch
from tamma.errors import BadFigures

# Montgomery, Introduction to Statistical Quality Control (7th edition, 2013), table 9.1: mean 10, spread 1,
# and from the 21st point on a mean of 11.
MONTGOMERY = (
    9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08,
    9.37, 10.62, 10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52,
)  # fmt: skip
KNOWN = [10 + sign * math.sqrt(0.99) for sign in (-1, 1)] * 50
"""A long baseline with mean 10 and spread 1."""


def test_the_textbook_example() -> None:
    """Table 9.2: the sum passes 5 at the 29th point with 5.28, and last left 0 at the 23rd."""
    found = watch(KNOWN, MONTGOMERY)
    assert found.decision == DECISION
    assert found.high[28] == pytest.approx(5.28)
    assert found.low[6] == pytest.approx(1.46)
    assert found.alarm is not None
    assert (found.alarm.index, found.alarm.began, found.alarm.up) == (28, 22, True)


def test_a_fall_is_seen_like_a_rise() -> None:
    found = watch(KNOWN, [20 - value for value in MONTGOMERY])
    assert found.alarm is not None
    assert (found.alarm.index, found.alarm.began, found.alarm.up) == (28, 22, False)


def test_a_short_baseline_widens_the_interval() -> None:
    assert calibrated(20) > calibrated(50) > calibrated(99) >= DECISION
    found = watch(KNOWN[:40], MONTGOMERY)
    assert found.decision == calibrated(40)
    assert "a baseline of 40 points" in found.notes[0]


def test_a_short_baseline_alarms_no_more_often_than_a_long_one() -> None:
    """With other random numbers than the calibration's: the known level alarms in 20 % of 100 points."""
    source = random.Random(3)
    alarms = too_many = 0
    rounds = 400
    for _ in range(rounds):
        baseline = [source.gauss(0, 1) for _ in range(30)]
        values = [source.gauss(0, 1) for _ in range(HORIZON)]
        found = watch(baseline, values)
        alarms += found.alarm is not None
        too_many += max(*found.high, *found.low) > DECISION
    error = math.sqrt(0.2 * 0.8 / rounds)
    assert 0.2 - 4 * error <= alarms / rounds <= 0.2 + 4 * error
    assert too_many / rounds > 0.2 + 4 * error  # what h = 5 would have done


@pytest.mark.parametrize(
    ("baseline", "said"),
    [
        ([], "0 of at least 20"),
        ([1.0, 2.0], "2 of at least 20"),
        ([0.3] * 30, "all 30 points of the baseline are equal"),
    ],
)
def test_what_cannot_be_watched_is_said(baseline: list[float], said: str) -> None:
    found = watch(baseline, [1.0, 2.0])
    assert found.decision is found.alarm is None
    assert said in found.notes[0]


def test_nothing_to_watch_yet() -> None:
    assert watch(KNOWN, []).alarm is None
    assert watch(KNOWN, [10 + SLACK] * 50).alarm is None


def test_values_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(BadFigures, match="no finite numbers"):
        watch(KNOWN, [float("nan")])
