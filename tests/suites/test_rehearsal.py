"""Draws of rehearsals: the same every time, with the declared rates, correlated by task."""

from __future__ import annotations

from math import sqrt
from statistics import correlation, fmean

import pytest

from tamma.errors import ConfigError
from tamma.model.metrics import Cell
from tamma.model.suite import Rehearsal
from tamma.suites.content import hash_suite
from tamma.suites.rehearsal import Rates, draw, read_rates, rehearsal_suite

MANY = 4000


def outcomes(arm: str, rate: float, seed: int = 1) -> list[bool]:
    rates = Rates(rate)
    return [draw(seed, Cell("t", arm, f"u{n}"), Rehearsal(), rates).success for n in range(MANY)]


def test_a_draw_is_known_in_advance() -> None:
    first = draw(7, Cell("one", "control", "u1", 2), Rehearsal(0.3), Rates(0.6, 0.2, 60, 70))
    assert first == draw(7, Cell("another", "control", "u1", 2), Rehearsal(0.3), Rates(0.6, 0.2, 60, 70))
    # Pinned: a plan that was rehearsed must come out alike with the next version, too.
    assert (first.success, str(first.cost_usd), first.seconds, first.quality) == (
        False,
        "0.189188",
        35.138,
        69.73,
    )
    others = [
        draw(8, Cell("one", "control", "u1", 2), Rehearsal(0.3), Rates(0.6, 0.2, 60, 70)),
        draw(7, Cell("one", "candidate", "u1", 2), Rehearsal(0.3), Rates(0.6, 0.2, 60, 70)),
        draw(7, Cell("one", "control", "u1", 1), Rehearsal(0.3), Rates(0.6, 0.2, 60, 70)),
    ]
    assert len({one.cost_usd for one in (first, *others)}) == 4


@pytest.mark.parametrize("rate", [0.05, 0.5, 0.6, 0.9])
def test_the_rate_is_what_was_declared(rate: float) -> None:
    assert abs(fmean(outcomes("control", rate)) - rate) < 4 * sqrt(rate * (1 - rate) / MANY)


def test_arms_are_alike_on_the_same_task_and_not_the_same() -> None:
    control, candidate = outcomes("control", 0.6), outcomes("candidate", 0.6)
    assert 0.25 < correlation(control, candidate) < 0.42  # a latent correlation of .5


def test_means_of_cost_and_duration_are_the_declared_ones() -> None:
    drawn = [draw(3, Cell("t", "a", f"u{n}"), Rehearsal(), Rates(0.5, 0.5, 100, 70)) for n in range(MANY)]
    assert abs(fmean(float(one.cost_usd) for one in drawn) - 0.5) < 0.02
    assert abs(fmean(one.seconds for one in drawn) - 100) < 4
    assert abs(fmean(one.quality for one in drawn) - 70) < 1


def test_certain_rates_are_certain() -> None:
    assert all(outcomes("a", 1.0))
    assert not any(outcomes("a", 0.0))


def test_harder_tasks_fail_more() -> None:
    hard = [draw(1, Cell("t", "a", f"u{n}"), Rehearsal(-2), Rates(0.6)).success for n in range(MANY)]
    assert abs(fmean(hard) - 0.1687) < 0.025  # log odds .405 - 2


def test_a_generated_suite_is_the_same_every_time() -> None:
    suite = rehearsal_suite("r", 30, seed=5)
    assert suite == rehearsal_suite("r", 30, seed=5)
    assert suite.hash == hash_suite(suite) != rehearsal_suite("r", 30, seed=6).hash
    assert suite.tasks[0].id == "rehearsal-01"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "needs a scripted provider"),
        ({"rehearsal": {"cost": 1}}, "unknown keys"),
        ({"rehearsal": {"success": 60}}, "success is 60"),
        ({"rehearsal": {"success": True}}, "success is True"),
        ({"rehearsal": {}}, "success is None"),
        ({"rehearsal": {"success": 0.5, "model": "claude"}}, "begins with 'scripted'"),
    ],
)
def test_rates_that_make_no_sense_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_rates(options, "actor")
    assert said in caught.value.message + (caught.value.hint or "")
