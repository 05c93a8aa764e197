"""Whole processes: how long one takes, how much memory one has."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Cost:
    """What a whole process took, in milliseconds."""

    wall: float
    cpu: float


def progress(line: str) -> None:
    """Tell whoever waits that something happens."""
    sys.stderr.write(f"  {line}\n")
    sys.stderr.flush()


def run_timed(argv: Sequence[str], env: Mapping[str, str], cwd: Path | None = None) -> tuple[float, str]:
    """Seconds from start to exit, and what it printed. Raises RuntimeError where it fails."""
    began = time.perf_counter()
    done = subprocess.run(
        argv, env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        raise RuntimeError(f"{list(argv)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return seconds, done.stdout


def ended_cpu_seconds() -> float:
    """Processor time of all processes that this one started and that have ended: what a busy machine does
    not stretch much. A difference of two calls is what was run between them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cpu_seconds(pid: int) -> float:
    """Processor time that a running process and its children, ended and running, took so far, in seconds."""
    process = psutil.Process(pid)
    total = sum(process.cpu_times()[:4])
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # ended since: its parent has its time now
            total += sum(child.cpu_times()[:4])
    return total


def in_turns(rounds: int, *commands: Sequence[str], env: Mapping[str, str]) -> list[list[Cost]]:
    """A B A B: what disturbs the machine for a while disturbs all alike. A first round is not counted."""
    found: list[list[Cost]] = [[] for _ in commands]
    for number in range(rounds + 1):
        for costs, command in zip(found, commands, strict=True):
            before = ended_cpu_seconds()
            seconds, _ = run_timed(command, env)
            if number:
                costs.append(Cost(seconds * 1000, (ended_cpu_seconds() - before) * 1000))
    return found


def memory_mb(pid: int) -> tuple[float, float]:
    """Resident memory of a process now and at its peak, in megabytes (10**6 bytes). Linux only."""
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    kilobytes = {words[0]: int(words[1]) for words in lines if words[0] in ("VmRSS:", "VmHWM:")}
    return kilobytes["VmRSS:"] * 1024 / 1e6, kilobytes["VmHWM:"] * 1024 / 1e6
