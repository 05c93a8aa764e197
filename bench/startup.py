"""How quickly `tamma --help` is there, and what it does not import."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from bench.figures import Figure, plain, ratio, samples
from bench.processes import in_turns, run_timed
from bench.surroundings import TAMMA, environment

ROUNDS = 10
GOAL_MS = 150.0
FORBIDDEN = (
    "temporalio", "anthropic", "openai", "pydantic", "rich", "asyncpg", "pygit2", "githubkit", "scipy",
)  # fmt: skip

_LOADED = """
import json, sys
from tamma.cli.main import run
run(["--help"])
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


async def measure() -> Sequence[Figure]:
    """`startup.*`."""
    env = environment()
    ours, bare = in_turns(ROUNDS, (TAMMA, "--help"), (sys.executable, "-c", "pass"), env=env)
    mine, python = samples("ms", (cost.wall for cost in ours)), samples("ms", (cost.wall for cost in bare))
    loaded = set(json.loads(run_timed((sys.executable, "-c", _LOADED), env)[1].splitlines()[-1]))
    heavy = sorted(loaded.intersection(FORBIDDEN))
    return [
        plain("startup.help", "`tamma --help`, a whole process", mine, goal=GOAL_MS),
        ratio("startup.help_ratio", "the same against `python -c pass`", mine, python),
        ratio(
            "startup.help_cpu_ratio",
            "the same in processor time, which a busy machine does not stretch",
            samples("ms", (cost.cpu for cost in ours)),
            samples("ms", (cost.cpu for cost in bare)),
        ),
        Figure(
            "startup.heavy_imports",
            "SDKs and heavy packages that `--help` imports",
            len(heavy),
            "modules",
            goal=0,
            detail={"imported": heavy, "looked_for": FORBIDDEN},
        ),
    ]
