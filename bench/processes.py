"""Whole processes: how long one takes, how much memory one has."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil


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


def run_cpu(argv: Sequence[str], env: Mapping[str, str]) -> float:
    """Seconds of processor time that a process takes: what a busy machine does not change much."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run_timed(argv, env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cpu_seconds(pid: int) -> float:
    """Processor time that a running process and its ended children took so far, in seconds."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def in_turns(rounds: int, *measures: Callable[[], float]) -> list[list[float]]:
    """A B A B: what disturbs the machine for a while disturbs all alike. A first round is not counted."""
    for measure in measures:
        measure()
    found: list[list[float]] = [[] for _ in measures]
    for _ in range(rounds):
        for values, measure in zip(found, measures, strict=True):
            values.append(measure())
    return found


def memory_mb(pid: int) -> tuple[float, float]:
    """Resident memory of a process now and at its peak, in megabytes (10**6 bytes). Linux only."""
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    kilobytes = {words[0]: int(words[1]) for words in lines if words[0] in ("VmRSS:", "VmHWM:")}
    return kilobytes["VmRSS:"] * 1024 / 1e6, kilobytes["VmHWM:"] * 1024 / 1e6
