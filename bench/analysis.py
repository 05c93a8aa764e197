"""How long one look at an A/B test takes, and what memory, in a process that has loaded nothing before."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from bench.figures import Figure, plain, samples
from bench.processes import progress, run_timed
from bench.surroundings import environment

ROUNDS = 3
TASKS = 10_000
GOAL_SECONDS = 2.0
GOAL_MB = 300.0

_LOOK = """
import json, resource, sys, time
from dataclasses import replace
from tamma.experiments.verdict import decide
from tamma.model.experiment import Guardrail, Metric, Mode
from tests.experiments.made import PLAN, START, drawn

tasks, mode = int(sys.argv[1]), Mode(sys.argv[2])
assignments, outcomes = drawn(tasks, seed=1, mode=mode)
wall, cpu = time.perf_counter(), time.process_time()
from tamma.experiments.analysis import analyse
from tamma.experiments.sequential.spending import plan_looks
from tamma.model.looks import Bound, DueLook
looks = plan_looks(tasks, 5)
prior = tuple(Bound(look.units, look.boundary) for look in looks[:-1])
plan = replace(PLAN, mode=mode, guardrails=(Guardrail(Metric.COST, 0.1), Guardrail(Metric.SUCCESS, 0.05)))
found = analyse(plan, looks, assignments, outcomes, DueLook(5, tasks, True, 0, prior), at=START)
decision = decide(found.evidence).decision.value
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"wall": wall, "cpu": cpu, "peak": peak, "decision": decision}))
"""


async def measure() -> Sequence[Figure]:
    """`analysis.*`."""
    env = environment()
    found: list[Figure] = []
    for mode in ("paired", "live"):
        progress(f"one look at {TASKS} tasks, {mode}")
        rounds = [
            json.loads(run_timed((sys.executable, "-c", _LOOK, str(TASKS), mode), env)[1])
            for _ in range(ROUNDS)
        ]
        found += [
            plain(
                f"analysis.{mode}",
                f"one look at {TASKS} tasks with all methods, numpy and scipy loaded on the way",
                samples("s", (each["wall"] for each in rounds)),
                goal=GOAL_SECONDS,
                decision=rounds[0]["decision"],
            ),
            plain(
                f"analysis.{mode}_cpu",
                "the same in processor time, which a busy machine stretches less",
                samples("s", (each["cpu"] for each in rounds)),
            ),
            plain(
                f"analysis.{mode}_peak",
                "the process at its largest, the outcomes included",
                samples("MB", (each["peak"] for each in rounds)),
                goal=GOAL_MB,
            ),
        ]
    return found
