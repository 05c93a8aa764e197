"""Failures on demand, for tests of crashes: `options["faults"]` of the memory platform.

::

    {"on": "ensure_pr", "when": "after", "times": 1, "error": "kill"}

`error` is `kill` (SIGKILL to this process), `hang` (never answers) or the name of a class in `tamma.errors`.
`after` strikes when the effect and its ledger line are saved: the answer is what gets lost. How often a fault
struck is counted in the state, so it also holds for the process that comes after the killed one.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from tamma import errors
from tamma.platforms.memory.state import MemoryState


@dataclass(frozen=True, slots=True)
class Fault:
    on: str
    when: Literal["before", "after"]
    error: str
    times: int = 1


def faults_from(options: Mapping[str, object]) -> tuple[Fault, ...]:
    """Raises ConfigError for a fault that could never strike."""
    entries = cast("list[Mapping[str, object]]", options.get("faults", []))
    found: list[Fault] = []
    for entry in entries:
        when, error = entry.get("when", "before"), str(entry.get("error", "Transient"))
        if when not in ("before", "after") or (error not in ("kill", "hang") and _error_class(error) is None):
            raise errors.ConfigError(
                f"{dict(entry)!r} is not a fault",
                hint='e.g. {"on": "ensure_pr", "when": "after", "times": 1, "error": "kill"}',
            )
        times = entry.get("times", 1)
        found.append(Fault(str(entry.get("on", "")), when, error, times if isinstance(times, int) else 1))
    return tuple(found)


def take(faults: tuple[Fault, ...], state: MemoryState, op: str, when: str) -> Fault | None:
    """The fault that strikes now, counted as used in `state`; None where none is due."""
    for index, fault in enumerate(faults):
        key = f"{index} {fault.error} {when} {fault.on}"
        if (fault.on, fault.when) == (op, when) and state.faults_used.get(key, 0) < fault.times:
            state.faults_used[key] = state.faults_used.get(key, 0) + 1
            return fault
    return None


async def strike(fault: Fault) -> None:
    """Do what the fault says. Returns never."""
    if fault.error == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault.error == "hang":
        await asyncio.Event().wait()
    kind = _error_class(fault.error)
    assert kind is not None, "checked by faults_from"
    if issubclass(kind, errors.Unsupported):
        raise kind(fault.on)
    raise kind(f"injected into {fault.on} ({fault.when})")


def _error_class(name: str) -> type[errors.TammaError] | None:
    found = getattr(errors, name, None)
    return found if isinstance(found, type) and issubclass(found, errors.TammaError) else None
