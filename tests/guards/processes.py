"""Whatever a test run starts, it ends. Processes are known by a mark in their environment.

The mark finds detached ones too (a supervisor whose parent is gone), and PYTEST_CURRENT_TEST, which pytest
keeps in the environment, names the test that started them. A process that was given a wholly new environment
(what runs inside a sandbox) carries no mark: it is found as a child, if it still is one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

MARK = "TAMMA_TEST_RUN"
NOT_OURS = ("resource_tracker", "forkserver")
"""Helpers of Python's multiprocessing, which end with the process that has them."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A process that outlived its test."""

    process: psutil.Process
    command: str
    test: str

    def __str__(self) -> str:
        return f"pid {self.process.pid}: {self.command} (started by {self.test or 'an unknown test'})"


def leftovers(mark: str, patience: float) -> list[Leftover]:
    """Live processes of this run other than this one; those just ending get `patience` seconds to do so."""
    deadline = time.monotonic() + patience
    while (found := _find(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def end(found: Iterable[Leftover]) -> None:
    """Kill them, by pid, and wait until they are gone."""
    processes = [leftover.process for leftover in found]
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(processes, timeout=5)


def _find(mark: str) -> list[Leftover]:
    here = psutil.Process()
    children = {child.pid for child in here.children(recursive=True)}
    relatives = {here.pid, *(parent.pid for parent in here.parents())}
    found: list[Leftover] = []
    for process in psutil.process_iter():
        if process.pid in relatives:
            continue
        leftover = _look(process, mark, is_child=process.pid in children)
        if leftover is not None:
            found.append(leftover)
    return found


def _look(process: psutil.Process, mark: str, *, is_child: bool) -> Leftover | None:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            # It has ended; a zombie whose parent is alive is the parent's to reap, and holds nothing.
            return None
        environment = {} if process.uids().real != os.getuid() else process.environ()
        command = " ".join(process.cmdline())[:200] or process.name()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    if environment.get(MARK) != mark and not is_child:
        return None
    if any(word in command for word in NOT_OURS):
        return None
    return Leftover(process, command, environment.get("PYTEST_CURRENT_TEST", ""))
