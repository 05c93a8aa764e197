"""`python -m bench [NAME ...]`: measure, print the figures for people, write them as JSON.

The JSON goes to standard output and to bench-results.json, the table to standard error. Missing a goal is a
result, not an error: the exit code is 0 as long as everything could be measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from bench import (
    ab,
    analysis,
    beside,
    clone,
    crossing,
    machine,
    memory,
    recovery,
    report,
    servers,
    startup,
    steps,
    submit,
)
from bench.figures import Figure, table
from bench.platforms import calls
from bench.platforms import places as accounts
from bench.providers import load, places, streams
from bench.surroundings import Stack, running_stack

RESULTS = "bench-results.json"
ALONE: dict[str, Callable[[], Awaitable[Sequence[Figure]]]] = {
    "startup": startup.measure,
    "providers": places.measure,
    "streams": streams.measure,
    "load": load.measure,
    "platforms": accounts.measure,
    "calls": calls.measure,
    "clone": clone.measure,
    "analysis": analysis.measure,
    "report": report.measure,
}
ON_A_STACK: dict[str, Callable[[Stack], Awaitable[Sequence[Figure]]]] = {
    "memory": memory.measure,
    "steps": steps.measure,
    "crossing": crossing.measure,
    "beside": beside.measure,
    "submit": submit.measure,
    "recovery": recovery.measure,
    "servers": servers.measure,
    "ab": ab.measure,
}
"""In this order: memory first, while the worker is young."""


def main() -> None:
    """The command."""
    names = [*ALONE, *ON_A_STACK]
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Tamma.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(names)} (all)")
    parser.add_argument("--out", type=Path, default=Path(RESULTS), help=f"the file of results ({RESULTS})")
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(names)):
        parser.error(f"there is no {unknown[0]!r}; there are {', '.join(names)}")
    before = machine.facts()
    figures = asyncio.run(_unless_told_to_stop(_measure(given.names or names)))
    result = {
        "machine": {**before, "loadAfter": machine.facts()["load"]},
        "figures": [figure.to_json() for figure in figures],
    }
    text = json.dumps(result, indent=2) + "\n"
    given.out.write_text(text)
    sys.stdout.write(text)
    missed = [figure.name for figure in figures if figure.verdict == "missed"]
    _say("\n" + table(figures))
    _say(f"\nmissed: {', '.join(missed)}" if missed else "\nno goal was missed")
    sys.stdout.flush()
    os._exit(0)  # the Temporal client's threads may abort while the interpreter ends


async def _unless_told_to_stop(measuring: Coroutine[Any, Any, list[Figure]]) -> list[Figure]:
    """SIGTERM ends like Ctrl-C: with everything that was started stopped and removed."""
    task = asyncio.ensure_future(measuring)
    told: list[bool] = []

    def stop() -> None:
        if not told:  # a second time would interrupt the tidying up
            task.cancel()
        told.append(True)

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    return await task


async def _measure(names: Sequence[str]) -> list[Figure]:
    figures: list[Figure] = []
    for name in (name for name in ALONE if name in names):
        figures += await _one(name, ALONE[name]())
    chosen = [name for name in ON_A_STACK if name in names]
    if chosen:
        async with running_stack() as stack:
            for name in chosen:
                figures += await _one(name, ON_A_STACK[name](stack))
    return figures


async def _one(name: str, measuring: Awaitable[Sequence[Figure]]) -> Sequence[Figure]:
    began = time.monotonic()
    figures = await measuring
    _say(f"{name}: {time.monotonic() - began:.0f} s")
    return figures


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
