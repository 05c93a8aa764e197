"""A third party's provider, run in a process of its own: to everybody else a provider like any other.

A crash there is an error here: ConfigError where it happens at the start, StreamInterrupted later. The next
call starts the process anew, a bounded number of times a minute.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar

from tamma.errors import StreamInterrupted, TammaError
from tamma.model.conversation import (
    Capabilities,
    Finish,
    ModelInfo,
    ProviderCheck,
    Request,
    StreamEvent,
    TokenCount,
)
from tamma.plugins.confinement import TIERS, TierName
from tamma.plugins.connection import Connection
from tamma.plugins.host import Host, grants_of, told
from tamma.plugins.kind import Account, passed_on
from tamma.plugins.limits import Limits
from tamma.plugins.messages import Problems
from tamma.plugins.process import Process
from tamma.providers.catalogue.prices import cost_of
from tamma.providers.interface import Provider, ProviderSettings
from tamma.providers.plugins import messages
from tamma.providers.plugins.kind import KIND, account_of
from tamma.registry import Entry

T = TypeVar("T")
_CHECK_SECONDS = 30.0


class HostedPlugin:
    """The ProviderPlugin of an entry point. Its code runs in the processes of its providers, never here."""

    def __init__(self, entry: Entry, tiers: Sequence[TierName] = TIERS, limits: Limits | None = None) -> None:
        self.name = entry.name
        self.version = entry.version
        self._host = Host(KIND, entry, tuple(tiers), limits or Limits())

    def create_provider(self, settings: ProviderSettings) -> Provider:
        """See `ProviderPlugin`. The plugin's own `create_provider` is called when this one is started."""
        grants_of(account_of(settings), KIND.noun)
        return HostedProvider(self._host, settings)

    def validate_config(self, settings: ProviderSettings) -> Sequence[str]:
        """Asks the plugin, in a process of its own. Blocks for the time of its start."""

        async def ask(connection: Connection) -> Sequence[str]:
            message = messages.Validate(_without_ours(settings))
            return (await connection.ask(message, Problems, self._host.limits.start_seconds)).sentences

        try:
            return self._host.apart(account_of(settings), ask)
        except TammaError as error:
            return (told(error),)

    def examine(self) -> str | None:
        """Load the plugin in a process of its own, and say what is wrong with it. Blocks likewise."""

        async def loaded(_connection: Connection) -> None:
            return None

        try:
            return self._host.apart(Account(self.name), loaded)
        except TammaError as error:
            return told(error)


class HostedProvider:
    """A Provider whose every call is made in the plugin's process."""

    def __init__(self, host: Host, settings: ProviderSettings) -> None:
        self._host = host
        self._settings = settings
        self._process = Process(host, account_of(settings), self._open)
        self._capabilities: dict[str, Capabilities] = {}

    @property
    def settings(self) -> ProviderSettings:
        return self._settings

    @property
    def pid(self) -> int | None:
        """The outermost of the plugin's processes, while it runs."""
        return self._process.pid

    async def start(self) -> None:
        """Start the process and the plugin's provider in it.

        Raises ConfigError where either fails, and what the plugin's provider raises of ours (AuthFailed).
        """
        await self._process.connected()

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """Ask the model; see `tamma.providers.interface`. Closing the generator cancels the call there."""
        connection = await self._process.connected()
        deadline = time.monotonic() + self._seconds(request.timeout)
        finished = False
        with self._host.translated(self._process.account):
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
        await self._process.close()

    async def _ask(self, message: object, kind: type[T], seconds: float) -> T:
        connection = await self._process.connected()
        with self._host.translated(self._process.account):
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

    async def _open(self, connection: Connection) -> None:
        message = messages.Open(_without_ours(self._settings))
        said = await connection.ask(message, Capabilities, self._host.limits.start_seconds)
        self._capabilities = {self._settings.model or "": said}


def _without_ours(settings: ProviderSettings) -> ProviderSettings:
    """What the plugin is told."""
    return replace(settings, options=passed_on(settings.options))
