"""What an authorisation server granted, and the seam to where it is kept."""

from __future__ import annotations

import hashlib
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

EARLY = 300.0
"""Seconds before its end at which a token counts as ended: a clone begun with it must come to its end."""
EARLY_SHARE = 0.1
"""Of a token's life, where that is less: one of a minute would otherwise be renewed at every call."""


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token and what renews it. Times are seconds since the epoch."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: float | None
    """None: the server does not say."""
    obtained_at: float
    seed: str
    """`seed_of` the configured refresh token that it goes back to: another one begins anew."""

    def ends_soon(self, now: float) -> bool:
        """Whether it is time to renew the access token."""
        if self.expires_at is None:
            return False
        life = max(self.expires_at - self.obtained_at, 0.0)
        return now >= self.expires_at - min(EARLY, life * EARLY_SHARE)

    def ended(self, now: float) -> bool:
        return self.expires_at is not None and now >= self.expires_at


class GrantStore(Protocol):
    """Keeps the newest grant of one account, for all processes of this machine."""

    def locked(self) -> AbstractAsyncContextManager[None]:
        """While it is held, no other process renews this account's token."""
        ...

    async def load(self) -> Grant | None:
        """None where nothing is kept. Raises ConfigError where it cannot be read."""
        ...

    async def save(self, grant: Grant) -> None:
        """On return it outlives a crash. Raises ConfigError where it cannot be kept."""
        ...


def seed_of(refresh_token: str) -> str:
    """What tells one configured refresh token from another, without being it."""
    return hashlib.sha256(refresh_token.encode()).hexdigest()
