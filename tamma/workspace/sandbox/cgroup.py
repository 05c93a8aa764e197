"""A control group for the commands of this worker, where one may be made: counts hold for root too.

RLIMIT_NPROC does not bind processes that are the machine's root (also inside a user namespace), so a worker
run by root bounds a fork bomb here. Without a writable control group the container around us bounds it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tamma.workspace.sandbox.profile import Limits

_ROOT = Path("/sys/fs/cgroup")
_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Cgroup:
    """Made folders, one per controller (v1) or one in all (v2)."""

    folders: tuple[Path, ...]

    def enter(self, argv: Sequence[str]) -> list[str]:
        """`argv`, begun inside the group: a process that joined later would leave its children outside."""
        joins = "; ".join(f"echo $$ > {folder}/cgroup.procs" for folder in self.folders)
        return ["/bin/sh", "-c", f'{{ {joins}; }} 2>/dev/null; exec "$@"', "sh", *argv]

    def remove(self) -> None:
        """Remove the folders; one that still holds a dying process is left to the next start."""
        for folder in self.folders:
            with contextlib.suppress(OSError):
                folder.rmdir()


def make_cgroup(limits: Limits, root: Path = _ROOT) -> Cgroup | None:
    """A group `tamma-<pid>-<n>` with the limits, or None where none can be made."""
    number = next(_NUMBERS)
    if (root / "cgroup.controllers").exists():
        wanted = {"pids.max": limits.processes, "memory.max": limits.total_memory_bytes}
        parents = {root: wanted}
    else:
        parents = {
            root / "pids": {"pids.max": limits.processes},
            root / "memory": {"memory.limit_in_bytes": limits.total_memory_bytes},
        }
    made: list[Path] = []
    for parent, settings in parents.items():
        if not any(settings.values()):
            continue
        folder = parent / f"tamma-{os.getpid()}-{number}"
        if _make(folder, settings):
            made.append(folder)
    return Cgroup(tuple(made)) if made else None


def _make(folder: Path, settings: dict[str, int]) -> bool:
    try:
        _sweep(folder.parent)
        folder.mkdir(exist_ok=True)
        for name, value in settings.items():
            if value:
                (folder / name).write_text(str(value))
    except OSError:
        with contextlib.suppress(OSError):
            folder.rmdir()
        return False
    return True


def _sweep(parent: Path) -> None:
    """Remove groups of workers that are gone."""
    for folder in parent.glob("tamma-*"):
        pid = folder.name.split("-")[1]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            with contextlib.suppress(OSError):
                folder.rmdir()
