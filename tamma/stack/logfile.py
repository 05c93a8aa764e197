"""The stack's one log, `TAMMA_HOME/stack.log`.

The servers write to it directly, not through a pipe: a pipe would end with the supervisor, and the servers
would die of it. So the file keeps its place and is rotated by copying and truncating; everyone appends.
"""

from __future__ import annotations

import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

ROTATE_BYTES = 10 * 1024 * 1024


def log_line(text: str) -> None:
    """Write one line of the supervisor's own. Its standard error is the log."""
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
    print(f"{stamp} supervisor[{os.getpid()}] {text}", file=sys.stderr, flush=True)  # noqa: T201


def rotate(log: Path, limit: int = ROTATE_BYTES) -> bool:
    """Move a log over `limit` bytes to `<name>.1`. True where it did."""
    try:
        if log.stat().st_size <= limit:
            return False
        fd = os.open(log.with_name(f"{log.name}.1"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as old, log.open("rb") as current:
            shutil.copyfileobj(current, old)
        os.truncate(log, 0)
    except FileNotFoundError:
        return False
    return True


def tail(log: Path, lines: int = 15) -> str:
    """The last lines, at most 8 kB; empty where there is no log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
