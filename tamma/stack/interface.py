"""What commands ask of the embedded stack, and what they get."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

WORKER_COMMAND = (sys.executable, "-m", "tamma.worker")


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """The worker that a command needs. A running worker with another fingerprint is replaced, gracefully."""

    fingerprint: str
    """`HASH;NAME=HASH;...`: over the configuration, and over each secret variable that it refers to."""
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Its environment, secrets included. It travels over a private socket, never by a file or an argument."""
    command: tuple[str, ...] = WORKER_COMMAND
    grace: float = 30.0
    """Seconds between SIGTERM and SIGKILL."""


def worker_serves(running: str | None, wanted: str) -> bool:
    """Whether a worker of fingerprint `running` does for a command that wants `wanted`.

    It may know more secrets: a command from a shell without a key must not take the key away from runs that
    were submitted from a shell with it.
    """
    if running is None:
        return False
    (have, *have_secrets), (want, *want_secrets) = running.split(";"), wanted.split(";")
    return have == want and set(want_secrets) <= set(have_secrets)


def succeed(before: WorkerSpec | None, after: WorkerSpec) -> WorkerSpec:
    """The worker that takes over: as `after` wants it, with the secrets that only `before` had."""
    if before is None:
        return after
    known = {part.partition("=")[0] for part in after.fingerprint.split(";")[1:]}
    kept = [p for p in before.fingerprint.split(";")[1:] if p.partition("=")[0] not in known]
    env = {name: before.env[name] for part in kept if (name := part.partition("=")[0]) in before.env}
    return replace(after, fingerprint=";".join((after.fingerprint, *kept)), env={**env, **after.env})


@dataclass(frozen=True, slots=True)
class StackRequest:
    """What a command needs. A server whose address is given is somebody else's: it is not started."""

    temporal_address: str | None = None
    database_url: str | None = field(default=None, repr=False)
    worker: WorkerSpec | None = None


@dataclass(frozen=True, slots=True)
class StackInfo:
    """Where the servers are."""

    temporal_address: str
    namespace: str
    ui_url: str | None
    """The Web UI; None where the Temporal server is somebody else's."""
    database_url: str = field(repr=False)
    """With the password. Never logged."""
    pids: Mapping[str, int]
    """`supervisor`, `temporal`, `postgres`, `worker`: those that this stack runs."""
    log: Path


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    name: str
    state: str
    """starting, running, backoff (it died and will be started again), stopping or stopped."""
    pid: int | None
    uptime: float
    """Seconds since it became ready, 0 while it is not."""
    restarts: int
    adopted: bool
    """True where it was running already when this supervisor started."""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class StackStatus:
    running: bool
    home: Path
    log: Path
    supervisor_pid: int | None = None
    version: str = ""
    uptime: float = 0.0
    temporal_address: str | None = None
    ui_url: str | None = None
    services: tuple[ServiceStatus, ...] = ()
    orphans: Mapping[str, int] = field(default_factory=dict[str, int])
    """Servers that outlived their supervisor: the next command adopts them, `stop` ends them."""
