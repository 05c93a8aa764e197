"""Whose turn it is: calls to one host with one credential, whichever of our accounts makes them.

A service's "come back later" holds for all of them: until then none is sent. Writes keep the distance
that the service asks for.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary, WeakValueDictionary

from tamma.errors import LONGEST_RETRY_AFTER
from tamma.model.repository import RateLimit
from tamma.resilience.breaker import Breaker


@dataclass(slots=True, weakref_slot=True)
class Throttle:
    """The state for one host and credential in this process. Belongs to one event loop."""

    at_once: int
    """Calls under way at most."""
    write_interval: float = 0.0
    """Seconds between the beginnings of two writes."""
    one_write_at_once: bool = False
    clock: Callable[[], float] = time.monotonic
    breaker: Breaker = field(default_factory=Breaker)
    budget: RateLimit = field(default_factory=RateLimit)
    """As the service said last."""
    _slots: asyncio.Semaphore = field(init=False)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _next_write: float = 0.0
    _blocked_until: float = 0.0

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.at_once)

    def blocked(self) -> float:
        """Seconds in which nothing is to be sent; 0.0: go ahead."""
        return max(self._blocked_until - self.clock(), 0.0)

    def block(self, seconds: float) -> None:
        """The service said to come back in `seconds`; after a day it is asked whether that still holds."""
        self._blocked_until = max(self._blocked_until, self.clock() + min(seconds, LONGEST_RETRY_AFTER))

    @asynccontextmanager
    async def turn(self, *, writes: bool) -> AsyncGenerator[None]:
        """Hold a place among the calls; a writing one waits for the distance to the one before it."""
        if not writes or not (self.one_write_at_once or self.write_interval):
            async with self._slots:
                yield
            return
        async with self._writing:
            if (wait := self._next_write - self.clock()) > 0:
                await asyncio.sleep(wait)
            self._next_write = self.clock() + self.write_interval
            if self.one_write_at_once:
                async with self._slots:
                    yield
                return
        async with self._slots:
            yield


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakValueDictionary[str, Throttle]] = (
    WeakKeyDictionary()
)
"""By the loop that their locks belong to."""


def throttle_for(
    host: str,
    credential: str | None,
    *,
    at_once: int,
    write_interval: float = 0.0,
    one_write_at_once: bool = False,
) -> Throttle:
    """The throttle of that host and credential; the limits of whoever came first hold.

    It lives as long as somebody holds it. No secret is kept: the credential is hashed.
    """
    of_loop = _shared.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    key = hashlib.sha256(repr((host, credential)).encode()).hexdigest()
    found = of_loop.get(key)
    if found is None:
        found = of_loop[key] = Throttle(at_once, write_interval, one_write_at_once)
    return found
