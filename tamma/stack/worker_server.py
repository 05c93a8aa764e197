"""The worker under supervision: a process that serves the task queues."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

from tamma.errors import ConfigError
from tamma.stack.interface import WorkerSpec
from tamma.stack.paths import StackPaths
from tamma.stack.process import ProcessRef, import_path
from tamma.stack.service import Launch


class WorkerServer:
    """See `service.Server`."""

    name = "worker"
    stop_signal = signal.SIGTERM
    ready_timeout = 10.0

    def __init__(self, paths: StackPaths, spec: WorkerSpec, addresses: Mapping[str, str]) -> None:
        """`addresses`: variables that tell the worker where the servers are; they win over the spec's."""
        self._paths = paths
        self._addresses = addresses
        self.spec = spec

    @property
    def fingerprint(self) -> str:
        """What tells whether a running worker still is the right one."""
        return f"{self._addresses['TAMMA_TEMPORAL_ADDRESS']} {self.spec.fingerprint}"

    @property
    def stop_grace(self) -> float:
        return self.spec.grace

    def find_orphan(self) -> ProcessRef | None:
        return None  # it has no data of its own to be recognised by: state.json alone knows it

    async def prepare(self) -> Launch:
        if not self.spec.command:
            raise ConfigError("the worker has no command")
        env = {
            "PATH": os.environ.get("PATH", os.defpath),
            **import_path(),
            **self.spec.env,
            **self._addresses,
        }
        env["TAMMA_HOME"] = str(self._paths.home)
        return Launch(self.spec.command, env, self._paths.home)

    async def is_ready(self, pid: int) -> bool:
        """Started is enough: work that is submitted meanwhile waits in its queue."""
        return True

    async def on_ready(self) -> None:
        return
