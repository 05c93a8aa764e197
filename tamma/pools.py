"""Started adapters, one for each configured name, made when first asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, cast

from tamma import registry
from tamma.platforms.interface import Platform, PlatformSettings
from tamma.providers.interface import Provider, ProviderSettings


class Adapter(Protocol):
    """What providers and platforms share."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class _Pool:
    def __init__(self, kind: registry.Registry) -> None:
        self._kind = kind
        self._started: dict[str, Adapter] = {}
        self._lock = asyncio.Lock()

    async def close(self) -> None:
        """Close all adapters."""
        while self._started:
            _, adapter = self._started.popitem()
            await adapter.close()

    async def _get(self, name: str, settings: Callable[[], tuple[str, object]]) -> Adapter:
        found = self._started.get(name)
        if found is None:
            async with self._lock:
                found = self._started.get(name)
                if found is None:
                    found = await self._start(*settings())
                    self._started[name] = found
        return found

    async def _start(self, type_name: str, settings: object) -> Adapter:
        make = cast("Callable[[Any], Adapter]", self._kind.get(type_name))
        adapter = make(settings)
        await adapter.start()
        return adapter


class Providers(_Pool):
    """The configured providers. `settings` resolves a name, with its secret."""

    def __init__(self, settings: Callable[[str], ProviderSettings]) -> None:
        super().__init__(registry.providers)
        self._settings = settings

    async def get(self, name: str) -> Provider:
        """Raises ConfigError for an unknown name, AuthFailed where a key is missing."""

        def resolve() -> tuple[str, object]:
            settings = self._settings(name)
            return settings.type, settings

        return cast("Provider", await self._get(name, resolve))


class Platforms(_Pool):
    """The configured platform accounts. `settings` resolves an id, with its secret."""

    def __init__(self, settings: Callable[[str], PlatformSettings]) -> None:
        super().__init__(registry.platforms)
        self._settings = settings

    async def get(self, platform_id: str) -> Platform:
        """Raises ConfigError for an unknown id, BadCredentials where a token is missing."""

        def resolve() -> tuple[str, object]:
            settings = self._settings(platform_id)
            return settings.type, settings

        return cast("Platform", await self._get(platform_id, resolve))
