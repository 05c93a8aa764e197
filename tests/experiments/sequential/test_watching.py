"""What may be looked at all the time: the asymptotic confidence sequence with its guard, and the exact
e-value.
"""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.errors import BadFigures
from tamma.experiments.sequential.confidence import (
    LEAST_EVENTS,
    LEAST_UNITS,
    Watch,
    always_valid_p,
    half_width,
    watch_pairs,
    watch_split,
)
from tamma.experiments.sequential.evidence import log_e, paired_evidence


@pytest.mark.parametrize(
    ("wins", "losses", "expected"), [(17, 3, 43.8002), (16, 4, 10.3059), (9, 0, 51.2), (0, 9, 51.2)]
)
def test_the_e_value_is_exact(wins: int, losses: int, expected: float) -> None:
    found = paired_evidence(wins, losses)
    assert found.e == pytest.approx(expected, abs=5e-5)
    assert found.p == pytest.approx(1 / found.e)
    assert found.rejects == (expected >= 20)


def test_a_fair_bettor_neither_wins_nor_loses_on_average() -> None:
    """The e-value is a martingale: exactly 1 on average, whenever one stops."""
    for pairs in (1, 7, 20):
        mean = math.fsum(
            math.comb(pairs, wins) / 2**pairs * paired_evidence(wins, pairs - wins).e
            for wins in range(pairs + 1)
        )
        assert mean == pytest.approx(1.0)


def test_the_e_value_ever_reaches_1_over_alpha_with_a_chance_of_at_most_alpha() -> None:
    """Over all ways that 60 fair discordant pairs can go, by counting them."""
    alive, crossed = {0: 1.0}, 0.0
    for pairs in range(1, 61):
        following: dict[int, float] = {}
        for wins, chance in alive.items():
            for now in (wins, wins + 1):
                if paired_evidence(now, pairs - now).rejects:
                    crossed += chance / 2
                else:
                    following[now] = following.get(now, 0.0) + chance / 2
        alive = following
    assert 0.01 < crossed <= 0.05


@given(st.integers(0, 400), st.integers(0, 400), st.sampled_from([0.01, 0.05, 0.2]))
def test_the_interval_excludes_one_half_where_the_e_value_rejects(
    wins: int, losses: int, alpha: float
) -> None:
    found = paired_evidence(wins, losses, alpha=alpha)
    seen = wins / (wins + losses) if wins + losses else 0.5
    assert 0.0 <= found.low <= seen <= found.high <= 1.0
    if abs(found.e * alpha - 1) > 1e-9:
        assert found.rejects == (not found.low <= 0.5 <= found.high)


def test_what_is_no_count_and_no_chance_is_refused() -> None:
    with pytest.raises(BadFigures, match="-1 wins and 2 losses"):
        paired_evidence(-1, 2)
    for chance in (0.0, 1.0):
        with pytest.raises(BadFigures, match="not between 0 and 1"):
            log_e(1, 2, chance)


def test_evidence_beyond_all_floats_stays_a_number() -> None:
    found = paired_evidence(5000, 0)
    assert math.isfinite(found.e)
    assert 0 < found.p < 1e-300
    assert found.rejects


def test_interval_and_p_of_the_sequence_are_one() -> None:
    for units in (50, 100, 300):
        edge = half_width(1.0, units, 200)
        assert always_valid_p(edge, units, 200) == pytest.approx(0.05)


def test_the_sequence_by_hand() -> None:
    """At the planned number N rho^2 is -2 ln a + ln(1 - 2 ln a) = 7.93615."""
    grown = 7.93615
    assert half_width(1.0, 200, 200) == pytest.approx(
        math.sqrt(2 * (grown + 1) / grown * math.log(math.sqrt(grown + 1) / 0.05)), rel=1e-5
    )
    assert half_width(1.0, 200, 200) == pytest.approx(3.0352, abs=1e-4)
    assert always_valid_p(0.0, 200, 200) == 1.0
    assert 0.0 <= always_valid_p(60.0, 200, 200) < 1e-300


def normal(count: int, seed: int) -> list[float]:
    source = random.Random(seed)
    return [source.gauss(0, 1) for _ in range(count)]


def test_what_the_data_bear_is_shown() -> None:
    control, treatment = normal(100, 1), [value + 3 for value in normal(100, 2)]
    found = watch_split(control, treatment, 400)
    assert found.refused == ()
    assert found.estimate is not None
    assert found.low is not None
    assert found.high is not None
    assert found.p is not None
    assert 2 < found.low < found.estimate < found.high < 4
    assert found.p < 1e-6
    mirrored = watch_split(treatment, control, 400)
    assert mirrored.high == pytest.approx(-found.low)
    assert watch_pairs(control, 100).refused == ()


def ones(successes: int, failures: int) -> list[float]:
    return [1.0] * successes + [0.0] * failures


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (watch_split(normal(20, 1), normal(20, 2), 400), f"40 of at least {LEAST_UNITS} tasks"),
        (watch_split(ones(95, 5), ones(80, 20), 400), f"control: 5 of at least {LEAST_EVENTS} successes"),
        (watch_split(ones(80, 20), ones(100, 0), 400), "treatment: 0 of at least"),
        (watch_split([2.0] * 60, normal(60, 1), 400), "control: 60 values without any spread"),
        (watch_split([math.exp(2 * v) for v in normal(90, 1)], normal(60, 1), 400), "take logarithms"),
        (watch_split([], normal(60, 1), 400), "control: 0 values without any spread"),
        (watch_pairs([0.0] * 60, 100), "e-value of the discordant pairs"),
        (watch_pairs([1.0, 0.0, -1.0] * 40, 100), "e-value of the discordant pairs"),
        (watch_pairs([0.3] * 60, 100), "without any spread"),
        (watch_pairs([0.1] * 30 + [0.2] * 30 + [1.0] * 11, 100), "skewness"),
        (watch_pairs([], 100), f"0 of at least {LEAST_UNITS} tasks"),
    ],
)
def test_what_the_data_do_not_bear_is_refused_in_words(found: Watch, said: str) -> None:
    assert any(said in reason for reason in found.refused)
    assert found.low is found.high is found.p is None


def test_values_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(BadFigures, match="1 of 2 values are no finite numbers, the first is nan"):
        watch_pairs([0.0, float("nan")], 100)
    with pytest.raises(BadFigures, match="make no sequence"):
        watch_pairs(normal(60, 1), 0)
