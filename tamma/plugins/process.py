"""The process that serves one configured entry: started when it is needed, and again after it ended."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from tamma.plugins.connection import Connection
from tamma.plugins.host import Host
from tamma.plugins.kind import Account


class Process:
    """At most one at a time, for one event loop; a bounded number of starts a minute.

    `open_adapter` has the loaded plugin make and start its adapter.
    """

    def __init__(
        self, host: Host, account: Account, open_adapter: Callable[[Connection], Awaitable[None]]
    ) -> None:
        self.account = account
        self._host = host
        self._open_adapter = open_adapter
        self._connection: Connection | None = None
        self._lock = asyncio.Lock()
        self._starts: deque[float] = deque()

    @property
    def pid(self) -> int | None:
        """The outermost process while it runs."""
        connection = self._connection
        return connection.pid if connection is not None and connection.alive else None

    async def connected(self) -> Connection:
        """The running process. Raises what `Host.starting` raises, and the kind's `busy` error."""
        if self._connection is not None and self._connection.alive:
            return self._connection
        async with self._lock:
            if self._connection is None or not self._connection.alive:
                await self.close()
                self._count_start()
                with self._host.starting(self.account):
                    self._connection = await self._open()
            return self._connection

    async def close(self) -> None:
        """Close the adapter and end the process. Idempotent."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _open(self) -> Connection:
        # One deadline for all of it: the process, the plugin, and its adapter.
        async with asyncio.timeout(self._host.limits.start_seconds):
            connection = await self._host.load(self.account)
            try:
                await self._open_adapter(connection)
            except BaseException:
                await connection.close()
                raise
        return connection

    def _count_start(self) -> None:
        limits, now = self._host.limits, time.monotonic()
        while self._starts and now - self._starts[0] > limits.restart_window:
            self._starts.popleft()
        if len(self._starts) >= limits.restarts:
            raise self._host.kind.error(
                self._host.kind.busy,
                f"{self._host.who(self.account)} was started"
                f" {limits.restarts} times within {limits.restart_window:.0f} s: it must wait",
                self.account,
                hint="see the log for why it ends",
                retry_after=self._starts[0] + limits.restart_window - now,
            )
        self._starts.append(now)
