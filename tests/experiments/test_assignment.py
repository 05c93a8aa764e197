"""The draw: the same everywhere and for ever, balanced, and no other."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.experiments.assignment import Draws, LiveArms, Unit, assign_paired, seed_of
from tamma.model.experiment import ABTestId, Arm

UNITS = [Unit(f"t{number}", "s") for number in range(6)]


def letters(arms: list[Arm] | tuple[Arm, ...]) -> str:
    return "".join("A" if arm is Arm.CONTROL else "B" for arm in arms)


def test_the_draw_is_the_one_that_was_written_down() -> None:
    """Figures of an earlier machine and an earlier Python: a test that was started there goes on here."""
    assert [Draws(7, "x").below(1000)] == [519]
    assert [(each.unit, letters(each.arms)) for each in assign_paired(7, UNITS, 6)] == [
        ("t5", "BA"),
        ("t3", "AB"),
        ("t2", "AB"),
        ("t0", "BA"),
        ("t1", "BA"),
        ("t4", "AB"),
    ]
    arms = LiveArms(7, "s")
    assert letters([arms(number) for number in range(24)]) == "BABAABABABABABABABBBBAAA"
    assert seed_of(ABTestId("01a2251c-2b1d-7fe4-8fd9-2443ca0501ab")) == 8254710022870717


@given(st.integers(0, 2**53), st.integers(1, 40), st.integers(1, 4))
def test_a_paired_draw_is_balanced_and_knows_no_order(seed: int, size: int, replicates: int) -> None:
    units = [Unit(f"t{number}", "s") for number in range(size)]
    drawn = assign_paired(seed, units, size, replicates)
    assert drawn == assign_paired(seed, units[::-1], size, replicates)
    assert [each.position for each in drawn] == list(range(size))
    assert sorted(each.unit for each in drawn) == sorted(unit.id for unit in units)
    for each in drawn:
        assert Counter(each.arms) == {Arm.CONTROL: replicates, Arm.CANDIDATE: replicates}
    for replicate in range(replicates):
        firsts = [each.arms[2 * replicate] for each in drawn]
        assert abs(2 * firsts.count(Arm.CONTROL) - size) <= 2, "half begin with each arm, up to an open block"


@given(st.integers(0, 2**53), st.text(max_size=5), st.integers(0, 50))
def test_a_live_stratum_is_never_far_out_of_balance(seed: int, stratum: str, size: int) -> None:
    arms = LiveArms(seed, stratum)
    drawn = [arms(number) for number in range(size)]
    assert abs(drawn.count(Arm.CONTROL) - drawn.count(Arm.CANDIDATE)) <= 3
    again = LiveArms(seed, stratum)
    assert [again(number) for number in reversed(range(size))] == drawn[::-1], "asked in any order"


def test_other_seeds_and_other_strata_draw_otherwise() -> None:
    first, second, third = (LiveArms(*key) for key in ((1, "s"), (2, "s"), (1, "t")))
    rows = {letters([arms(number) for number in range(64)]) for arms in (first, second, third)}
    assert len(rows) == 3
    assert assign_paired(1, UNITS, 6) != assign_paired(2, UNITS, 6)


def test_each_order_is_as_likely_as_another() -> None:
    """Chi-square over the 24 orders of 4 tasks: under 49.7, which chance passes once in 1,000."""
    units = UNITS[:4]
    seen = Counter(tuple(each.unit for each in assign_paired(seed, units, 4)) for seed in range(4800))
    assert len(seen) == 24
    assert sum((count - 200) ** 2 / 200 for count in seen.values()) < 49.73


def test_what_cannot_be_drawn_is_refused() -> None:
    for units, take in ((UNITS, 7), (UNITS, 0), ([*UNITS, UNITS[0]], 3)):
        with pytest.raises(ValueError, match="cannot be taken"):
            assign_paired(1, units, take)
    with pytest.raises(ValueError, match="no number"):
        Draws(1, "x").below(0)
