"""`kill -9` of the worker between the effect and the report of one execution of every activity of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.orphans import inherited
from tests.chaos.points import Moment, one_of_each, points_of
from tests.chaos.stage import stage
from tests.chaos.story import reviewed

SEED = 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_between_every_effect_and_its_report(tmp_path: Path) -> None:
    with inherited():
        async with stage(tmp_path, heartbeat=4) as servers:
            story = reviewed()
            calm = await servers.calm(story)
            points = one_of_each(points_of(calm.activities, [Moment.EFFECT]), SEED)
            assert {point.activity for point in points} == set(calm.activities)
            outcome = await servers.strike(calm, story, SEED, "sample", points)
    assert not outcome.failure, f"{outcome.failure}\n{outcome.struck}"
    assert not outcome.missed
