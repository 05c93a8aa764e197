"""How often what waits for somebody looks."""

from __future__ import annotations

from itertools import accumulate, count, pairwise, takewhile

import pytest

from activities.listening import LONGEST_LOOK, SHORTEST_LOOK
from activities.looking import LONGEST_PAUSE, pause_after

DAY = 24 * 3600


def looks_at(**how: float) -> list[float]:
    """When it looks in two weeks, in seconds from the beginning."""
    pauses = (pause_after(attempt, 15, **how) for attempt in count(1))
    return list(takewhile(lambda at: at < 14 * DAY, accumulate(pauses)))


@pytest.mark.parametrize("growth", [1.1, 1.2])
def test_news_are_late_by_a_part_of_the_time_they_took(growth: float) -> None:
    looks = looks_at(growth=growth)
    assert looks[0] == 15
    for before, after in pairwise(looks):
        assert after - before <= min(15 + before * (growth - 1) * 1.01, LONGEST_PAUSE) + 0.001
    assert len(looks) < 2100


def test_comments_are_heard_within_ten_minutes_after_an_hour_of_silence() -> None:
    pauses = [pause_after(attempt, 15, growth=1.2, longest=LONGEST_LOOK) for attempt in range(1, 2000)]
    assert (pauses[0], pauses[-1]) == (15, LONGEST_LOOK)
    assert sum(pauses[:21]) < 3600
    assert pauses[0] > SHORTEST_LOOK


def test_a_poll_that_is_longer_stays_as_it_is() -> None:
    assert [pause_after(attempt, 6 * 3600) for attempt in (1, 50, 5000)] == [6 * 3600] * 3
