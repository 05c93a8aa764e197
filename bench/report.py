"""How long the HTML report of an A/B test takes, and how large it is, in a fresh process."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from bench.figures import Figure, plain, samples
from bench.processes import progress, run_timed
from bench.surroundings import environment

ROUNDS = 3
TASKS = 1_000
GOAL_SECONDS = 3.0
GOAL_MB = 2.0

_REPORT = """
import json, sys, time
from decimal import Decimal
from tamma.experiments.report.model import Standing
from tamma.model.verdict import ABTestState
from tests.experiments.made import PLAN, drawn
from tests.experiments.reports import CONFIGS, TREND, looked

tasks = int(sys.argv[1])
assignments, outcomes = drawn(tasks, seed=1)
planned, taken, evidence = looked(PLAN, assignments, outcomes, 5)
wall, cpu = time.perf_counter(), time.process_time()
from tamma.experiments.report.build import Records, build_report
from tamma.experiments.report.html import to_html
records = Records("t", PLAN, planned, assignments, outcomes, taken, Standing(ABTestState.ENDED))
html = to_html(build_report(records, evidence, configs=CONFIGS, trends=(TREND,)))
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(json.dumps({"wall": wall, "cpu": cpu, "size": len(html.encode()) / 1e6}))
"""


async def measure() -> Sequence[Figure]:
    """`report.*`."""
    env = environment()
    progress(f"the HTML report of {TASKS} tasks")
    rounds = [
        json.loads(run_timed((sys.executable, "-c", _REPORT, str(TASKS)), env)[1]) for _ in range(ROUNDS)
    ]
    return [
        plain(
            "report.html",
            f"the HTML report of {TASKS} tasks from their outcomes, matplotlib and jinja2 loaded on the way",
            samples("s", (each["wall"] for each in rounds)),
            goal=GOAL_SECONDS,
        ),
        plain(
            "report.html_cpu",
            "the same in processor time",
            samples("s", (each["cpu"] for each in rounds)),
        ),
        plain("report.html_size", "the file", samples("MB", (each["size"] for each in rounds)), goal=GOAL_MB),
    ]
