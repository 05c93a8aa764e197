"""Where activities get adapters from: a name in, a started adapter out."""

from __future__ import annotations

from typing import Protocol

from tamma.platforms.interface import Platform
from tamma.providers.interface import Provider


class ProviderPool(Protocol):
    async def get(self, name: str) -> Provider:
        """The started provider of that configured name. Raises ConfigError, AuthFailed."""
        ...


class PlatformPool(Protocol):
    async def get(self, name: str) -> Platform:
        """The started platform account of that name (its id). Raises ConfigError, BadCredentials."""
        ...
