"""`make chaos`: strike runs at every point and with every fault, and see that none of them is lost.

Lines for people go to standard error, the results to `chaos-results.json`. The exit code is 1 where a run
failed or a point was not struck. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.faults import FAULTS, Fault
from tests.chaos.orphans import inherited
from tests.chaos.points import Moment, Point, grouped, points_of
from tests.chaos.results import Outcome, Session
from tests.chaos.stage import stage
from tests.chaos.story import STORIES
from tests.guards import environment

RESULTS = "chaos-results.json"
FAILED_RUNS = "chaos-failures"
SEEDS, PER_RUN, PARTITION = 5, 12, 60.0


def main() -> None:
    """The command."""
    given = _parser().parse_args()
    given.moment = given.moment or list(Moment)
    if unknown := sorted(set(given.fault) - {fault.name for fault in FAULTS}):
        sys.exit(f"there is no fault {unknown[0]!r}; there are {', '.join(fault.name for fault in FAULTS)}")
    home = Path(tempfile.mkdtemp(prefix="tamma-t-", dir="/tmp"))
    try:
        environment.prepare(home)
        with inherited():
            session = asyncio.run(_unless_told_to_stop(_session(given)))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    given.out.write_text(json.dumps(session.to_json(), indent=2) + "\n")
    for outcome in session.failed:
        _say(f"\nseed {outcome.seed}, run {outcome.run}: {outcome.failure[:2000]}\nagain: {outcome.repeat}")
    sums = {name: value for name, value in session.to_json().items() if name not in ("failures", "all")}
    _say(f"\n{json.dumps(sums)}" if session.outcomes else "\nnothing was struck: no run is named so")
    sys.stderr.flush()
    os._exit(1 if session.failed or not session.outcomes else 0)  # the client's threads may abort at the end


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Strike runs everywhere.")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"seeds 1 to N ({SEEDS})")
    parser.add_argument("--seed", type=int, help="this seed alone")
    parser.add_argument("--points", default="all", help="`all`, or so many of each seed (all)")
    parser.add_argument(
        "--only", action="append", default=[], metavar="ACTIVITY", help="points of these alone"
    )
    parser.add_argument(
        "--moment", action="append", choices=list(Moment), help=f"these of {', '.join(Moment)} alone"
    )
    parser.add_argument("--fault", action="append", default=[], help="these faults alone, and no points")
    parser.add_argument("--no-faults", action="store_true", help="points alone")
    parser.add_argument("--story", choices=STORIES, default="happy", help="what the runs do (happy)")
    parser.add_argument("--run", help="this run of a seed alone: a number, or a fault's name")
    parser.add_argument("--per-run", type=int, default=PER_RUN, help=f"most blows in one run ({PER_RUN})")
    parser.add_argument("--partition", type=float, default=PARTITION, help=f"seconds of it ({PARTITION:.0f})")
    parser.add_argument("--out", type=Path, default=Path(RESULTS), help=f"the file of results ({RESULTS})")
    parser.add_argument(
        "--keep", type=Path, default=Path(FAILED_RUNS), help=f"folder for failed runs ({FAILED_RUNS})"
    )
    return parser


async def _session(given: argparse.Namespace) -> Session:
    async with stage(given.keep.absolute(), drawn=_drawn(given)) as servers:
        story = STORIES[given.story]()
        calm = await servers.calm(story)
        every = points_of(calm.activities)
        _say(
            f"an undisturbed run: {len(calm.activities)} activities, {len(every)} points, {calm.calls} calls"
        )
        outcomes: list[Outcome] = []
        for seed, run, deed in _runs(given, every):
            if isinstance(deed, Fault):
                outcomes.append(await servers.suffer(calm, seed, deed, given.partition))
            else:
                outcomes.append(await servers.strike(calm, story, seed, run, deed))
            _say(outcomes[-1].line())
    return Session(len(calm.activities), len(every), tuple(outcomes))


def _drawn(given: argparse.Namespace) -> str:
    """What a run's number depends on, apart from its seed."""
    words = [f"--story {given.story}"] if given.story != "happy" else []
    words += [f"--only {name}" for name in given.only]
    words += [f"--moment {name}" for name in given.moment if len(given.moment) < len(Moment)]
    words += [f"--points {given.points}"] if given.points != "all" else []
    words += [f"--per-run {given.per_run}"] if given.per_run != PER_RUN else []
    words += [f"--partition {given.partition:g}"] if given.partition != PARTITION else []
    return " ".join(words)


def _runs(
    given: argparse.Namespace, every: Sequence[Point]
) -> Iterator[tuple[int, str, Sequence[Point] | Fault]]:
    """The runs of each seed: seed, name, and what strikes it."""
    most = None if given.points == "all" else int(given.points)
    chosen = [
        point
        for point in every
        if point.activity in (given.only or [point.activity]) and point.moment in given.moment
    ]
    for seed in [given.seed] if given.seed is not None else range(1, given.seeds + 1):
        runs: list[tuple[str, Sequence[Point] | Fault]] = []
        if not given.fault:
            groups = grouped(chosen, seed, given.per_run, most)
            runs += [(str(number), group) for number, group in enumerate(groups, 1)]
        if given.story == "happy" and not given.no_faults and not given.only:
            runs += [(fault.name, fault) for fault in FAULTS if not given.fault or fault.name in given.fault]
        yield from ((seed, run, deed) for run, deed in runs if given.run in (None, run))


async def _unless_told_to_stop(work: Coroutine[Any, Any, Session]) -> Session:
    """SIGTERM ends like Ctrl-C: with everything that was started stopped and removed."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
