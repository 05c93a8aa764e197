"""Limits that runs share: periods, scopes, and how much a run may hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.model import budget
from tamma.model.budget import (
    HEADROOM,
    LEAST_USD,
    LimitStanding,
    Period,
    PurseState,
    Settlement,
    SpendLimit,
    concerns,
    repo_of,
    scope_of,
)
from tamma.model.references import RepoRef

usd = st.decimals(Decimal(0), Decimal(20), places=3)
moments = st.floats(0, 4e9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def standing(limit: str, spent: str = "0", reserved: str = "0", period: Period = Period.DAY) -> LimitStanding:
    return LimitStanding(SpendLimit("*", period, Decimal(limit)), Decimal(spent), Decimal(reserved))


@given(moments)
def test_a_moment_lies_in_its_period(at: datetime) -> None:
    for period in (Period.DAY, Period.MONTH):
        turns = period.turns(at)
        assert turns is not None
        assert at < turns
        assert period.first_day(at) <= at.date() < turns.date()
        assert period.first_day(turns) == turns.date()
        assert period.first_day(turns - timedelta(microseconds=1)) == period.first_day(at)
    assert Period.TOTAL.turns(at) is None
    assert Period.TOTAL.first_day(at) < at.date()


def test_periods_are_utc_wherever_one_is() -> None:
    at = datetime(2030, 12, 31, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
    assert Period.MONTH.turns(at) == datetime(2031, 2, 1, tzinfo=UTC)
    assert Period.DAY.turns(at) == datetime(2031, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("glob", "repo", "is_for_it"),
    [
        ("", "github:acme/calc", True),
        ("*", "plain-git:/srv/calc", True),
        ("acme/*", "github:acme/calc", True),
        ("Acme/Calc", "github:acme/calc", True),
        ("acme/*", "github:acme-two/calc", False),
        ("github:acme/*", "gitlab:acme/calc", False),
        ("acme/c_lc", "github:acme/calc", False),
        ("acme/c?lc", "github:acme/calc", True),
        ("acme/[c]alc", "github:acme/calc", False),
        ("acme/calc", "github:acme/calculator", False),
    ],
)
def test_what_a_scope_is_for(glob: str, repo: str, *, is_for_it: bool) -> None:
    assert concerns(scope_of(glob), repo) is is_for_it
    assert scope_of(scope_of(glob)) == scope_of(glob)


def test_names_in_other_letters_are_the_same_repository() -> None:
    assert repo_of(RepoRef("github", "Acme", "Calc")) == repo_of(RepoRef("github", "acme", "calc"))


@given(usd, usd, usd, st.lists(usd, max_size=4))
def test_a_grant_is_within_every_limit_or_none(
    want: Decimal, least: Decimal, spent: Decimal, limits: list[Decimal]
) -> None:
    want = max(want, least)
    standings = [LimitStanding(SpendLimit("*", Period.DAY, each), spent, Decimal(0)) for each in limits]
    granted = budget.grant(standings, want, least)
    short = budget.binding(standings, least)
    assert (granted is None) is (short is not None)
    if granted is not None:
        assert least <= granted <= want
        assert all(granted <= each.left for each in standings)


def test_of_two_limits_that_hold_the_longer_one_is_named() -> None:
    day, month = standing("1", "1"), standing("5", "4.99", period=Period.MONTH)
    assert budget.binding((day, month), Decimal("0.05")) is month
    assert budget.binding((day, standing("9", period=Period.TOTAL)), Decimal("0.05")) is day


@given(st.lists(st.decimals(Decimal(0), Decimal(2), places=3), max_size=40), usd, usd)
def test_a_run_stays_within_its_limit_while_calls_grow_no_faster_than_expected(
    costs: list[Decimal], limit: Decimal, run_budget: Decimal
) -> None:
    purse, settled, held = PurseState(), Decimal(0), Decimal(0)
    for cost in costs:
        want = budget.wanted(purse, run_budget - settled - purse.spent)
        if want is not None:
            assert LEAST_USD <= want.least <= want.usd
            settled, held = settled + purse.spent, Decimal(0)
            granted = budget.grant([standing(str(limit), str(settled))], want.usd, want.least)
            if granted is None:
                break
            held = granted
            purse = budget.taken(purse, str(purse.number), granted)
        assert purse.left >= max(LEAST_USD, purse.dearest * HEADROOM)
        cost = min(cost, max(LEAST_USD, purse.dearest * HEADROOM))
        purse = budget.charged(purse, cost)
        assert purse.spent <= held
        assert settled + purse.spent <= limit


def test_what_a_lost_session_spent_is_not_guessed() -> None:
    purse = budget.charged(budget.taken(PurseState(), "run-0", Decimal(1)), Decimal("0.25"))
    assert budget.settlement(purse) == Settlement("run-0", Decimal("0.25"))
    lost = PurseState(key="run-0", granted=Decimal(1), lost=True)
    assert budget.settlement(lost) == Settlement(None, None)
    assert budget.wanted(lost, Decimal(3)) is not None
    assert budget.settled(lost) == PurseState()
