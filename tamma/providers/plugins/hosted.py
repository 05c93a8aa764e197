"""A third party's provider, run in a process of its own: to everybody else a provider like any other.

A crash there is an error here: ConfigError where it happens at the start, StreamInterrupted later. The next
call starts the process anew, a bounded number of times a minute.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar

from tamma.errors import Overloaded, StreamInterrupted, TammaError
from tamma.model.conversation import (
    Capabilities,
    Finish,
    ModelInfo,
    ProviderCheck,
    Request,
    StreamEvent,
    TokenCount,
)
from tamma.providers.catalogue.prices import cost_of
from tamma.providers.interface import Provider, ProviderSettings
from tamma.providers.plugins import messages
from tamma.providers.plugins.confinement import TIERS, TierName
from tamma.providers.plugins.connection import Connection
from tamma.providers.plugins.host import Host, grants_of, passed_on, told
from tamma.providers.plugins.limits import Limits
from tamma.registry import Entry

T = TypeVar("T")
_CHECK_SECONDS = 30.0


class HostedPlugin:
    """The ProviderPlugin of an entry point. Its code runs in the processes of its providers, never here."""

    def __init__(self, entry: Entry, tiers: Sequence[TierName] = TIERS, limits: Limits | None = None) -> None:
        self.name = entry.name
        self.version = entry.version
        self._host = Host(entry, tuple(tiers), limits or Limits())

    def create_provider(self, settings: ProviderSettings) -> Provider:
        """See `ProviderPlugin`. The plugin's own `create_provider` is called when this one is started."""
        grants_of(settings)
        return HostedProvider(self._host, settings)

    def validate_config(self, settings: ProviderSettings) -> Sequence[str]:
        """Asks the plugin, in a process of its own. Blocks for the time of its start."""

        async def ask(connection: Connection) -> Sequence[str]:
            message = messages.Validate(passed_on(settings))
            return (
                await connection.ask(message, messages.Problems, self._host.limits.start_seconds)
            ).sentences

        try:
            return self._apart(settings, ask)
        except TammaError as error:
            return (told(error),)

    def examine(self) -> str | None:
        """Load the plugin in a process of its own, and say what is wrong with it. Blocks likewise."""

        async def loaded(_connection: Connection) -> None:
            return None

        try:
            return self._apart(ProviderSettings(self.name, self.name), loaded)
        except TammaError as error:
            return told(error)

    def _apart(self, settings: ProviderSettings, then: Callable[[Connection], Awaitable[T]]) -> T:
        """`then` with the loaded plugin, in a loop of its own: the caller's may be running."""

        async def run() -> T:
            with self._host.starting(settings):
                connection = await self._host.load(settings)
                try:
                    return await then(connection)
                finally:
                    await connection.close()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(run())).result()


class HostedProvider:
    """A Provider whose every call is made in the plugin's process."""

    def __init__(self, host: Host, settings: ProviderSettings) -> None:
        self._host = host
        self._settings = settings
        self._connection: Connection | None = None
        self._lock = asyncio.Lock()
        self._starts: deque[float] = deque()
        self._capabilities: dict[str, Capabilities] = {}

    @property
    def settings(self) -> ProviderSettings:
        return self._settings

    @property
    def pid(self) -> int | None:
        """The outermost of the plugin's processes, while it runs."""
        return self._connection.pid if self._connection is not None and self._connection.alive else None

    async def start(self) -> None:
        """Start the process and the plugin's provider in it.

        Raises ConfigError where either fails, and what the plugin's provider raises of ours (AuthFailed).
        """
        await self._connected()

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Ask the model; see `tamma.providers.interface`. Closing the generator cancels the call there."""
        connection = await self._connected()
        deadline = time.monotonic() + self._seconds(request.timeout)
        finished = False
        with self._host.translated(self._settings):
            async with aclosing(
                connection.answers(request, deadline, self._settings.stall_timeout)
            ) as answers:
                async for answer in answers:
                    if isinstance(answer, Capabilities):
                        self._capabilities[request.model] = answer
                        continue
                    if finished or not isinstance(answer, messages.EVENTS):
                        raise self._broken(f"sent a {type(answer).__name__} where none may come")
                    if isinstance(answer, Finish):
                        finished, answer = True, self._priced(answer)
                    yield answer
        if not finished:
            raise self._broken("ended a stream without its terminal event")

    async def count_tokens(self, request: Request) -> TokenCount:
        """As the plugin counts."""
        return await self._ask(messages.Count(request), TokenCount, request.timeout)

    def capabilities(self, model: str) -> Capabilities:
        """As the plugin said when it was asked that model; before that, what it says of its default model."""
        known = self._capabilities.get(model)
        if known is not None:
            return known
        default = self._capabilities.get(self._settings.model or "")
        if default is None:
            return Capabilities(
                model, context_window=self._settings.context_window, source="plugin: not started"
            )
        return replace(default, model=model)

    async def models(self) -> tuple[ModelInfo, ...]:
        """As the plugin lists them."""
        return (await self._ask(messages.ListModels(), messages.Models, _CHECK_SECONDS)).models

    async def check(self) -> ProviderCheck:
        """The plugin's own check; what keeps it from checking is an outcome too."""
        try:
            return await self._ask(messages.Check(), ProviderCheck, _CHECK_SECONDS)
        except TammaError as error:
            return ProviderCheck(False, told(error))

    async def close(self) -> None:
        """Close the plugin's provider and end its process."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _ask(self, message: object, kind: type[T], seconds: float) -> T:
        connection = await self._connected()
        with self._host.translated(self._settings):
            return await connection.ask(message, kind, self._seconds(seconds))

    def _seconds(self, wanted: float) -> float:
        return min(wanted, self._settings.timeout, self._host.limits.operation_seconds)

    def _priced(self, finish: Finish) -> Finish:
        """`finish` at the price that the user configured, whatever the plugin says."""
        price = self._settings.price
        if price is None:
            return finish
        return replace(finish, cost=cost_of(self._settings.type, finish.served_model, finish.usage, price))

    def _broken(self, what: str) -> StreamInterrupted:
        plugin = self._host.entry.name
        return StreamInterrupted(
            f"provider {self._settings.name!r}: the plugin {plugin!r} {what}", provider=self._settings.name
        )

    async def _connected(self) -> Connection:
        if self._connection is not None and self._connection.alive:
            return self._connection
        async with self._lock:
            if self._connection is None or not self._connection.alive:
                await self.close()
                self._count_start()
                with self._host.starting(self._settings):
                    self._connection = await self._open()
            return self._connection

    async def _open(self) -> Connection:
        # One deadline for all of it: the process, the plugin, and its provider.
        async with asyncio.timeout(self._host.limits.start_seconds):
            connection = await self._host.load(self._settings)
            try:
                message = messages.Open(passed_on(self._settings))
                said = await connection.ask(message, Capabilities, self._host.limits.start_seconds)
            except BaseException:
                await connection.close()
                raise
        self._capabilities = {self._settings.model or "": said}
        return connection

    def _count_start(self) -> None:
        """Raises Overloaded where the process was started too often lately."""
        limits, now = self._host.limits, time.monotonic()
        while self._starts and now - self._starts[0] > limits.restart_window:
            self._starts.popleft()
        if len(self._starts) >= limits.restarts:
            raise Overloaded(
                f"provider {self._settings.name!r}: the plugin {self._host.entry.name!r} was started"
                f" {limits.restarts} times within {limits.restart_window:.0f} s: it must wait",
                hint="see the log for why it ends",
                retry_after=self._starts[0] + limits.restart_window - now,
                provider=self._settings.name,
            )
        self._starts.append(now)
