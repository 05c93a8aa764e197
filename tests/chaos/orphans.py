"""Processes that lost their parent: Linux hands them to the nearest process that asked for them."""

from __future__ import annotations

import ctypes
from collections.abc import Generator, Iterable
from contextlib import contextmanager

import psutil

_PR_SET_CHILD_SUBREAPER = 36


@contextmanager
def inherited() -> Generator[None]:
    """Within the block, what a killed child leaves behind becomes a child of this process. Linux only."""
    libc = ctypes.CDLL(None, use_errno=True)

    def ask(value: int) -> None:
        if libc.prctl(_PR_SET_CHILD_SUBREAPER, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")

    ask(1)
    try:
        yield
    finally:
        ask(0)


def descendants(pid: int | None = None) -> dict[int, str]:
    """Living processes below this one, or below another: pid -> command line."""
    found: dict[int, str] = {}
    for process in psutil.Process(pid).children(recursive=True):
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = " ".join(process.cmdline()) or process.name()
        except psutil.NoSuchProcess:
            continue
    return found


def orphans(before: Iterable[int], servers: Iterable[int] = ()) -> dict[int, str]:
    """Those that were not there `before`; servers that came back, and their children, are none."""
    known = {*before}
    for server in servers:
        known |= {server, *descendants(server)}
    return {pid: command for pid, command in descendants().items() if pid not in known}
