"""Which points a run has, how a seed deals them out, and what is noted of the blows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.book import Book, Deed, Line, What, recoveries
from tests.chaos.points import Moment, Point, grouped, one_of_each, points_of

RUN = ("accept_issue", "call_model", "run_tools", "call_model", "run_tools", "merge")
POINTS = points_of(RUN)


def test_every_execution_has_three_points() -> None:
    assert len(POINTS) == 3 * len(RUN)
    assert Point("call_model", 2, Moment.EFFECT) in POINTS
    assert [Point.parse(str(point)) for point in POINTS] == list(POINTS)


def test_one_of_each_activity() -> None:
    chosen = one_of_each(POINTS, 3)
    assert sorted(point.activity for point in chosen) == sorted(set(RUN))
    assert chosen == one_of_each(POINTS, 3)


@pytest.mark.parametrize("seed", range(5))
def test_all_are_dealt_out_and_none_twice_into_a_run(seed: int) -> None:
    runs = grouped(POINTS, seed, per_run=4)
    assert sorted(map(str, (point for run in runs for point in run))) == sorted(map(str, POINTS))
    for run in runs:
        assert len(run) <= 4
        assert len({point.execution for point in run}) == len(run)


def test_a_seed_says_it_all() -> None:
    assert grouped(POINTS, 7, per_run=4) == grouped(POINTS, 7, per_run=4)
    assert grouped(POINTS, 7, per_run=4) != grouped(POINTS, 8, per_run=4)
    assert sum(map(len, grouped(POINTS, 7, per_run=4, most=5))) == 5


def test_attempts_are_one_execution_and_a_blow_falls_once(tmp_path: Path) -> None:
    book = Book(tmp_path / "book")
    point = Point("merge", 2, Moment.EFFECT)
    book.plan({point: Deed.KILL})
    assert book.begin("merge", "run/7") == 1
    assert book.begin("close", "run/8") == 1
    assert [book.begin("merge", "run/9"), book.begin("merge", "run/9")] == [2, 2]
    assert book.strike(Point("merge", 1, Moment.EFFECT), "run/7") is None
    assert book.strike(point, "run/9") is Deed.KILL
    assert Book(book.folder).strike(point, "run/9") is None, "another process knows of it"
    assert book.struck() == ["merge#2:effect"]


def test_the_way_back_ends_in_another_process() -> None:
    def line(what: What, at: float, pid: int) -> Line:
        return Line(what, at, pid, "merge", "run/7", "merge#1:effect" if what is What.STRUCK else "")

    lines = [
        line(What.BEGUN, 1.0, 10),
        line(What.STRUCK, 2.0, 10),
        line(What.BEGUN, 2.5, 10),  # what the dying one still began
        line(What.BEGUN, 6.0, 11),
        line(What.STRUCK, 7.0, 11),
    ]
    assert recoveries(lines) == [4.0]
