"""Becoming the supervisor: detached from the command that starts it, and the only one of its home."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import sys
from pathlib import Path

from tamma.stack.paths import StackPaths


def take_lock(path: Path) -> int | None:
    """Lock `path` for this process's life; None where somebody holds it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def main() -> int:
    """`python -m tamma.stack.daemon HOME`, standard output and error going to the log."""
    parser = argparse.ArgumentParser(prog="tamma.stack.daemon")
    parser.add_argument("home", type=Path)
    home: Path = parser.parse_args().home
    # The command that starts us began a session for us; a second fork gives that session's lead away, so
    # that no terminal can ever become ours and the command has no child to wait for.
    if os.fork() != 0:
        os._exit(0)
    os.umask(0o077)
    os.chdir("/")
    paths = StackPaths(home)
    lock = take_lock(paths.lock)
    if lock is None:
        return 0  # another command was faster: its supervisor serves us all
    # After the fork and the lock: whoever loses the race has not paid for these imports.
    from tamma.stack.supervisor import Supervisor

    asyncio.run(Supervisor(paths, lock).run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
