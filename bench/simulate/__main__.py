"""`python -m bench.simulate [NAME ...]`: simulate the gates, print them for people, write them as JSON.

The JSON goes to standard output and to simulate-results.json, the table to standard error. The exit code is 1
where a gate fails, for then a promise of the reports is broken.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from bench.simulate.every import GATES
from bench.simulate.gates import FULL_RUNS, Passage, passage

RESULTS = "simulate-results.json"
SEED = 20260301
RUNS = 10_000


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; `arguments` are those of the process unless given."""
    names = [gate.name for gate in GATES]
    parser = argparse.ArgumentParser(prog="python -m bench.simulate", description="Simulate the gates.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="gates or groups of them, e.g. `fixed` (all)"
    )
    parser.add_argument("--runs", type=int, default=RUNS, help=f"runs a gate ({RUNS})")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the random numbers ({SEED})")
    parser.add_argument("--out", type=Path, default=Path(RESULTS), help=f"the file of results ({RESULTS})")
    given = parser.parse_args(arguments)
    if given.runs < 1:
        parser.error(f"--runs is {given.runs}: at least 1")
    chosen = [gate for gate in GATES if not given.names or _named(gate.name, given.names)]
    if unknown := [name for name in given.names if not any(_named(gate, [name]) for gate in names)]:
        parser.error(f"there is no gate {unknown[0]!r}; there are {', '.join(names)}")
    if given.runs < FULL_RUNS:
        _say(f"under {FULL_RUNS} runs the bounds are wider")
    passages: list[Passage] = []
    for gate in chosen:
        began = time.monotonic()
        passages.append(passage(gate, given.runs, given.seed))
        _say(_line(passages[-1], time.monotonic() - began))
    text = json.dumps(_result(passages, given.runs, given.seed), indent=2) + "\n"
    given.out.write_text(text)
    sys.stdout.write(text)
    failed = [found.gate for found in passages if not found.passed]
    _say(f"\nfailed: {', '.join(failed)}" if failed else f"\nall {len(passages)} gates passed")
    return 1 if failed else 0


def _named(gate: str, names: Iterable[str]) -> bool:
    return any(gate == name or gate.startswith(f"{name}.") for name in names)


def _result(passages: Iterable[Passage], runs: int, seed: int) -> dict[str, object]:
    return {
        "runs": runs,
        "seed": seed,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("numpy", "scipy")},
        "gates": [found.to_json() for found in passages],
    }


def _line(found: Passage, seconds: float) -> str:
    bound = f"{found.bound.low:.3f} to {found.bound.high:.3f}"
    verdict = "pass" if found.passed else "FAIL"
    return f"{verdict}  {found.gate:27} {found.observed:7.4f}  ({bound})  {seconds:5.1f} s  {found.what}"


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
