"""What a plugin may use, and how that is measured: figures, readings of /proc, and pure decisions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one plugin's processes, all together. The figures are the specification's where it has one."""

    start_seconds: float = 30.0
    """From the start of the process until the plugin's adapter is started."""
    operation_seconds: float = 300.0
    cancel_seconds: float = 2.0
    """In which a cancelled operation must have ended; the process is ended otherwise."""
    memory_bytes: int = 256 << 20
    cpu_share: float = 0.8
    """Of one processor."""
    processes: int = 32
    restarts: int = 5
    """Starts within `restart_window`; as many crashes in a row are more than an accident."""
    restart_window: float = 60.0


@dataclass(frozen=True, slots=True)
class Used:
    """What a group of processes has used and holds. `cpu` in seconds, ended children included."""

    cpu: float
    memory: int
    processes: int


_TICKS = os.sysconf("SC_CLK_TCK")
_BURST = 0.5
"""Seconds of CPU time that may be used at full speed after a rest: a start is not slowed down by much."""


@dataclass(frozen=True, slots=True)
class Budget:
    """CPU time that may still be used, which comes at a rate of `share` and is never more than a burst."""

    share: float
    left: float = _BURST
    at: float = 0.0
    spent: float = 0.0

    def after(self, now: float, spent: float) -> Budget:
        """The budget at `now` (monotonic seconds), `spent` seconds of CPU time used in all."""
        came = self.share * (now - self.at) if self.at else 0.0
        return Budget(self.share, min(_BURST, self.left + came) - (spent - self.spent), now, spent)

    @property
    def overdrawn(self) -> bool:
        """Whether the processes must rest."""
        return self.left < 0


def exceeded(used: Used, limits: Limits) -> str | None:
    """Why processes that use this much are ended; None where they may go on."""
    if used.memory > limits.memory_bytes:
        return f"it took {used.memory >> 20} MB of memory, {limits.memory_bytes >> 20} MB are allowed"
    if used.processes > limits.processes:
        return f"it ran {used.processes} processes, {limits.processes} are allowed"
    return None


def descendants(leader: int) -> list[int]:
    """The processes below `leader`, without itself. Linux; needs CONFIG_PROC_CHILDREN, as all have."""
    found: list[int] = []
    waiting = [leader]
    while waiting:
        below = list(_children(waiting.pop()))
        found += below
        waiting += below
    return found


def _children(pid: int) -> Iterator[int]:
    for task in _listed(f"/proc/{pid}/task"):
        yield from map(int, _read(f"/proc/{pid}/task/{task}/children").split())


def usage(pids: Iterable[int]) -> Used:
    """What `pids` use together; those that ended meanwhile use nothing."""
    cpu = memory = count = 0
    for pid in pids:
        # After the name in parentheses: state, and from the twelfth field on utime, stime and the children's.
        fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        if not fields:
            continue
        count += 1
        cpu += sum(map(int, fields[11:15]))
        memory += sum(
            int(line.split()[1]) << 10
            for line in _read(f"/proc/{pid}/status").splitlines()
            if line.startswith(("RssAnon:", "RssShmem:"))
        )
    return Used(cpu / _TICKS, memory, count)


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:  # it has ended
        return ""


def _listed(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []
