"""What the accounts of all services that speak HTTP have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from tamma.errors import StaleHead
from tamma.platforms.common.branches import stale
from tamma.platforms.http.connection import Connection
from tamma.platforms.http.credentials import token_source
from tamma.platforms.interface import PlatformSettings, TokenSource


class HttpAccount(ABC):
    """The settings, where the token comes from, and the connection, which is made when it is first needed."""

    def __init__(self, settings: PlatformSettings, tokens: TokenSource | None = None) -> None:
        """`tokens`: where the service has a way of its own to get them; None: as configured."""
        self._settings = settings
        self._tokens = tokens or token_source(settings)
        self._made: Connection | None = None

    @property
    def settings(self) -> PlatformSettings:
        return self._settings

    async def start(self) -> None:
        """Make the client. Makes no call. Idempotent."""
        _ = self._api

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()

    @property
    def _api(self) -> Connection:
        if self._made is None:
            self._made = self._connect()
        return self._made

    @abstractmethod
    def _connect(self) -> Connection:
        """A new connection. Makes no call."""
        ...

    def _stale(self, what: str, now: str, expected: str) -> StaleHead:
        return stale(what, now, expected, self._settings.id)
