"""Best of several tries: how many there are, who makes them, which one is taken. Without a model."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tamma.agents import best
from tamma.model.agent import ConfigHash
from tamma.model.ids import BlobId, SessionId, TaskId
from tamma.model.task import AgentChoice
from tamma.model.tries import (
    TryOutcome,
    is_try,
    read_tries,
    short,
    task_of,
    tries_data,
    try_session,
    try_workspace,
)

TASK = TaskId("0198-1")


def made(number: int, **more: object) -> TryOutcome:
    """A green try with a diff of its own."""
    plain = TryOutcome(
        number,
        f"agent-{number}",
        try_session(TASK, number),
        diff=BlobId(f"sha256:{number}"),
        files=1,
        added=number,
        cost_usd=Decimal("0.10"),
    )
    return replace(plain, **more)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("usd", "turns", "tested", "number"),
    [
        ("3.00", 96, "0.10", 3),
        ("0.80", 96, "0.10", 2),
        ("0.50", 96, "0.10", 1),
        ("0.40", 96, "0.10", 0),
        ("3.00", 96, "0.90", 2),
        ("3.00", 18, "0.10", 2),
        ("-0.01", 96, "0.10", 0),
        ("3.00", -1, "0.10", 0),
    ],
)
def test_there_are_as_many_tries_as_the_budget_bears(usd: str, turns: int, tested: str, number: int) -> None:
    shares = best.shares(3, Decimal(usd), turns, Decimal(tested))
    assert shares.number == number
    if number:
        used = shares.usd * (number + 1)
        assert Decimal(usd) - Decimal("0.05") < used <= Decimal(usd), "one more share is for what comes after"
        assert shares.turns * (number + 1) <= turns


def test_the_named_ones_take_turns_and_each_is_told_something_else() -> None:
    own, other = AgentChoice("a", temperature=0.9), AgentChoice("b")
    makers = [best.agent_of(number, own, (other,)) for number in (1, 2, 3, 4)]
    assert [each.provider for each in makers] == ["a", "b", "a", "b"]
    assert [each.temperature for each in makers] == [0.9, None, 1.0, None], "only where one is set"
    assert [bool(best.hint_of(number, 2)) for number in (1, 2, 3, 4)] == [False, False, True, True]
    hints = {best.hint_of(number, 1) for number in range(1, 9)}
    assert len(hints) == 8
    pinned = replace(own, version=3, config=ConfigHash("c"))
    assert best.agent_of(2, pinned, ()) == pinned, "a version is what it is"
    assert best.agent_of(2, replace(own, temperature=1.4), ()).temperature == 1.4, "never cooler"


def test_gates_go_before_looks() -> None:
    red = made(1, red="pytest", passed=1)
    refused = made(2, refused=("tests/test_a.py: a test is skipped",))
    nothing = made(3, files=0, added=0, diff=None)
    green, asks, cut = made(4), made(5, asks=1), made(6, end="out of turns")
    assert [each.green for each in (red, refused, nothing, green, asks, cut)] == [False] * 3 + [True] * 3
    assert best.leading([red, asks, cut, green]) == (green,)
    assert best.leading([red, asks, cut]) == (cut,), "it needs nobody's word"
    assert best.leading([red, refused, nothing]) == ()
    same = made(7, diff=green.diff)
    assert best.leading([green, same, made(8)]) == (green, made(8)), "equal diffs are one"
    assert best.smallest([made(8), same, green]) == green


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (made(2, red="x"), made(1, files=0, added=0)),
        (made(2, red="x"), made(1, refused=("no",))),
        (made(2, red="lint", passed=2), made(1, red="pytest", passed=1)),
        (made(2, red="x"), made(1, red="x", end="out of money")),
        (made(2, red="x", added=3), made(1, red="x", added=4)),
        (made(1, red="x", added=3), made(2, red="x", added=3)),
    ],
)
def test_the_best_red_one_is_the_nearest_to_green(better: TryOutcome, worse: TryOutcome) -> None:
    assert best.best_red([worse, better]) == best.best_red([better, worse]) == better


def test_the_order_is_blind_and_stays() -> None:
    tries = [made(number) for number in (1, 2, 3)]
    orders = {tuple(each.number for each in best.blind_order(TaskId(f"t{n}"), tries)) for n in range(50)}
    assert len(orders) == 6, "any order"
    assert best.blind_order(TASK, tries) == best.blind_order(TASK, tries[::-1])


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ('{"best": "B", "why": "at its  cause"}', (1, "at its cause")),
        ('I think:\n```json\n{"best": " a ", "why": 3}\n```', (0, "")),
        ('{"best": "C", "why": "x"}', (None, "x")),
        ('{"best": "AB"}', (None, "")),
        ('{"best": ""}', (None, "")),
        ('{"best": 1}', (None, "")),
        ("B", (None, "")),
    ],
)
def test_a_choice_is_read_or_it_is_none(answer: str, found: tuple[int | None, str]) -> None:
    assert best.read_choice(answer, 2) == found


def test_people_are_told_why() -> None:
    green, red = made(2), made(1, red="pytest", files=2)
    assert best.verdict([red, green], green, best.why_alone([red, green])) == (
        "1 of 2 tries was green; try 2 (agent-2) was taken: it is the only one"
    )
    assert best.told(red) == "red (`pytest`), 2 files +1 -0"
    assert best.told(made(1, asks=2)) == "green, 2 to be agreed to, 1 file +1 -0"
    assert best.told(made(1, files=0, end="out of turns")) == "changed nothing; ended early: out of turns"
    assert best.told(made(1, refused=("a", "b"))) == "refused (a; b), 1 file +1 -0"


def test_names_lead_back_to_the_run() -> None:
    assert [task_of(try_workspace(TASK, number)) for number in (1, 2, 8)] == [TASK] * 3
    assert task_of("t-grade") == "t-grade"
    assert is_try(try_session(TASK, 3))
    assert not is_try(SessionId(f"{TASK}/agent-3"))


def test_the_event_is_read_as_it_was_written() -> None:
    tries = tuple(map(short, (made(1, refused=("x" * 999,) * 9), made(2, chosen=True, end="a\nb"))))
    assert len(tries[0].refused) == 5
    data = tries_data(tries, "why")
    assert read_tries(data) == ("why", tries)
    later = {**data, "tries": data["tries"].replace('"number":1', '"new":[],"number":1')}
    assert read_tries(later) == ("why", tries), "a later version may say more"
    for broken in ({}, {"tries": "no"}, {"tries": "[1]"}, {"tries": '[{"cost_usd": "?"}]'}):
        assert read_tries(broken) == ("", ())
