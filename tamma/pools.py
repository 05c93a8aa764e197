"""Started adapters, one for each configured name, made when first asked for."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from tamma import registry
from tamma.platforms.interface import Platform, PlatformSettings
from tamma.platforms.tracked import Tracked, Tracking
from tamma.providers.interface import Provider, ProviderSettings
from tamma.providers.observed import Hook, Observed
from tamma.providers.routing.guarded import Guarded, Guards
from tamma.providers.text_tools.provider import TextTools


class Adapter(Protocol):
    """What providers and platforms share."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...


AdapterT = TypeVar("AdapterT", bound=Adapter)


class _Pool(Generic[AdapterT]):
    def __init__(self) -> None:
        self._started: dict[str, AdapterT] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, name: str) -> AdapterT:
        """The started adapter of the entry `name`. Raises ConfigError for an unknown one."""
        found = self._started.get(name)
        if found is None:
            async with self._locks[name]:  # one of each: a slow start keeps nobody from the others
                found = self._started.get(name)
                if found is None:
                    found = self._started[name] = await self._start(name)
        return found

    async def close(self) -> None:
        """Close all adapters."""
        while self._started:
            _, adapter = self._started.popitem()
            await adapter.close()

    async def _start(self, name: str) -> AdapterT:
        raise NotImplementedError


class Providers(_Pool[Provider]):
    """The configured providers. `settings` resolves a name, with its secret.

    `get` raises AuthFailed where a key is missing.
    """

    def __init__(self, settings: Callable[[str], ProviderSettings], hooks: Sequence[Hook] = ()) -> None:
        super().__init__()
        self._settings = settings
        self._hooks = hooks
        self._guards = Guards()

    async def _start(self, name: str) -> Provider:
        settings = self._settings(name)
        plugin = await asyncio.to_thread(registry.providers.get, settings.type)  # it may import much
        provider = plugin.create_provider(settings)
        await provider.start()
        # From the inside out: the guard's waiting is no part of what a call took.
        return Guarded(Observed(TextTools(provider), self._hooks), self._guards.of(settings))


class Platforms(_Pool[Platform]):
    """The configured platform accounts. `settings` resolves an id, with its secret; `tracking` says whether
    its issues are on another one.

    `get` raises BadCredentials where a token is missing.
    """

    def __init__(
        self,
        settings: Callable[[str], PlatformSettings],
        tracking: Callable[[str], Tracking | None] = lambda _: None,
    ) -> None:
        super().__init__()
        self._settings = settings
        self._tracking = tracking

    async def _start(self, name: str) -> Platform:
        platform = await self._made(name)
        if beside := self._tracking(name):
            # One of its own, so that closing this one takes it from nobody.
            platform = Tracked(platform, await self._made(beside.platform), beside)
        try:
            await platform.start()
        except BaseException:
            await platform.close()
            raise
        return platform

    async def _made(self, name: str) -> Platform:
        settings = self._settings(name)
        plugin = await asyncio.to_thread(registry.platforms.get, settings.type)  # it may import much
        return plugin.create_platform(settings)
