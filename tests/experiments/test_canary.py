"""The canary: harm is seen, and no more than one harmless version in twenty is ever rolled back."""

from __future__ import annotations

import random

import pytest

from tamma.experiments.canary import Count, judge_canary

BEFORE = Count(200, 160)


def test_a_version_that_fails_is_seen() -> None:
    watch = judge_canary(4, Count(20, 2), BEFORE, planned=20, margin=0.1)
    assert watch.harmed
    assert watch.high is not None
    assert watch.high < -0.1
    assert "worse by" in watch.sentence


@pytest.mark.parametrize("successes", [12, 16, 20])
def test_a_version_that_may_be_as_good_is_left_alone(successes: int) -> None:
    watch = judge_canary(4, Count(20, successes), BEFORE, planned=20, margin=0.1)
    assert not watch.harmed
    assert watch.rate == successes / 20
    assert watch.low is not None
    assert watch.high is not None
    assert watch.low < successes / 20 - 0.8 < watch.high


@pytest.mark.parametrize(("applied", "before"), [(Count(0, 0), BEFORE), (Count(20, 0), Count(9, 9))])
def test_where_there_is_nothing_to_compare_nothing_is_said(applied: Count, before: Count) -> None:
    assert not judge_canary(4, applied, before, planned=20, margin=0.1).harmed


def test_looking_again_and_again_alarms_in_vain_at_most_as_often_as_promised() -> None:
    """Truly worse by just the margin, 100 runs, ten looks; 5 % and three binomial errors."""
    alarms = 0
    for seed in range(200):
        chance = random.Random(seed)
        before = Count(300, sum(chance.random() < 0.7 for _ in range(300)))
        good = 0
        for runs in range(1, 101):
            good += chance.random() < 0.6
            if runs % 10 == 0 and judge_canary(2, Count(runs, good), before, planned=100, margin=0.1).harmed:
                alarms += 1
                break
    assert alarms / 200 <= 0.05 + 3 * (0.05 * 0.95 / 200) ** 0.5


def test_real_harm_is_found_soon() -> None:
    found: list[int] = []
    for seed in range(50):
        chance, good = random.Random(seed), 0
        for runs in range(1, 101):
            good += chance.random() < 0.3
            if judge_canary(2, Count(runs, good), Count(300, 240), planned=100, margin=0.1).harmed:
                found.append(runs)
                break
    assert len(found) >= 47
    assert sorted(found)[25] <= 30, "half of the time within 30 runs"
