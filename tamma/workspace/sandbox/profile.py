"""What a sandboxed command may see, write and use: plain data that every tier translates.

A profile is an allowlist. What is not mounted does not exist for the command: home folders, `/run` (docker
and agent sockets, Kubernetes service account tokens), `/var`, the worker's own virtual environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

WORKSPACE = "/workspace"
"""Where the work tree stands inside tiers that can move it: the same on every host, since transcripts and
editable installs name it."""
ENV = "/env"
HOME = "/home/tamma"
TMP = "/tmp"  # noqa: S108  (the path inside the sandbox, a private folder of the workspace)


PROC_COVERED = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "driver", "scsi", "mtrr", "pressure")
"""What of /proc must be read-only: without any capability, uid 0 of the machine still owns these files, also
in a user namespace, and `core_pattern` would run a program on the host. (bwrap 0.8 leaves them open.)"""


@dataclass(frozen=True, slots=True)
class Mount:
    """`source` on the host seen as `target` inside; read-only unless `writable`."""

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What one command may use. Bytes, except for counts."""

    processes: int = 1024
    open_files: int = 4096
    file_bytes: int = 1 << 30
    data_bytes: int = 8 << 30
    """A process's private writable memory (RLIMIT_DATA: address space alone would break node and Go)."""
    total_memory_bytes: int = 0
    """All processes of a command together, where a control group can be had; 0 is no limit."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One sandbox. Mounts are in order: a later one may lie inside an earlier one."""

    mounts: tuple[Mount, ...]
    cwd: str
    env: tuple[tuple[str, str], ...] = ()
    symlinks: tuple[tuple[str, str], ...] = ()
    """(target, link) pairs at the root: `("usr/bin", "/bin")`."""
    masks: tuple[str, ...] = ()
    """Paths below read-only mounts that read as empty."""
    limits: Limits = field(default_factory=Limits)
    tcp: bool = False
    """Whether the landlock tier leaves TCP open: the install phase reaches its proxy that way."""

    def plus(self, mounts: tuple[Mount, ...] = (), env: Mapping[str, str] | None = None) -> Profile:
        """This profile with more mounts and variables; a variable given here wins."""
        merged = dict(self.env) | dict(env or {})
        return replace(self, mounts=self.mounts + mounts, env=tuple(merged.items()))


@dataclass(frozen=True, slots=True)
class SandboxPolicy:
    """What the operator allows. `tiers` are tried in order; `none` also needs `allow_none`."""

    tiers: tuple[str, ...] = ("bwrap", "namespaces", "container", "landlock", "none")
    allow_none: bool = False
    read_only: tuple[str, ...] = ()
    """More host paths that commands may read (toolchains in unusual places)."""
    limits: Limits = field(default_factory=Limits)
    prewarm: bool = True
    """Keep the next sandbox started while the model thinks: a command then starts in about 3 ms."""
